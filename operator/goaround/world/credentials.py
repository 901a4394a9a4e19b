"""As whom a person speaks to an API server: what the user entry of a kubeconfig says.

Decides which of the ways in is taken (a token, a certificate, a password, a program that is asked),
and what each failure is called. Refuses ways that Kubernetes has given up, and to keep anything.
"""

import base64
import binascii
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

EXEC_VERSIONS: Final = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")

Entry = Mapping[str, Any]


class CredentialsError(Exception):
    """There is no way in; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where an API server is, and how it is known. authority: PEM of who vouches for it (None:
    those that the machine trusts); name: under which it is known, if not that of the URL."""

    url: str
    authority: bytes | None = None
    insecure: bool = False
    name: str | None = None
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """Headers that say who asks, and a client certificate with its key (PEM)."""

    headers: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    certificate: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        user: Entry,
        *,
        acting_as: str | None,
        acting_groups: tuple[str, ...],
        server: Entry,
    ) -> "Credentials":
        """What the user entry says; what the command line says of impersonation wins. Raises
        CredentialsError."""
        found = _asked(user["exec"], server) if user.get("exec") else _stated(user)
        return _acting(found, user, acting_as, acting_groups)

    def header_lines(self) -> list[tuple[str, str]]:
        """One line per group: it is the only header that is sent several times."""
        lines = list(self.headers.items())
        return [*lines, *(("Impersonate-Group", group) for group in self.groups)]


def data_or_file(entry: Entry, name: str) -> bytes | None:
    """`<name>-data` in base64, else the content of the file `<name>`. Raises CredentialsError."""
    if data := entry.get(f"{name}-data"):
        try:
            return base64.b64decode(str(data), validate=True)
        except (binascii.Error, ValueError) as err:
            raise CredentialsError(f"{name}-data of the kubeconfig is not base64") from err
    if path := entry.get(name):
        return _file(str(path), name).encode()
    return None


def _file(path: str, what: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        why = err.strerror if isinstance(err, OSError) else "it is not text"
        raise CredentialsError(f"cannot read {what} {path}: {why}") from err


def _stated(user: Entry) -> Credentials:
    """As kubectl: a file of a token before the token, either before a password."""
    if user.get("auth-provider"):
        raise CredentialsError(
            "the user entry has an auth-provider, which Kubernetes gave up in 1.26: "
            "have the kubeconfig made anew by the tool of your provider (it then has exec)"
        )
    found = Credentials(
        certificate=data_or_file(user, "client-certificate"), key=data_or_file(user, "client-key")
    )
    if user.get("tokenFile"):
        return _bearing(found, _file(str(user["tokenFile"]), "tokenFile").strip())
    if user.get("token"):
        return _bearing(found, str(user["token"]))
    if user.get("username"):
        pair = f"{user['username']}:{user.get('password', '')}".encode()
        basic = f"Basic {base64.b64encode(pair).decode()}"
        return replace(found, headers={"Authorization": basic})
    return found


def _bearing(found: Credentials, token: str) -> Credentials:
    return replace(found, headers={"Authorization": f"Bearer {token}"})


def _acting(
    found: Credentials, user: Entry, acting_as: str | None, groups: tuple[str, ...]
) -> Credentials:
    """As somebody else, if that is asked for."""
    name = acting_as or user.get("as")
    if name is None and (groups or user.get("as-groups")):
        raise CredentialsError("--as-group needs --as: nobody is a member of groups alone")
    if name is None:
        return found
    headers = {**found.headers, "Impersonate-User": str(name)}
    if user.get("as-uid") and acting_as is None:
        headers["Impersonate-Uid"] = str(user["as-uid"])
    told = groups or (tuple(map(str, user.get("as-groups") or ())) if acting_as is None else ())
    return replace(found, headers=headers, groups=told)


def _asked(plugin: Entry, server: Entry) -> Credentials:
    """What a credential plugin says; its own words go to the terminal. Raises CredentialsError."""
    command, version = str(plugin.get("command") or ""), str(plugin.get("apiVersion") or "")
    if version not in EXEC_VERSIONS:
        raise CredentialsError(
            f"the credential plugin {command} speaks {version or 'no apiVersion'}, "
            f"and what is understood is {', '.join(EXEC_VERSIONS)}"
        )
    interactive = plugin.get("interactiveMode") != "Never" and sys.stdin.isatty()
    if plugin.get("interactiveMode") == "Always" and not interactive:
        raise CredentialsError(f"the credential plugin {command} needs a terminal: log in first")
    answer = _run(plugin, command, _question(plugin, server, interactive))
    try:
        status = json.loads(answer)["status"]
        token, pem = status.get("token"), status.get("clientCertificateData")
        key = status.get("clientKeyData")
    except (ValueError, TypeError, KeyError, AttributeError) as err:
        raise CredentialsError(
            f"the credential plugin {command} answered something else than an ExecCredential"
        ) from err
    if not token and not (pem and key):
        raise CredentialsError(f"the credential plugin {command} gave no credential: log in again")
    found = Credentials(
        certificate=pem.encode() if pem else None, key=key.encode() if key else None
    )
    return _bearing(found, str(token)) if token else found


def _question(plugin: Entry, server: Entry, interactive: bool) -> str:
    """`KUBERNETES_EXEC_INFO`."""
    spec: dict[str, Any] = {"interactive": interactive}
    if plugin.get("provideClusterInfo"):
        known = ("server", "tls-server-name", "insecure-skip-tls-verify", "proxy-url")
        spec["cluster"] = {key: server[key] for key in known if key in server}
        if (pem := data_or_file(server, "certificate-authority")) is not None:
            spec["cluster"]["certificate-authority-data"] = base64.b64encode(pem).decode()
    return json.dumps({"apiVersion": plugin["apiVersion"], "kind": "ExecCredential", "spec": spec})


def _run(plugin: Entry, command: str, question: str) -> str:
    more = {str(e["name"]): str(e["value"]) for e in plugin.get("env") or []}
    words = [command, *map(str, plugin.get("args") or [])]
    interactive = json.loads(question)["spec"]["interactive"]
    try:
        done = subprocess.run(
            words,
            env={**os.environ, **more, "KUBERNETES_EXEC_INFO": question},
            stdin=None if interactive else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=False,
        )
    except OSError as err:
        hint = str(plugin.get("installHint") or "install it, or put it on the PATH")
        raise CredentialsError(
            f"the credential plugin {command} cannot be run ({err.strerror}): {hint}"
        ) from err
    if done.returncode != 0:
        raise CredentialsError(
            f"the credential plugin {command} failed with {done.returncode}: see what it said "
            "above, and log in again"
        )
    return done.stdout.decode(errors="replace")
