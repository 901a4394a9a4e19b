"""What a running control plane offers to tests and to the demo.

A value that names addresses, files and processes, with the few verbs that every test needs. It
neither starts nor stops anything: `start.py` does.
"""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hack.controlplane import commands, identity, policy

KUBECTL_SECONDS = 300


class KubectlError(subprocess.CalledProcessError):
    """kubectl failed; the text holds what it said."""

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.stderr}"


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A real API server with RBAC on, its etcd, and Prometheus when asked for, all on loopback.

    `kubeconfig` is the administrator's (group system:masters); `prometheus` is "" when there is
    none; `data` holds `<process>.log` of every process and vanishes with the plane; `binaries`
    always names "kubectl"; `audit_log` holds one JSON event per line at level Metadata; `pids`
    are by process name and include "supervisor", whose death ends all the others.
    """

    kubeconfig: Path
    server: str
    prometheus: str
    data: Path
    binaries: Mapping[str, Path]
    audit_log: Path | None
    pids: Mapping[str, int]

    def kubectl(
        self,
        *args: str,
        stdin: str | None = None,
        check: bool = True,
        kubeconfig: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl, as administrator unless `kubeconfig` is given; raises `KubectlError`."""
        argv = [
            str(self.binaries["kubectl"]),
            f"--kubeconfig={kubeconfig or self.kubeconfig}",
            # Discovery is cached by port, and ports return: never share it between planes.
            f"--cache-dir={self.data / 'kubectl-cache'}",
            *args,
        ]
        done = subprocess.run(
            argv,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=KUBECTL_SECONDS,
            check=False,
        )
        if check and done.returncode != 0:
            raise KubectlError(done.returncode, argv, done.stdout, done.stderr)
        return done

    def set_targets(self, targets: Sequence[str], labels: Mapping[str, str] | None = None) -> None:
        """Let Prometheus scrape exactly these `host:port` targets, as job `apps`.

        Takes about a second, but several when the last change was less than 10 s ago, since
        Prometheus throttles discovery; series of a target that left end 2 to 3 scrapes later.
        Raises `ValueError` on a plane without Prometheus.
        """
        if not self.prometheus:
            raise ValueError("this control plane was started without Prometheus")
        commands.write_targets(self.data, targets, labels)

    def user_kubeconfig(self, user: str, groups: Sequence[str] = ()) -> Path:
        """A kubeconfig of another identity (client certificate, needs openssl) without any rights.

        The server adds the group system:authenticated. Service accounts are better served by
        `kubectl create token`. Raises `RuntimeError` when there is no openssl.
        """
        return identity.user_kubeconfig(self.data, self.server, user, groups)

    def wait_policy(self) -> None:
        """Return when every admission policy and binding made before this call is enforced.

        Raises `TimeoutError`.
        """
        policy.wait_until_enforced(self.server, self.data)
