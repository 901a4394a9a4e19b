"""A cluster that somebody else runs (kind, say) as a plane: its kubeconfig, our Prometheus.

Decides nothing about that cluster and stops nothing of it.
"""

import base64
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from hack.controlplane import commands
from hack.controlplane.api import answers
from hack.controlplane.binaries import resolve_all
from hack.controlplane.plane import ControlPlane
from hack.controlplane.start import StartFailed, free_ports
from hack.controlplane.supervisor import Supervisor

ACCOUNT = "goaround-tests"
READY_SECONDS = 30.0


@contextmanager
def existing_plane(
    kubeconfig: Path, pids: Mapping[str, int], *, scrape_seconds: int = 1
) -> Iterator[ControlPlane]:
    """The cluster of `kubeconfig` with a Prometheus of our own on loopback.

    `pids` is what tests get who ask for a server's process: it is not ours to stop.
    """
    binaries = resolve_all(["kubectl", "prometheus"])
    data = Path(tempfile.mkdtemp(prefix="goaround-")).resolve()
    supervisor = Supervisor(remove=data)
    try:
        (port,) = free_ports(1)
        argv = commands.prometheus(binaries["prometheus"], data, port, scrape_seconds)
        supervisor.start("prometheus", argv, data / "prometheus.log")
        _await(f"http://127.0.0.1:{port}")
        cluster = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))["clusters"][0]["cluster"]
        _administrator(binaries["kubectl"], kubeconfig, cluster, data / "pki")
        yield ControlPlane(
            kubeconfig=kubeconfig,
            server=str(cluster["server"]),
            prometheus=f"http://127.0.0.1:{port}",
            data=data,
            binaries=binaries,
            audit_log=None,
            pids=pids,
        )
    finally:
        supervisor.close()
        shutil.rmtree(data, ignore_errors=True)


def _await(url: str) -> None:
    end = time.monotonic() + READY_SECONDS
    while not answers(f"{url}/-/ready"):
        if time.monotonic() > end:
            raise StartFailed(f"Prometheus is not ready after {READY_SECONDS:.0f} s")
        time.sleep(0.05)


def _administrator(kubectl: Path, kubeconfig: Path, cluster: dict[str, str], pki: Path) -> None:
    """A service account that may do everything, for our own raw requests; it goes with the
    cluster, which is somebody's throw-away one."""

    def run(*args: str, check: bool = True) -> str:
        argv = [str(kubectl), f"--kubeconfig={kubeconfig}", "-n", "kube-system", *args]
        done = subprocess.run(argv, capture_output=True, text=True, check=check, timeout=60)
        return done.stdout

    run("create", "serviceaccount", ACCOUNT, check=False)
    run(
        *("create", "clusterrolebinding", ACCOUNT, "--clusterrole=cluster-admin"),
        f"--serviceaccount=kube-system:{ACCOUNT}",
        check=False,
    )
    pki.mkdir()
    (pki / "token").write_text(run("create", "token", ACCOUNT, "--duration=4h").strip())
    (pki / "apiserver.crt").write_bytes(_authority(cluster))


def _authority(cluster: dict[str, str]) -> bytes:
    if encoded := cluster.get("certificate-authority-data"):
        return base64.b64decode(encoded)
    return Path(cluster["certificate-authority"]).read_bytes()
