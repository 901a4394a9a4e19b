"""One operator, two flag replicas on a control port, and ways to take the ground from under them.

Users follow the flag streams, as in life: what a replica streams is what its users get, whatever
stands in status. A user whose replica is gone is served by the other one.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

import httpx

from goaround.api.base import Json
from hack.controlplane import ControlPlane
from tests.cluster.operator_kit import (
    NUMBERS,
    Process,
    client,
    create_namespace,
    free_ports,
    process,
    with_crds,
)
from tests.cluster.operator_shop import Shop, eventually
from tests.cluster.operator_traffic import TICK_SECONDS, FeatureName, Traffic, metrics_page
from tests.cluster.refusal_wire import Ear, Proxy

NAMES: Final = ("one", "two")


HEADER = f"{'seconds from proof to …':44}{'0 % on 1':>9}{'on 2':>9}{'decided':>10}{'in status':>10}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: seconds from the proof on."""

    fault: str
    zero: dict[str, float]
    decided: float
    written: float

    def __str__(self) -> str:
        zero = "".join(f"{self.zero[n]:9.2f}" if n in self.zero else "     gone" for n in NAMES)
        return f"{self.fault:44}{zero}{self.decided:10.2f}{self.written:10.2f}"


@dataclass(slots=True)
class Rig:
    """Everything that runs."""

    plane: ControlPlane
    logs: Path
    api: httpx.Client
    traffic: Traffic
    proxy: Proxy
    ports: tuple[int, ...]
    token: Path
    home: str
    flags: dict[str, Process] = field(default_factory=dict)
    ears: dict[str, Ear] = field(default_factory=dict)
    operator: Process | None = None
    _ends: ExitStack = field(default_factory=ExitStack)

    def shop(self) -> Shop:
        made = Shop(self.plane, self.api, self.traffic, f"op-{next(NUMBERS)}")
        create_namespace(self.api, made.namespace)
        return made

    def start_flags(self, name: str) -> None:
        """A replica; the second one reaches the API server over the proxy."""
        n = NAMES.index(name)
        grpc_port, http_port = self.ports[2 * n : 2 * n + 2]
        plane = self.plane if n == 0 else replace(self.plane, kubeconfig=self._by_proxy())
        more = ("--host=127.0.0.1", f"--port={grpc_port}", f"--http-port={http_port}")
        control = ("--control-port=0", f"--control-token-file={self.token}")
        log = self.logs / f"flags-{name}.log"
        started = process(plane, log, http_port, "flags", *more, *control, f"--replica-id={name}")
        self.flags[name] = self._ends.enter_context(started)

    def start_operator(self) -> None:
        port = self.ports[4]
        config = self.logs / "operator.yaml"
        good = {"name": "default", "url": self.plane.prometheus, "scrapeSeconds": 1}
        good |= {"lagSeconds": 1, "timeoutSeconds": 2}
        config.write_text(json.dumps({"providers": [good], "checkpointSeconds": 2}))
        options = (f"--config={config}", "--host=127.0.0.1", f"--port={port}", "--identity=refusal")
        replicas = [f"--flag-replica={one.url}" for one in self.flags.values()]
        more = (f"--own-namespace={self.home}", f"--control-token-file={self.token}")
        log = self.logs / "operator.log"
        started = process(self.plane, log, port, "operator", *options, *replicas, *more)
        self.operator = self._ends.enter_context(started)
        self.operator.until_ready()

    def kill_flags(self, name: str) -> None:
        self.flags[name].child.kill()
        self.flags[name].child.wait()

    def revisions(self, name: str) -> Json:
        found: Json = self.flags[name].get("/revisions").json()
        return found

    def lowered(self) -> list[Json]:
        """What the operator logged about lowering."""
        assert self.operator is not None
        return [one for one in self.operator.lines() if one["logger"] == "goaround.lowering"]

    def lowered_total(self) -> float:
        assert self.operator is not None
        lines = self.operator.get("/metrics").text.splitlines()
        return sum(float(x.split()[-1]) for x in lines if x.startswith("goaround_lowered_total{"))

    @contextmanager
    def listening(self, feature: FeatureName) -> Iterator[None]:
        """Users of the feature are on both replicas, and an ear on each."""
        stop = threading.Event()
        self.ears = {n: Ear(self.ports[2 * i], feature) for i, n in enumerate(NAMES)}
        threads = [threading.Thread(target=e.listen, args=(stop,)) for e in self.ears.values()]
        threads.append(threading.Thread(target=self._serve, args=(feature, stop)))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def _serve(self, feature: FeatureName, stop: threading.Event) -> None:
        before = time.monotonic()
        while not stop.wait(TICK_SECONDS):
            now = time.monotonic()
            ears = [e for e in self.ears.values() if e.connected]
            for ear in ears:
                seconds = (now - before) / len(ears)
                self.traffic.count({feature: ear.heard[-1][1]}, seconds)
            before = now

    def _by_proxy(self) -> Path:
        made = self.logs / "by-proxy.kubeconfig"
        direct = f"127.0.0.1:{httpx.URL(self.plane.server).port}"
        text = self.plane.kubeconfig.read_text()
        assert direct in text
        made.write_text(text.replace(direct, f"127.0.0.1:{self.proxy.port}"))
        return made

    def close(self) -> None:
        self._ends.close()


