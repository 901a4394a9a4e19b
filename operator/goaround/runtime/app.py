"""The operator process: kopf as the shell around our queue.

kopf watches, reconnects and logs in; its handlers only keep what was heard and offer a key, so it
writes nothing to any object. Why not its change handlers, timers, daemons and indices: each writes
annotations or finalizers, or keeps time in memory.
"""

import asyncio
import logging
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import kopf

from goaround.api import GROUP, VERSION
from goaround.api.kinds import OURS, Kind
from goaround.delivery.control import TokenFile
from goaround.incident.templating import faults
from goaround.runtime import logs
from goaround.runtime.config import ConfigError, load
from goaround.runtime.engine import Operator, Options
from goaround.runtime.health import serve
from goaround.runtime.lease import lease_name
from goaround.runtime.selfcheck import check
from goaround.world import older
from goaround.world.connect import load_api_client
from goaround.world.kube import KubeApi

if find_spec("sniffio") is None:
    # httpcore asks for it each time it waits, and each time the whole import path is searched in
    # vain, which makes a third of the CPU time of a request; None ends the search
    sys.modules["sniffio"] = None  # type: ignore[assignment]

log = logging.getLogger("goaround")

OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class NoDiffBase(kopf.DiffBaseStorage):
    """Nothing to compare with: even a stray change handler could not write an annotation."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        return None

    def store(self, **_: Any) -> None:
        return None


def configure(settings: kopf.OperatorSettings) -> None:
    """Every setting of the shell, in one place; the reasons are measured ones."""
    settings.peering.standalone = True
    settings.posting.enabled = False  # our events have deterministic names
    # Looking for new CRDs and namespaces needs rights on both everywhere, and without them kopf
    # retries the 403 for a minute before it watches anything at all.
    settings.scanning.disabled = True
    settings.watching.chunk_size = 500
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 330
    settings.watching.connect_timeout = 10
    settings.networking.connect_timeout = 10
    settings.networking.request_timeout = 30
    settings.process.ultimate_exiting_timeout = 25  # below a grace period of 30 s
    settings.persistence.finalizer = f"{GROUP}/unused"
    settings.persistence.diffbase_storage = NoDiffBase()


def shell(operator: Operator) -> kopf.OperatorRegistry:
    """kopf's handlers: raw events into the cache, our start and stop into its life cycle."""
    registry = kopf.OperatorRegistry()

    @kopf.on.startup(registry=registry)
    async def start(settings: kopf.OperatorSettings, **_: Any) -> None:
        configure(settings)
        await operator.start()

    @kopf.on.cleanup(registry=registry)
    async def stop(**_: Any) -> None:
        await operator.stop()

    @kopf.on.login(registry=registry)
    def login(**context: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_service_account(**context) or kopf.login_with_kubeconfig(**context)

    for kind in OURS:
        kopf.on.event(GROUP, VERSION, kind.plural, registry=registry, id=kind.plural)(
            _hearing(operator, kind)
        )
    return registry


def _hearing(operator: Operator, kind: Kind) -> Callable[..., Any]:
    async def heard(event: kopf.RawEvent, **_: Any) -> None:
        body = {"apiVersion": kind.api_version, "kind": kind.kind, **event["object"]}
        operator.controller.heard(kind, body, removed=event["type"] == "DELETED")

    return heard


async def run(options: Options) -> int:
    """The operator until SIGTERM or SIGINT; 0 after a clean stop. Raises NotPermitted."""
    client = await load_api_client(options.kubeconfig, agent="goaround-operator")
    async with (
        httpx.AsyncClient(trust_env=False) as http,
        httpx.AsyncClient(trust_env=False) as flags_http,
        httpx.AsyncClient(trust_env=False) as golden_http,
        httpx.AsyncClient(trust_env=False) as messages_http,
    ):
        api = KubeApi(client)
        operator = Operator(
            options,
            api,
            http,
            flags_http=flags_http,
            golden_http=golden_http,
            messages_http=messages_http,
        )
        for trouble in faults(options.config.incidents.templates):
            log.warning("a template is broken", extra={"told": trouble})
        operator.health.beat()
        probes = await serve(operator.health, operator.metrics.text, options.host, options.port)
        scope: dict[str, Any] = (
            {"namespaces": [options.namespace]} if options.namespace else {"clusterwide": True}
        )
        try:
            await check(
                api,
                namespace=options.namespace,
                home=options.own_namespace,
                lease=lease_name(options.namespace) if options.lease else None,
            )
            for what in await older.told(client):
                log.warning("not there on this API server", extra={"told": what})
            await kopf.operator(registry=shell(operator), standalone=True, **scope)
        finally:
            await probes.cleanup()
            await client.close()  # type: ignore[no-untyped-call]
    return 0


def add_arguments(parser: ArgumentParser) -> None:
    """The command line of `goaround operator`."""
    parser.add_argument("--config", help="the administrator's file (providers, defaults)")
    parser.add_argument("--kubeconfig", help="default: in-cluster, else $KUBECONFIG")
    parser.add_argument("--namespace", help="only this namespace; default: all")
    parser.add_argument("--host", default="0.0.0.0", help="address of the probes")
    parser.add_argument("--port", type=int, default=8080, help="port of the probes and metrics")
    parser.add_argument(
        "--flag-replica",
        action="append",
        metavar="URL",
        help="base URL of a flag replica's probes; repeat for each",
    )
    parser.add_argument(
        "--control-token-file",
        type=Path,
        help="file with the bearer token of the flag replicas' control ports, by which a candidate "
        "is lowered while status cannot be written; without it that is not done",
    )
    parser.add_argument("--log-level", default="info", help="debug, info, warning or error")
    parser.add_argument(
        "--own-namespace",
        "--lease-namespace",
        default="",
        help="the operator's own namespace, where its lease is, and the brake (ConfigMap "
        "goaround-brake); default: that of its service account, else `default`",
    )
    parser.add_argument(
        "--identity", default="", help="name in events and in the lease; default: host name"
    )
    parser.add_argument(
        "--no-lease",
        action="store_true",
        help="act without asking for the lease: only where no other operator can be",
    )


def home(told: Path) -> str:
    """The namespace of this pod as the file `told` has it, else `default`."""
    return (told.read_text().strip() if told.exists() else "") or "default"


def _control_token(path: Path | None) -> TokenFile | None:
    """Raises ConfigError where the file holds no token: better known now than when it is needed."""
    if path is None:
        return None
    token = TokenFile(path)
    try:
        token.read()
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return token


def main(args: Namespace) -> int:
    """Run the operator. Raises ConfigError."""
    logs.configure(args.log_level)
    if args.kubeconfig:
        os.environ["KUBECONFIG"] = args.kubeconfig  # kopf's own login reads it there
    options = Options(
        config=load(Path(args.config) if args.config else None),
        kubeconfig=args.kubeconfig,
        host=args.host,
        port=args.port,
        namespace=args.namespace,
        flag_replicas=tuple(args.flag_replica or ()),
        control_token=_control_token(args.control_token_file),
        identity=args.identity,
        own_namespace=args.own_namespace or home(OWN_NAMESPACE),
        lease=not args.no_lease,
    )
    return asyncio.run(run(options))
