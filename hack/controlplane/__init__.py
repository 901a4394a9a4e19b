"""A real, throw-away Kubernetes control plane for tests and the demo: no containers, no root.

`control_plane()` gives etcd, kube-apiserver and Prometheus on loopback; `apply_crds` installs CRDs
so that they can be used at once; `resolve` finds or builds any single tool. Linux only. It runs no
pods: there is no kubelet and no scheduler.
"""

from hack.controlplane.binaries import ToolMissing, resolve
from hack.controlplane.crds import apply_crds
from hack.controlplane.plane import ControlPlane, KubectlError
from hack.controlplane.start import StartFailed, control_plane

__all__ = [
    "ControlPlane",
    "KubectlError",
    "StartFailed",
    "ToolMissing",
    "apply_crds",
    "control_plane",
    "resolve",
]
