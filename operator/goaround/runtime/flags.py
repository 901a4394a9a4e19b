"""`python -m goaround flags`: one replica of the flag server, composed and run.

It joins the watches of `world` to the flag plane of `delivery`, and knows nothing of kopf. It
reads features, kill switches, pins and release records, and refuses to write anything to the API
server.
"""

import argparse
import asyncio
import json
import logging
import signal
import socket
from collections.abc import Coroutine, Iterator, Sequence
from functools import partial
from pathlib import Path

import grpc
from kubernetes.aio.client import ApiClient

from goaround.api.kinds import FEATURES, KILL_SWITCHES
from goaround.delivery import flagtls
from goaround.delivery.control import TokenFile
from goaround.delivery.flaghttp import FlagControl, FlagHttp
from goaround.delivery.flagserver import MAX_STREAMS, FlagServer, Replica
from goaround.delivery.flagstate import FlagState
from goaround.delivery.streams import Streams
from goaround.runtime import flag_pins, flag_texts, logs
from goaround.world.connect import load_api_client
from goaround.world.kube import KubeApi
from goaround.world.watch import Watcher

GRPC_PORT = 8015
HTTP_PORT = 8016
CONTROL_PORT = 8017
GRACE_SECONDS = 20.0

log = logging.getLogger("goaround.flags")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `goaround flags`."""
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on")
    parser.add_argument(
        "--port", type=int, default=GRPC_PORT, help="port of the flag stream; 0 chooses one"
    )
    parser.add_argument(
        "--http-port",
        type=int,
        default=HTTP_PORT,
        help="port of /livez, /readyz, /metrics and /revisions; 0 chooses one",
    )
    parser.add_argument(
        "--control-port",
        type=int,
        default=CONTROL_PORT,
        help="port where the operator may lower a candidate past the API server; 0 chooses one",
    )
    parser.add_argument(
        "--control-token-file",
        type=Path,
        help="file with the bearer token of the control port; without it the port is disabled",
    )
    _add_tls_arguments(parser)
    parser.add_argument("--kubeconfig", help="default: the pod's service account, or $KUBECONFIG")
    parser.add_argument(
        "--namespace",
        action="append",
        default=[],
        help="namespace to serve; repeat for more; default: all",
    )
    parser.add_argument(
        "--replica-id", default=socket.gethostname(), help="name of this replica; default: host"
    )
    parser.add_argument(
        "--max-streams", type=int, default=MAX_STREAMS, help="streams held at most; default: 2000"
    )
    parser.add_argument("--log-level", default="info", help="debug, info, warning or error")


def _add_tls_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tls-cert-file",
        type=Path,
        help="certificate chain (PEM) of the flag stream; with it the stream is TLS only",
    )
    parser.add_argument("--tls-key-file", type=Path, help="key (PEM) of that certificate")


async def serve(args: argparse.Namespace) -> int:
    """Runs a replica until SIGTERM or SIGINT; 0 when it ended in order, 2 without a usable
    certificate where one is asked for.

    Once everything is listed, the ports stand on stdout as one line of JSON.
    """
    logs.configure(args.log_level)
    try:
        tls = flagtls.asked_for(args.tls_cert_file, args.tls_key_file)
    except ValueError as error:
        log.error("cannot listen", extra={"error": str(error)})
        return 2
    return await _serve(args, tls)


async def _serve(args: argparse.Namespace, tls: grpc.ServerCredentials | None) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    listed = asyncio.Event()
    replica = _replica(args, listed)
    server, control = FlagServer(replica), _control(args, replica)
    connected = await load_api_client(args.kubeconfig, agent="goaround-flags")
    async with connected as client, asyncio.TaskGroup() as tasks:
        ports = {"grpc": await server.start(args.host, args.port, tls)}
        if control is not None:
            ports["control"] = await control.start(args.host, args.control_port)
        http = FlagHttp(replica, control=ports.get("control"))
        ports["http"] = await http.start(args.host, args.http_port)
        log.info("listening", extra=ports | {"replica": replica.name})
        following = [
            tasks.create_task(watch)
            for watch in _watches(client, replica.state, args.namespace or [None])
        ]
        following.append(tasks.create_task(flag_pins.follow(KubeApi(client), replica.state)))
        following.append(tasks.create_task(flag_texts.follow(KubeApi(client), replica.state)))
        following.append(tasks.create_task(_announce(listed, ports)))
        await stop.wait()
        log.info("closing", extra={"streams": len(replica.streams)})
        await server.stop(GRACE_SECONDS)
        await http.stop()
        if control is not None:
            await control.stop()
        for task in following:
            task.cancel()
    log.info("closed")
    return 0


def _control(args: argparse.Namespace, replica: Replica) -> FlagControl | None:
    """The control port, unless nobody could be told from a stranger on it."""
    if args.control_token_file is None:
        log.info("control port disabled: --control-token-file is not given")
        return None
    token = TokenFile(args.control_token_file)
    try:
        token.read()
    except ValueError as error:
        # it may be mended in place; until then nobody is admitted
        log.warning("control port admits nobody", extra={"error": str(error)})
    return FlagControl(replica, token)


def _replica(args: argparse.Namespace, listed: asyncio.Event) -> Replica:
    streams = Streams(args.max_streams)

    def on_listed() -> None:
        listed.set()
        streams.wake_all()

    state = FlagState(
        args.namespace,
        on_change=streams.changed,
        on_listed=on_listed,
        on_problem=lambda problem: log.warning("flag problem", extra={"problem": problem}),
    )
    return Replica.of(args.replica_id, state, streams)


def _watches(
    client: ApiClient, state: FlagState, namespaces: Sequence[str | None]
) -> Iterator[Coroutine[None, None, None]]:
    for scope in namespaces:
        features = Watcher(client, FEATURES, scope, on_fault=_faulted)
        yield features.run(partial(state.list_features, namespace=scope), state.see_feature)
        switches = Watcher(client, KILL_SWITCHES, scope, on_fault=_faulted)
        yield switches.run(partial(state.list_switches, namespace=scope), state.see_switch)


def _faulted(fault: str) -> None:
    log.warning("watch interrupted", extra={"fault": fault})


async def _announce(listed: asyncio.Event, ports: dict[str, int]) -> None:
    await listed.wait()
    log.info("ready", extra=ports)
    print(json.dumps(ports), flush=True)
