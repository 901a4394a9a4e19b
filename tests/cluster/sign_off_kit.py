"""People with roles, and the admission policies that hold them to the truth.

The roles are those of `examples/roles.yaml`, the policies those of `crds/policies`; both are taken
away at the end, because other modules share the API server and do as they like.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from goaround.api import API_VERSION
from goaround.api.base import Json
from goaround.api.kinds import FEATURES, SIGN_OFFS
from hack.controlplane import ControlPlane
from tests.cluster.api_objects import CRDS, MINIMAL, ROOT
from tests.cluster.operator_shop import eventually

POLICIES: Final = CRDS / "policies"
ROLES: Final = ROOT / "examples" / "roles.yaml"
DIGEST: Final = "sha256:" + "ab" * 32
OTHER: Final = "sha256:" + "cd" * 32
RBAC: Final = "rbac.authorization.k8s.io"

Answer = subprocess.CompletedProcess[str]


@contextmanager
def policies(plane: ControlPlane) -> Iterator[None]:
    """All of them are enforced meanwhile."""
    apply_policies(plane)
    try:
        yield
    finally:
        plane.kubectl("delete", "--ignore-not-found", f"--filename={POLICIES}")
        eventually(lambda: _forged(plane).returncode == 0, "the policies are gone")


def apply_policies(plane: ControlPlane) -> None:
    plane.kubectl("apply", "--server-side", "--force-conflicts", f"--filename={POLICIES}")
    plane.wait_policy()
    # the policy with a parameter needs a moment more: its kind is watched apart
    eventually(lambda: "signoff-plan" in _forged(plane).stderr, "goaround-signoff-plan bites")


def _forged(plane: ControlPlane) -> Answer:
    body = sign_off("probe", "Approve", feature="nobody", namespace="default")
    return plane.kubectl("create", "--dry-run=server", "--filename=-", stdin=json.dumps(body),
                         check=False)  # fmt: skip


def sign_off(
    name: str,
    decision: str,
    *,
    feature: str,
    namespace: str,
    digest: str = DIGEST,
    attempt: int = 1,
    **more: object,
) -> Json:
    return {
        "apiVersion": API_VERSION,
        "kind": SIGN_OFFS.kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "featureRef": {"name": feature},
            "decision": decision,
            "digest": digest,
            "attempt": attempt,
            **more,
        },
    }


def waiting(*, asked: bool = True, stage: str = "Holding") -> Json:
    """The status of a flight that waits for people, as the operator would have written it."""
    since = "2026-11-21T09:00:00Z"
    flown: Json = {
        "digest": OTHER,
        "release": MINIMAL["release"],
        "since": since,
        "planDigest": DIGEST,
        "attempt": 1,
        "deadlineAt": since,
    }
    told: Json = {"planDigest": DIGEST, "attempt": 1, "needed": 1}
    return {"stage": stage, "candidate": flown} | ({"signOff": told} if asked else {})


def feature(name: str, namespace: str, **metadata: object) -> Json:
    meta = {"name": name, "namespace": namespace, **metadata}
    return {
        "apiVersion": API_VERSION,
        "kind": FEATURES.kind,
        "metadata": meta,
        "spec": MINIMAL,
    }


def bind(plane: ControlPlane, namespace: str, users: Mapping[str, Sequence[str]]) -> None:
    """Bind roles to users in the namespace."""
    plane.kubectl("apply", "--server-side", "--force-conflicts", f"--filename={ROLES}")
    for user, roles in users.items():
        for role in roles:
            name = f"{user}-{role}".replace(":", ".")
            plane.kubectl(
                *("create", "rolebinding", name, f"--clusterrole={role}", f"--user={user}"),
                f"--namespace={namespace}",
            )


def as_user(user: str, *groups: str) -> list[str]:
    return [f"--as={user}", *(f"--as-group={group}" for group in groups)]


def create(plane: ControlPlane, body: Json, *options: str) -> str:
    """What the API server says: "" when it takes it."""
    told = plane.kubectl("create", "--filename=-", *options, stdin=json.dumps(body), check=False)
    return told.stderr if told.returncode else ""
