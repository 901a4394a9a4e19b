"""A kill switch goes only after its kill is on record; who cleans up a namespace is not held up."""

import time
from collections.abc import Callable, Iterator

import pytest

from goaround.api.base import Json
from hack.controlplane import ControlPlane
from tests.cluster.api_objects import CRDS, NAMESPACE, an_object, create, install, patch

pytestmark = pytest.mark.cluster
HERE = f"--namespace={NAMESPACE}"
WAIT_SECONDS = 30.0
LATCHED: Json = {"status": {"latchedAt": "2026-11-21T09:48:08.123Z", "latchedRevision": 7}}
POLICY = CRDS / "policies" / "killswitch-delete.yaml"
SYSTEM = "system:serviceaccount:kube-system:"


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def delete(plane: ControlPlane, name: str, *options: str) -> str:
    """What the API server says to a delete: "" when the switch is gone."""
    told = plane.kubectl("delete", "aiks", name, HERE, "--wait=false", *options, check=False)
    return told.stderr if told.returncode else ""


@pytest.fixture(scope="module")
def guarded(plane: ControlPlane) -> Iterator[ControlPlane]:
    """The plane with everything that crds/ installs; the policy is lifted again at the end."""
    install(plane)
    told = plane.kubectl("apply", "--server-side", "--force-conflicts", "-k", str(CRDS))
    assert "goaround-killswitch-delete" in told.stdout
    plane.wait_policy()
    yield plane
    plane.kubectl("delete", f"--filename={POLICY.parent}")
    # Other tests delete switches as they like: wait until the rule is really gone.
    assert create(plane, an_object("AIKillSwitch", "last")) == ""
    assert eventually(lambda: delete(plane, "last") == "")


@pytest.fixture
def switch(guarded: ControlPlane) -> Iterator[str]:
    """A kill switch that nobody has recorded; it is gone after the test."""
    assert create(guarded, an_object("AIKillSwitch", "stop")) == ""
    yield "stop"
    patch(guarded, "aiks/stop", LATCHED, "--subresource=status")
    guarded.kubectl("delete", "aiks", "stop", HERE, "--ignore-not-found")


def test_an_unrecorded_switch_cannot_be_deleted_and_the_refusal_says_what_to_do(
    guarded: ControlPlane, switch: str
) -> None:
    told = delete(guarded, switch)
    assert "Forbidden" in told
    assert "has not recorded this kill yet" in told
    assert "Wait until `kubectl get aiks` shows a time under LATCHED" in told
    remedy = "kubectl delete validatingadmissionpolicybinding goaround-killswitch-delete"
    assert remedy in told
    binding, name = remedy.split()[2:]
    assert guarded.kubectl("get", binding, name).returncode == 0


def test_not_even_a_sweep_deletes_an_unrecorded_switch(guarded: ControlPlane, switch: str) -> None:
    told = guarded.kubectl("delete", "aiks", "--all", HERE, "--wait=false", check=False)
    assert "has not recorded this kill yet" in told.stderr
    assert guarded.kubectl("get", "aiks", switch, HERE).returncode == 0


def test_a_recorded_switch_can_be_deleted(guarded: ControlPlane, switch: str) -> None:
    assert patch(guarded, f"aiks/{switch}", LATCHED, "--subresource=status") == ""
    listed = guarded.kubectl("get", "aiks", switch, HERE).stdout
    assert listed.splitlines()[0].split() == ["NAME", "FEATURE", "REASON", "LATCHED", "AGE"]
    assert delete(guarded, switch) == ""


def test_a_person_cannot_record_a_switch_through_the_object_itself(
    guarded: ControlPlane, switch: str
) -> None:
    assert patch(guarded, f"aiks/{switch}", LATCHED) == ""
    assert "has not recorded this kill yet" in delete(guarded, switch)


@pytest.mark.parametrize("account", ["namespace-controller", "generic-garbage-collector"])
def test_the_controllers_that_clean_up_are_not_held_up(
    guarded: ControlPlane, switch: str, account: str
) -> None:
    assert delete(guarded, switch, f"--as={SYSTEM}{account}") == ""


def test_another_account_of_the_system_is_held_up(guarded: ControlPlane, switch: str) -> None:
    told = delete(guarded, switch, f"--as={SYSTEM}robot", "--as-group=system:masters")
    assert "has not recorded this kill yet" in told


def test_features_incidents_and_sign_offs_are_deleted_freely(guarded: ControlPlane) -> None:
    kinds = ("AIFeature", "AIIncident", "AISignOff")  # a sign-off needs some feature to be about
    for kind in kinds:
        assert create(guarded, an_object(kind, "free")) == ""
    for kind in reversed(kinds):
        assert guarded.kubectl("delete", kind, "free", HERE).returncode == 0
