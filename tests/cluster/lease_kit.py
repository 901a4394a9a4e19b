"""Several operators on one audited control plane of their own, and what each of them wrote.

Every operator is a user of its own, so that the audit log of the API server tells them apart.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Final

import httpx

from goaround.api.base import Json
from hack.controlplane import ControlPlane, apply_crds, control_plane
from tests.cluster.operator_kit import ROOT, Process, client, free_ports, process
from tests.cluster.operator_shop import Shop, eventually
from tests.cluster.operator_traffic import Traffic, metrics_page

WRITES: Final = frozenset({"create", "update", "patch", "delete"})
OURS: Final = frozenset(
    {"aifeatures", "aiincidents", "aikillswitches", "controllerrevisions", "events"}
)
NUMBERS: Final = count(1)


@dataclass(frozen=True, slots=True)
class Write:
    """One write that the API server carried out."""

    at: datetime
    user: str
    verb: str
    resource: str
    name: str


@dataclass(slots=True)
class Airfield:
    """The plane, its traffic, and operators that come and go."""

    plane: ControlPlane
    logs: Path
    api: httpx.Client
    traffic: Traffic
    users: dict[str, Path] = field(default_factory=dict)

    def shop(self) -> Shop:
        """A namespace of its own."""
        made = Shop(self.plane, self.api, self.traffic, f"field-{next(NUMBERS)}")
        self.plane.kubectl("create", "namespace", made.namespace)
        return made

    @contextmanager
    def operator(
        self, name: str, *more: str, kubeconfig: Path | None = None, resync: int = 600
    ) -> Iterator[Process]:
        """An operator that is synced; its user, its log and its identity are called `name`."""
        config = self.logs / f"{name}.yaml"
        config.write_text(json.dumps(self._administrators_file(resync)))
        (port,) = free_ports(f"field-{name}", 1)
        with process(
            replace(self.plane, kubeconfig=kubeconfig or self.user(name)),
            self.logs / f"{name}.log",
            port,
            "operator",
            f"--config={config}",
            "--host=127.0.0.1",
            f"--port={port}",
            f"--identity={name}",
            *more,
        ) as child:
            child.until_ready()
            yield child

    def refused(self, kubeconfig: Path, *more: str) -> subprocess.CompletedProcess[str]:
        """An operator that is expected to end by itself."""
        argv = [sys.executable, "-m", "goaround", "operator", "--host=127.0.0.1", "--port=0"]
        return subprocess.run(
            [*argv, f"--kubeconfig={kubeconfig}", *more],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def user(self, name: str) -> Path:
        """The kubeconfig of an administrator of this name."""
        if name not in self.users:
            self.users[name] = self.plane.user_kubeconfig(name, ["system:masters"])
        return self.users[name]

    def writes(self, shop: Shop) -> list[Write]:
        """What operators changed in the namespace, oldest first."""
        assert self.plane.audit_log is not None
        lines = self.plane.audit_log.read_text().splitlines()
        told = [json.loads(line) for line in lines if f'"{shop.namespace}"' in line]
        found = [_write(line) for line in told if _is_write(line)]
        return sorted((w for w in found if w.user in self.users), key=lambda w: w.at)

    def holder(self, lease: str = "goaround") -> str:
        """Who holds the lease; "" if nobody does."""
        where = f"/apis/coordination.k8s.io/v1/namespaces/default/leases/{lease}"
        found: Json = self.api.get(where).json()
        holder: str = found.get("spec", {}).get("holderIdentity", "")
        return holder

    def until_held_by(self, name: str, seconds: float) -> None:
        eventually(lambda: self.holder() == name, f"{name} holds the lease", seconds)

    def _administrators_file(self, resync: int) -> Json:
        good = {"name": "default", "url": self.plane.prometheus, "scrapeSeconds": 1}
        good |= {"lagSeconds": 1, "timeoutSeconds": 2}
        return {"providers": [good], "checkpointSeconds": 2, "resyncSeconds": resync}


def ours(plane: ControlPlane) -> None:
    apply_crds(plane, sorted((ROOT / "crds").glob("goaround.dev_*.yaml")))


@contextmanager
def airfield(logs: Path, *, install: Callable[[ControlPlane], None] = ours) -> Iterator[Airfield]:
    """Ready for operators; `install` brings the CRDs."""
    with ExitStack() as stack:
        plane = stack.enter_context(control_plane(prometheus=True, scrape_seconds=1, audit=True))
        install(plane)
        api = stack.enter_context(client(plane))
        traffic = Traffic()
        (page,) = free_ports("field-page", 1)
        stack.enter_context(metrics_page(traffic, page))
        plane.set_targets([f"127.0.0.1:{page}"])
        stack.enter_context(_following(traffic, plane))
        yield Airfield(plane, logs, api, traffic)


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


def _is_write(line: Json) -> bool:
    done = 200 <= line.get("responseStatus", {}).get("code", 0) < 300
    return done and line["verb"] in WRITES and line["objectRef"]["resource"] in OURS


def _write(line: Json) -> Write:
    about = line["objectRef"]
    return Write(
        at=datetime.fromisoformat(line["requestReceivedTimestamp"]),
        user=line["user"]["username"],
        verb=line["verb"],
        resource="/".join(filter(None, [about["resource"], about.get("subresource")])),
        name=about.get("name", ""),
    )


def held(operator: Process) -> float:
    """goaround_lease_held as the process itself tells it."""
    for line in operator.get("/metrics").text.splitlines():
        if line.startswith("goaround_lease_held "):
            return float(line.split()[1])
    raise AssertionError("no goaround_lease_held")


def told(operator: Process, message: str) -> list[datetime]:
    """When the operator logged this."""
    lines = [line for line in operator.log.read_text().splitlines() if f'"{message}"' in line]
    return [datetime.fromisoformat(json.loads(line)["at"]) for line in lines]