@contextmanager
def rig(plane: ControlPlane, logs: Path) -> Iterator[Rig]:
    """All of it, ready."""
    with_crds(plane)
    ports, home = free_ports("refusal", 6), f"op-home-{next(NUMBERS)}"
    token = logs / "token"
    token.write_text(os.urandom(16).hex())
    traffic, proxy = Traffic(), Proxy(httpx.URL(plane.server).port or 443)
    with ExitStack() as stack:
        stack.callback(proxy.close)
        stack.enter_context(metrics_page(traffic, ports[5]))
        plane.set_targets([f"127.0.0.1:{ports[5]}"])
        api = stack.enter_context(client(plane))
        create_namespace(api, home)
        made = Rig(plane, logs, api, traffic, proxy, ports, token, home)
        stack.callback(made.close)
        for name in NAMES:
            made.start_flags(name)
        made.start_operator()
        for one in made.flags.values():
            one.until_ready()
        yield made


@contextmanager
def refused(plane: ControlPlane) -> Iterator[None]:
    """Nobody may write the status of a feature."""
    name = "goaround-test-refusal"
    rule = {"apiGroups": ["goaround.dev"], "apiVersions": ["*"], "operations": ["UPDATE"]}
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule | {"resources": ["aifeatures/status"]}]},
        "validations": [
            {"expression": "false", "message": "status is closed", "reason": "Forbidden"}
        ],
    }
    binding = {"policyName": name, "validationActions": ["Deny"]}
    kinds = {"ValidatingAdmissionPolicy": spec, "ValidatingAdmissionPolicyBinding": binding}
    bodies = [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": what,
        }
        for kind, what in kinds.items()
    ]
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies})
    plane.kubectl("apply", "--filename=-", stdin=listed)
    plane.wait_policy()
    try:
        yield
    finally:
        plane.kubectl("delete", "--filename=-", stdin=listed)


@contextmanager
def stopped_for(pid: int, at_least: float) -> Iterator[None]:
    """The process does nothing for so many seconds, or as long as the block takes."""
    os.kill(pid, signal.SIGSTOP)
    begun = time.monotonic()
    try:
        yield
        time.sleep(max(at_least - (time.monotonic() - begun), 0))
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def disk_full(plane: ControlPlane) -> Iterator[None]:
    """etcd raises its alarm of no space: the API server can be read and takes no write."""
    argv = Path(f"/proc/{plane.pids['etcd']}/cmdline").read_text().split("\0")
    (url,) = (x.partition("=")[2] for x in argv if x.startswith("--advertise-client-urls="))
    with httpx.Client(base_url=f"{url}/v3/maintenance", trust_env=False) as etcd:
        member = etcd.post("/status", json={}).raise_for_status().json()["header"]["member_id"]
        alarm = {"memberID": member, "alarm": "NOSPACE"}
        etcd.post("/alarm", json=alarm | {"action": "ACTIVATE"}).raise_for_status()
        try:
            tried = plane.kubectl("create", "namespace", "no-space-for-this", check=False)
            assert "space exceeded" in tried.stderr, tried.stderr
            yield
        finally:
            etcd.post("/alarm", json=alarm | {"action": "DEACTIVATE"}).raise_for_status()


def until_zero(rig: Rig, since: float, *names: str) -> None:
    """Every one of these replicas has streamed a share of 0 since then."""
    for name in names:
        eventually(
            partial(rig.ears[name].zero_after, since), f"share 0 on {name}; {rig.lowered()[-3:]}"
        )
