"""Installs CRDs so that the very next request for their objects works.

`Established` is not enough: the first list of a fresh CRD may answer 429 "storage is
(re)initializing" for seconds, and `kubernetes.aio` does not retry it.
"""

import json
import time
from collections.abc import Iterable
from pathlib import Path

from hack.controlplane.api import request
from hack.controlplane.plane import ControlPlane

READY_SECONDS = 30.0
POLL_SECONDS = 0.05


def apply_crds(cp: ControlPlane, paths: Iterable[Path]) -> None:
    """Server-side apply files or folders of CRDs; return when each is established and listable.

    Raises `KubectlError` when one is refused, `TimeoutError` when one does not become ready.
    """
    files = [f"--filename={path}" for path in paths]
    applied = cp.kubectl("apply", "--server-side", "--force-conflicts", *files, "--output=name")
    names = [name for name in applied.stdout.split() if name.startswith("customresourcedefinition")]
    if not names:
        raise ValueError("these files hold no CustomResourceDefinition")
    cp.kubectl("wait", "--for=condition=Established", f"--timeout={READY_SECONDS:.0f}s", *names)
    for name in names:
        found = json.loads(cp.kubectl("get", name, "--output=json").stdout)
        spec = found["spec"]
        for version in spec["versions"]:
            if version["served"]:
                _wait_for_list(
                    cp, f"/apis/{spec['group']}/{version['name']}", spec["names"]["plural"]
                )


def _wait_for_list(cp: ControlPlane, group_version: str, plural: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    # Discovery lags behind Established too, and kubectl resolves kinds by it.
    while not (_is_discovered(cp, group_version, plural) and _lists(cp, group_version, plural)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{plural} cannot be listed after {READY_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)


def _is_discovered(cp: ControlPlane, group_version: str, plural: str) -> bool:
    answer = request(cp.server, group_version, cp.data)
    return any(resource.get("name") == plural for resource in answer.body.get("resources", ()))


def _lists(cp: ControlPlane, group_version: str, plural: str) -> bool:
    return request(cp.server, f"{group_version}/{plural}?limit=1", cp.data).is_ok
