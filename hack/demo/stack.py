"""Everything the demo runs: control plane, operator, flag replica, application, load.

Each is a real process on loopback; all of them end with the context.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from hack.controlplane import ControlPlane, apply_crds, control_plane

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE, FEATURE = "shop", "support-chat"
APP_ENDPOINT = "app"
LIFE_SECONDS = 900
STOP_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Stack:
    """Where everything is."""

    plane: ControlPlane
    app: str
    operator: str
    flags: str
    flag_port: int
    logs: Path
    processes: dict[str, subprocess.Popen[bytes]]
    commands: dict[str, list[str]]

    def crash(self, name: str) -> None:
        """SIGKILL: no word of goodbye, nothing written."""
        self.processes[name].kill()
        self.processes[name].wait()

    def restart(self, name: str) -> None:
        """Start it again with the same command; its log goes on."""
        with (self.logs / f"{name}.log").open("ab") as out:
            self.processes[name] = subprocess.Popen(
                self.commands[name],
                cwd=ROOT,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, "KUBECONFIG": str(self.plane.kubeconfig)},
            )


@contextmanager
def running(logs: Path, *, load_seconds: int, rate: int) -> Iterator[Stack]:
    """The whole stack, ready: applied CRDs, operator synced, load on its way."""
    logs.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        plane = stack.enter_context(control_plane(prometheus=True, scrape_seconds=1))
        apply_crds(plane, sorted((ROOT / "crds").glob("goaround.dev_*.yaml")))
        plane.kubectl("apply", "--server-side", "-f", str(ROOT / "crds" / "policies"))
        plane.kubectl("create", "namespace", NAMESPACE)
        ports = free_ports(5)
        config = logs / "operator.yaml"
        config.write_text(administrators_file(plane.prometheus, ports[0]))
        wanted = commands(plane, config, ports, load_seconds, rate)
        processes: dict[str, subprocess.Popen[bytes]] = {}
        stack.callback(lambda: stop_all(processes))
        made = Stack(
            plane=plane,
            app=f"http://127.0.0.1:{ports[0]}",
            operator=f"http://127.0.0.1:{ports[1]}",
            flags=f"http://127.0.0.1:{ports[3]}",
            flag_port=ports[2],
            logs=logs,
            processes=processes,
            commands=wanted,
        )
        for name in wanted:
            (logs / f"{name}.log").unlink(missing_ok=True)
            made.restart(name)
        plane.set_targets([f"127.0.0.1:{ports[0]}"])
        for url in (f"{made.flags}/readyz", f"{made.operator}/readyz", f"{made.app}/healthz"):
            wait_for(url, processes, logs)
        yield made


def administrators_file(prometheus: str, app_port: int) -> str:
    """One provider with a lag of 1 s: window ends are readable one scrape after they passed; and
    the app as an endpoint for golden runs."""
    provider = {
        "name": "default",
        "url": prometheus,
        "scrapeSeconds": 1,
        "lagSeconds": 1,
        "timeoutSeconds": 5,
    }
    app = {"name": APP_ENDPOINT, "url": f"http://127.0.0.1:{app_port}/ask"}
    body = {"providers": [provider], "endpoints": [app], "checkpointSeconds": 5}
    return json.dumps(body, indent=1)


def commands(
    plane: ControlPlane, config: Path, ports: Sequence[int], load_seconds: int, rate: int
) -> dict[str, list[str]]:
    app, operator, grpc, flags, _ = map(str, ports)
    python, kubeconfig = sys.executable, str(plane.kubeconfig)
    return {
        "flags": [
            *(python, "-m", "goaround", "flags", "--host", "127.0.0.1", "--port", grpc),
            *("--http-port", flags, "--kubeconfig", kubeconfig, "--replica-id", "demo-0"),
        ],
        "operator": [
            *(python, "-m", "goaround", "operator", "--config", str(config)),
            *("--kubeconfig", kubeconfig, "--host", "127.0.0.1", "--port", operator),
            *("--flag-replica", f"http://127.0.0.1:{flags}", "--identity", "demo-operator"),
        ],
        "app": [
            *(python, "-m", "examples.demo.app", "--port", app, "--namespace", NAMESPACE),
            *("--feature", FEATURE, "--flag-host", "127.0.0.1", "--flag-port", grpc),
            *("--seconds", str(LIFE_SECONDS + load_seconds)),
        ],
        "load": [
            *(python, str(ROOT / "examples" / "demo" / "load.py")),
            *("--url", f"http://127.0.0.1:{app}", "--rate", str(rate)),
            *("--seconds", str(load_seconds)),
        ],
    }


def stop_all(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    """SIGTERM to all at once, then SIGKILL to whoever stays."""
    children = [c for c in processes.values() if c.poll() is None]
    for child in children:
        child.send_signal(signal.SIGTERM)
    end = time.monotonic() + STOP_SECONDS
    for child in children:
        try:
            child.wait(max(end - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_for(
    url: str, processes: dict[str, subprocess.Popen[bytes]], logs: Path, seconds: float = 60
) -> None:
    """Wait until `url` answers 200; says which process died, if one did."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name, child in processes.items():
            if child.poll() is not None:
                tail = (logs / f"{name}.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{name} ended with exit code {child.returncode}:\n{tail}")
        try:
            if httpx.get(url, timeout=1, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"{url} did not become ready within {seconds:.0f} s; logs are in {logs}")


def free_ports(count: int) -> list[int]:
    """Ports of loopback that are free now, all at once so that none is given twice."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()
