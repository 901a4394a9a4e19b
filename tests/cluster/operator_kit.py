"""The real operator and a real flag replica on the session's control plane, and verbs for tests.

Every process has its own log file and is ended by its process id. A `Shop` is a namespace of one
test; whatever it holds is deleted while the operator still runs, so that no switch stays behind.
"""

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Final

import httpx

from goaround.api.base import Json
from hack.controlplane import ControlPlane, apply_crds
from tests.cluster.operator_shop import Shop, eventually
from tests.cluster.operator_traffic import (
    FAULTS,
    Providers,
    Traffic,
    metrics_page,
    sick_providers,
)

ROOT: Final = Path(__file__).resolve().parents[2]
STOP_SECONDS: Final = 25.0
NUMBERS: Final = count(1)
INSTALLED: Final[set[str]] = set()


@dataclass(frozen=True, slots=True)
class Process:
    """A child of ours with probes at `url`."""

    child: subprocess.Popen[bytes]
    url: str
    log: Path

    def get(self, where: str) -> httpx.Response:
        # Plain HTTP: a store of certificates, read anew for each call, would be most of its cost.
        return httpx.get(f"{self.url}{where}", trust_env=False, verify=False, timeout=5)

    def until_ready(self) -> None:
        """Fails with the end of its log when it ends instead."""

        def answers() -> bool:
            assert self.child.poll() is None, self.log.read_text()[-2000:]
            with contextlib.suppress(httpx.HTTPError):
                return self.get("/readyz").status_code == 200
            return False

        eventually(answers, f"ready; its log is {self.log}")

    def lines(self) -> list[Json]:
        """Its log; every line must be JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    @contextmanager
    def paused(self) -> Iterator[None]:
        with stopped(self.child.pid):
            yield

    def end(self) -> int:
        """SIGTERM, and how it ended; after 25 s it is killed."""
        self.child.send_signal(signal.SIGTERM)
        try:
            return self.child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.child.kill()
            return self.child.wait()


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """The process neither answers nor closes anything meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def process(plane: ControlPlane, log: Path, port: int, *command: str) -> Iterator[Process]:
    """`python -m goaround …`; its probe is not waited for."""
    argv = [sys.executable, "-m", "goaround", *command, f"--kubeconfig={plane.kubeconfig}"]
    with log.open("ab") as out:
        child = subprocess.Popen(argv, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
    running = Process(child, f"http://127.0.0.1:{port}", log)
    try:
        yield running
    finally:
        if child.poll() is None:
            running.end()


@cache
def free_ports(purpose: str, number: int) -> tuple[int, ...]:
    """Ports that were free when `purpose` first asked; the same ever after, so that Prometheus
    keeps its target while modules come and go."""
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = tuple(one.getsockname()[1] for one in sockets)
    for one in sockets:
        one.close()
    return ports


def with_crds(plane: ControlPlane) -> None:
    """Our CRDs are there; they are applied once per control plane."""
    if plane.server not in INSTALLED:
        apply_crds(plane, sorted((ROOT / "crds").glob("goaround.dev_*.yaml")))
        INSTALLED.add(plane.server)


@dataclass(slots=True)
class Stack:
    """Everything that runs: `operator` is the process of now, and may be started again."""

    plane: ControlPlane
    logs: Path
    api: httpx.Client
    traffic: Traffic
    providers: Providers
    flags: Process
    flag_port: int
    home: str
    operator: Process
    shops: list[Shop] = field(default_factory=list)

    def shop(self) -> Shop:
        """A namespace of its own."""
        made = Shop(self.plane, self.api, self.traffic, f"op-{next(NUMBERS)}")
        create_namespace(self.api, made.namespace)
        self.shops.append(made)
        return made


@contextmanager
def running(
    plane: ControlPlane, logs: Path, *, before: Callable[["Stack"], None] | None = None
) -> Iterator[Stack]:
    """Operator, flag replica, apps and providers; `before` acts when all but the operator run."""
    with_crds(plane)
    grpc, http, probes, page = free_ports("all", 4)
    with ExitStack() as stack:
        api = stack.enter_context(client(plane))
        traffic = Traffic()
        stack.enter_context(metrics_page(traffic, page))
        plane.set_targets([f"127.0.0.1:{page}"])
        stack.enter_context(_following(traffic, plane))
        providers = stack.enter_context(sick_providers(plane.prometheus))
        options = ("--host=127.0.0.1", f"--port={grpc}", f"--http-port={http}")
        flags = stack.enter_context(process(plane, logs / "flags.log", http, "flags", *options))
        home, unborn = f"op-home-{next(NUMBERS)}", Process(flags.child, "", logs)
        create_namespace(api, home)
        made = Stack(plane, logs, api, traffic, providers, flags, grpc, home, unborn)
        if before is not None:
            before(made)
        made.operator = stack.enter_context(operator(made, probes))
        flags.until_ready()
        yield made
        for shop in made.shops:
            shop.empty()
        # whatever a test did to it, the operator never stumbled
        assert [line for line in made.operator.lines() if "exception" in line] == []


def create_namespace(api: httpx.Client, name: str) -> None:
    answer = api.post("/api/v1/namespaces", json={"metadata": {"name": name}})
    assert answer.is_success, answer.text


@contextmanager
def operator(stack: Stack, port: int, *more: str) -> Iterator[Process]:
    """One operator process on the administrator's file of these tests."""
    config = stack.logs / "operator.yaml"
    config.write_text(json.dumps(administrators_file(stack)))
    options = (f"--config={config}", "--host=127.0.0.1", f"--port={port}", "--identity=test")
    # A home of its own: the lease of another test's operator is never waited for.
    home = (f"--own-namespace={stack.home}", f"--flag-replica={stack.flags.url}")
    log = stack.logs / "operator.log"
    with process(stack.plane, log, port, "operator", *options, *home, *more) as child:
        child.until_ready()
        yield child


def administrators_file(stack: Stack) -> Json:
    """The good provider, one for each way to fail, and an endpoint for golden runs."""
    quick = {"scrapeSeconds": 1, "lagSeconds": 1, "timeoutSeconds": 2}
    sick = [{"name": name, "url": stack.providers.url(name)} | quick for name in FAULTS]
    good = {"name": "default", "url": stack.plane.prometheus} | quick
    (port,) = free_ports("golden", 1)
    golden = {"name": "golden", "url": f"http://127.0.0.1:{port}/ask"}
    return {"providers": [good, *sick], "endpoints": [golden], "checkpointSeconds": 2}


def client(plane: ControlPlane) -> httpx.Client:
    """A plain client of the API server, as administrator: quicker than kubectl in a loop."""
    pki = plane.data / "pki"
    return httpx.Client(
        base_url=plane.server,
        verify=ssl.create_default_context(cafile=str(pki / "apiserver.crt")),
        headers={"Authorization": f"Bearer {(pki / 'token').read_text()}"},
        trust_env=False,
        timeout=30,
    )


@contextmanager
def _following(traffic: Traffic, plane: ControlPlane) -> Iterator[None]:
    stop = threading.Event()
    with client(plane) as api:
        thread = threading.Thread(target=traffic.follow, args=(api, stop))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
