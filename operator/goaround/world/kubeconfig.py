"""Which API server a person means, and as whom: kubeconfig files, read as kubectl reads them.

Decides which cluster, user and namespace are chosen, and where a file named in them lies. Writes no
file, and keeps no secret longer than the process. Credentials themselves: `world/credentials.py`.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from goaround.world.credentials import Credentials, CredentialsError, Server, data_or_file

IN_CLUSTER: Final = "KUBERNETES_SERVICE_HOST"
USUAL: Final = "~/.kube/config"
ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
LISTS: Final = {"clusters": "cluster", "users": "user", "contexts": "context"}
FILES: Final = {
    "clusters": ("certificate-authority",),
    "users": ("client-certificate", "client-key", "tokenFile"),
}

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line says. None: as kubectl would choose."""

    kubeconfig: str | None = None
    context: str | None = None
    namespace: str | None = None
    acting_as: str | None = None
    acting_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """The API server that was chosen. origin: where it was found, in words."""

    server: Server
    credentials: Credentials
    namespace: str
    origin: str


@dataclass(slots=True)
class Config:
    """Several files as one: the first that names something wins."""

    clusters: dict[str, Entry] = field(default_factory=dict)
    users: dict[str, Entry] = field(default_factory=dict)
    contexts: dict[str, Entry] = field(default_factory=dict)
    current: str = ""


def access(choice: Choice, env: Mapping[str, str], account: Path = ACCOUNT) -> Access:
    """The chosen API server. Raises CredentialsError, which says what to do.

    As for kubectl: `--kubeconfig`, else the files of `$KUBECONFIG`, else the usual one; in a pod
    that has none of them, its service account.
    """
    paths = _paths(choice, env)
    if not paths and IN_CLUSTER in env and choice.context is None:
        return _in_cluster(choice, env, account)
    if not paths:
        raise CredentialsError(
            f"no kubeconfig: there is no {USUAL}, $KUBECONFIG names no file that exists; "
            "give --kubeconfig FILE, or log in to a cluster first"
        )
    return _chosen(_merged(paths), choice, ":".join(map(str, paths)))


def _paths(choice: Choice, env: Mapping[str, str]) -> list[Path]:
    """The files that exist; one that was named on the command line has to."""
    if choice.kubeconfig is not None:
        return [Path(choice.kubeconfig).expanduser()]
    named = env.get("KUBECONFIG", "")
    listed = [part for part in named.split(os.pathsep) if part] or [USUAL]
    return [path for part in listed if (path := Path(part).expanduser()).is_file()]


def _merged(paths: Sequence[Path]) -> Config:
    config = Config()
    for path in paths:
        body = _body(path)
        config.current = config.current or str(body.get("current-context") or "")
        for plural, singular in LISTS.items():
            known: dict[str, Entry] = getattr(config, plural)
            for item in body.get(plural) or []:
                entry = dict(item.get(singular) or {}) if isinstance(item, dict) else {}
                if entry:
                    known.setdefault(str(item.get("name")), _placed(plural, entry, path.parent))
    return config


def _body(path: Path) -> Entry:
    try:
        loaded = yaml.load(path.read_text(encoding="utf-8"), Loader=_loader())
    except OSError as err:
        raise CredentialsError(f"cannot read {path}: {err.strerror}") from err
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        raise CredentialsError(f"{path} is no kubeconfig: it is not YAML") from err
    if not isinstance(loaded, dict):
        raise CredentialsError(f"{path} is no kubeconfig: it is empty, or no map of fields")
    return loaded


def _loader() -> Any:
    """The one in C, where there is one: it reads a large file ten times faster."""
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _placed(plural: str, entry: dict[str, Any], folder: Path) -> Entry:
    """Files are named relative to the kubeconfig that names them."""
    for key in FILES.get(plural, ()):
        if entry.get(key):
            entry[key] = str(folder / Path(str(entry[key])).expanduser())
    command = (entry.get("exec") or {}).get("command", "")
    if os.sep in command and not os.path.isabs(command):
        entry["exec"] = {**entry["exec"], "command": str(folder / command)}
    return entry


def _chosen(config: Config, choice: Choice, origin: str) -> Access:
    name = choice.context or config.current
    if not name:
        known = ", ".join(sorted(config.contexts)) or "none"
        raise CredentialsError(
            f"{origin} has no current-context: give --context (there is {known})"
        )
    context = _named(config.contexts, name, "context", origin)
    cluster = _named(config.clusters, context.get("cluster"), "cluster", origin)
    user = config.users.get(str(context.get("user")), {})
    namespace = choice.namespace or str(context.get("namespace") or "default")
    return Access(
        _server(cluster, origin),
        Credentials.of(
            user, acting_as=choice.acting_as, acting_groups=choice.acting_groups, server=cluster
        ),
        namespace,
        f"context {name} of {origin}",
    )


def _named(known: Mapping[str, Entry], name: object, what: str, origin: str) -> Entry:
    if str(name) not in known:
        there = ", ".join(sorted(known)) or "none"
        raise CredentialsError(f"{origin} has no {what} {name!r}: there is {there}")
    return known[str(name)]


def _server(cluster: Entry, origin: str) -> Server:
    url = str(cluster.get("server") or "")
    if not url.startswith(("https://", "http://")):
        raise CredentialsError(f"{origin}: the cluster has no server that begins with https://")
    return Server(
        url=url.rstrip("/"),
        authority=data_or_file(cluster, "certificate-authority"),
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        name=str(cluster["tls-server-name"]) if cluster.get("tls-server-name") else None,
        proxy=str(cluster["proxy-url"]) if cluster.get("proxy-url") else None,
    )


def _in_cluster(choice: Choice, env: Mapping[str, str], account: Path) -> Access:
    """The service account of this pod."""
    host, port = env[IN_CLUSTER], env.get("KUBERNETES_SERVICE_PORT", "443")
    host = f"[{host}]" if ":" in host else host
    try:
        own = (account / "namespace").read_text(encoding="utf-8").strip()
        authority = (account / "ca.crt").read_bytes()
    except OSError as err:
        raise CredentialsError(
            f"no kubeconfig, and this pod has no service account ({err.strerror}: {err.filename}): "
            "give --kubeconfig FILE, or set automountServiceAccountToken"
        ) from err
    credentials = Credentials.of(
        {"tokenFile": str(account / "token")},
        acting_as=choice.acting_as,
        acting_groups=choice.acting_groups,
        server={},
    )
    namespace = choice.namespace or own
    server = Server(f"https://{host}:{port}", authority, name=None)
    return Access(server, credentials, namespace, "the service account of this pod")
