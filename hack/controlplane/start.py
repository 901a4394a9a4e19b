"""Starts a control plane and waits until it is ready; stops it whatever happens.

All servers run under a `Supervisor`, so that nothing survives the caller, however it ends. Ports
are chosen by the kernel; when another process takes one before its server binds it, everything is
started again on other ports.
"""

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from hack.controlplane import commands, identity
from hack.controlplane.api import answers, request
from hack.controlplane.binaries import resolve_all
from hack.controlplane.plane import ControlPlane
from hack.controlplane.supervisor import Supervisor

READY_SECONDS = 60.0
POLL_SECONDS = 0.05
ATTEMPTS = 3
AUDIT_TO = "GOAROUND_AUDIT_TO"
"""Environment: a folder that gets the audit log of every control plane when that ends."""


class StartFailed(RuntimeError):
    """A server ended, or was not ready in time; the text holds the end of its log."""


class PortTaken(StartFailed):
    """Another process was faster in binding the chosen port."""


@contextmanager
def control_plane(
    *,
    prometheus: bool = True,
    scrape_seconds: int = 1,
    audit: bool = False,
    controller_manager: bool = False,
    keep: Path | None = None,
) -> Iterator[ControlPlane]:
    """A running control plane on loopback, in a throw-away directory; Linux only.

    With `keep` the directory is made inside that folder and stays (logs, audit log). With
    `controller_manager` namespaces and owned objects are really deleted, and `view`, `edit` and
    `admin` have rules; note that its garbage collector looks for new CRDs every 30 s only.
    Raises `ToolMissing` when a binary cannot be had, `StartFailed` when a server does not start.
    """
    wish = _Wish(prometheus, scrape_seconds, audit or AUDIT_TO in os.environ, controller_manager)
    binaries = resolve_all(tools_for(prometheus=prometheus, controller_manager=controller_manager))
    data, supervisor = _fresh(keep)
    try:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                plane = _Start(wish, binaries, data, supervisor).run()
                break
            except PortTaken:
                supervisor.close()
                if attempt == ATTEMPTS:
                    raise
                data, supervisor = _fresh(keep)
        yield plane
    finally:
        _keep_audit_log(data)
        supervisor.close()
        # The supervisor does it too, but a test may have killed that.
        if keep is None:
            shutil.rmtree(data, ignore_errors=True)


def _keep_audit_log(data: Path) -> None:
    log = data / "audit.log"
    if AUDIT_TO in os.environ and log.exists():
        shutil.copyfile(log, Path(os.environ[AUDIT_TO]) / f"{data.name}.audit")


def tools_for(*, prometheus: bool, controller_manager: bool) -> list[str]:
    """The names of the tools that such a control plane needs."""
    wanted = ["etcd", "kube-apiserver", "kubectl"]
    if prometheus:
        wanted.append("prometheus")
    if controller_manager:
        wanted.append("kube-controller-manager")
    return wanted


@dataclass(frozen=True, slots=True)
class _Wish:
    prometheus: bool
    scrape_seconds: int
    audit: bool
    controller_manager: bool


@dataclass(slots=True)
class _Start:
    """One attempt to start everything; `run` returns the ready plane."""

    wish: _Wish
    binaries: Mapping[str, Path]
    data: Path
    supervisor: Supervisor
    pids: dict[str, int] = field(default_factory=dict)

    def run(self) -> ControlPlane:
        api_port, etcd_port, peer_port, prometheus_port = free_ports(4)
        server = f"https://127.0.0.1:{api_port}"
        audit_log = self.data / "audit.log" if self.wish.audit else None
        self.pids["supervisor"] = self.supervisor.pid
        identity.write_identities(self.data / "pki")
        self._spawn("etcd", commands.etcd(self.binaries["etcd"], self.data, etcd_port, peer_port))
        prometheus = self._start_prometheus(prometheus_port)
        # The API server backs off for a whole second when it finds no etcd.
        self._await("etcd", lambda: _accepts(etcd_port))
        binary = self.binaries["kube-apiserver"]
        self._spawn(
            "kube-apiserver",
            commands.kube_apiserver(binary, self.data, api_port, etcd_port, audit_log=audit_log),
        )
        self._await("kube-apiserver", lambda: self._has(server, "/readyz"))
        self._await("kube-apiserver", lambda: self._has(server, "/api/v1/namespaces/default"))
        kubeconfig = identity.admin_kubeconfig(self.data, server)
        self._start_controller_manager(server, kubeconfig)
        if prometheus:
            self._await("prometheus", lambda: answers(f"{prometheus}/-/ready"))
        return ControlPlane(
            kubeconfig=kubeconfig,
            server=server,
            prometheus=prometheus,
            data=self.data,
            binaries=MappingProxyType(dict(self.binaries)),
            audit_log=audit_log,
            pids=MappingProxyType(self.pids),
        )

    def _start_prometheus(self, port: int) -> str:
        if not self.wish.prometheus:
            return ""
        binary = self.binaries["prometheus"]
        argv = commands.prometheus(binary, self.data, port, self.wish.scrape_seconds)
        self._spawn("prometheus", argv)
        return f"http://127.0.0.1:{port}"

    def _start_controller_manager(self, server: str, kubeconfig: Path) -> None:
        if not self.wish.controller_manager:
            return
        name = "kube-controller-manager"
        self._spawn(name, commands.kube_controller_manager(self.binaries[name], kubeconfig))
        self._await(name, lambda: self._controllers_work(server))

    def _controllers_work(self, server: str) -> bool:
        path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/edit"
        role = request(server, path, self.data).body
        return bool(role.get("rules")) and self._has(
            server, "/api/v1/namespaces/default/serviceaccounts/default"
        )

    def _has(self, server: str, path: str) -> bool:
        return request(server, path, self.data).is_ok

    def _spawn(self, name: str, argv: list[str]) -> None:
        try:
            self.pids[name] = self.supervisor.start(name, argv, self._log(name))
        except RuntimeError as error:
            raise StartFailed(str(error)) from error

    def _await(self, name: str, is_ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            ready = is_ready()
            # All of them: a stranger on the port of a dead etcd must not pass for it.
            for other, pid in self.pids.items():
                if not _is_alive(pid):
                    raise self._failure(other, "ended during its start")
            if ready:
                return
            if time.monotonic() > deadline:
                raise self._failure(name, f"is not ready after {READY_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)

    def _failure(self, name: str, what: str) -> StartFailed:
        log = self._log(name)
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        kind = PortTaken if "address already in use" in text else StartFailed
        return kind(f"{name} {what}; the end of its log:\n" + "\n".join(text.splitlines()[-15:]))

    def _log(self, name: str) -> Path:
        return self.data / f"{name}.log"


def _fresh(keep: Path | None) -> tuple[Path, Supervisor]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    data = Path(tempfile.mkdtemp(prefix="goaround-", dir=keep)).resolve()
    try:
        return data, Supervisor(remove=data if keep is None else None)
    except OSError:
        shutil.rmtree(data, ignore_errors=True)
        raise


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, all different, because all are held until the last."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _accepts(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
