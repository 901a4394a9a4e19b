"""The processes that are measured: control plane, flag replica, operator.

Each is ended by its process id. Nothing is measured here.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hack.controlplane import ControlPlane, apply_crds, control_plane
from hack.demo.stack import ROOT, free_ports, stop_all, wait_for

OPERATOR, FLAGS = "operator", "flags"


@dataclass(slots=True)
class Site:
    """Where everything is, and the verbs to start and to end our two processes."""

    plane: ControlPlane
    logs: Path
    flag_port: int
    urls: dict[str, str]
    commands: dict[str, list[str]]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start it, and return at once; its log goes on where it ended."""
        with (self.logs / f"{name}.log").open("ab") as out:
            self.running[name] = subprocess.Popen(
                self.commands[name],
                cwd=ROOT,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, "KUBECONFIG": str(self.plane.kubeconfig)},
            )

    def wait(self, name: str) -> None:
        """Return once it is ready. Raises RuntimeError with the end of its log."""
        wait_for(f"{self.urls[name]}/readyz", self.running, self.logs)

    def end(self, name: str, *, with_signal: signal.Signals = signal.SIGTERM) -> None:
        child = self.running.pop(name)
        child.send_signal(with_signal)
        child.wait(30)

    def pid(self, name: str) -> int:
        return self.running[name].pid


@contextmanager
def site(logs: Path) -> Iterator[Site]:
    """A control plane with our CRDs, a ready flag replica, and an operator yet to be started."""
    logs.mkdir(parents=True, exist_ok=True)
    for old in logs.glob("*.log"):
        old.unlink()
    with control_plane(prometheus=True, scrape_seconds=1) as plane:
        apply_crds(plane, sorted((ROOT / "crds").glob("goaround.dev_*.yaml")))
        grpc, flags, operator = free_ports(3)
        config = logs / "operator.json"
        config.write_text(json.dumps(administrators_file(plane.prometheus)))
        made = Site(
            plane=plane,
            logs=logs,
            flag_port=grpc,
            urls={FLAGS: f"http://127.0.0.1:{flags}", OPERATOR: f"http://127.0.0.1:{operator}"},
            commands=_commands(plane, config, grpc=grpc, flags=flags, operator=operator),
        )
        try:
            made.start(FLAGS)
            made.wait(FLAGS)
            yield made
        finally:
            stop_all(made.running)


def administrators_file(prometheus: str) -> dict[str, object]:
    """One provider; a window is readable one second after its end. All else is at its default."""
    provider = {"name": "default", "url": prometheus, "scrapeSeconds": 1, "lagSeconds": 1}
    return {"providers": [provider]}


def _commands(
    plane: ControlPlane, config: Path, *, grpc: int, flags: int, operator: int
) -> dict[str, list[str]]:
    run, kubeconfig = [sys.executable, "-m", "goaround"], f"--kubeconfig={plane.kubeconfig}"
    here = "--host=127.0.0.1"
    return {
        FLAGS: [
            *(*run, "flags", kubeconfig, here),
            *(f"--port={grpc}", f"--http-port={flags}", "--replica-id=bench-0"),
        ],
        OPERATOR: [
            *(*run, "operator", kubeconfig, here, f"--port={operator}", f"--config={config}"),
            *(f"--flag-replica=http://127.0.0.1:{flags}", "--identity=bench"),
        ],
    }
