"""`goaround doctor` names what is missing, stopped or altered, and what to do about it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from goaround.api.base import Json, rfc3339
from goaround.api.crd import crd
from goaround.api.kinds import CRDS, LEASES, SERVED, SIGN_OFFS, VALIDATING_POLICIES, Kind
from goaround.cli import doctor, doctor_checks
from goaround.cli.command import REFUSED
from goaround.cli.doctor_features import Finding, Place, feature
from tests.unit.cli.people_kit import NOW, Desk


def create(desk: Desk, kind: Kind, namespace: str, name: str, **more: Any) -> None:
    body: Json = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name}}
    desk.store.create(kind, namespace, body | more, "helm")


def a_lease(renewed: timedelta) -> Json:
    spec = {
        "holderIdentity": "op-1",
        "leaseDurationSeconds": 15,
        "renewTime": rfc3339(NOW - renewed),
    }
    return {"metadata": {"name": "goaround", "namespace": "goaround-system"}, "spec": spec}


@pytest.fixture(scope="module")
def sick() -> Desk:
    """CRDs of another version but one, an operator that stopped, a policy that somebody changed."""
    desk = Desk()
    for served in SERVED:
        name = f"{served.kind.plural}.{served.kind.group}"
        old = {"versions": [{"name": "v1alpha1", "served": True, "schema": {}}]}
        spec = crd(served)["spec"] if served.kind == SIGN_OFFS else old
        create(desk, CRDS, "", name, spec=spec)
    stopped = a_lease(timedelta(minutes=5))
    create(desk, LEASES, "goaround-system", "goaround", spec=stopped["spec"])
    create(desk, VALIDATING_POLICIES, "", "goaround-author", spec={"mine": 1})
    return desk


@pytest.fixture(scope="module")
def findings(sick: Desk) -> dict[str, Finding]:
    place = Place("shop", "goaround-system", NOW + timedelta(hours=1))
    found = asyncio.run(doctor_checks.examined(sick, place))
    return {f.check: f for f in found}


def test_doctor_says_that_nothing_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.main([], Desk().ask) == REFUSED
    told = capsys.readouterr().out
    assert "CRD aifeatures.goaround.dev: is not installed" in told
    assert "do: helm upgrade" in told


def test_doctor_knows_an_operator_that_stopped(findings: dict[str, Finding]) -> None:
    found = findings["operator (Lease goaround)"]
    assert found.state == "wrong"
    assert "op-1 renewed it 300 s ago, 15 are allowed: no operator runs" in found.message
    fresh = doctor_checks.lease(a_lease(timedelta(seconds=3)), NOW)
    assert (fresh.state, fresh.message) == ("ok", "op-1 holds it, renewed 3 s ago")


def test_doctor_names_policies_that_are_missing_or_altered(findings: dict[str, Finding]) -> None:
    altered = findings["ValidatingAdmissionPolicy goaround-author"]
    assert (altered.state, altered.message) == ("wrong", "is not as it was shipped")
    missing = findings["ValidatingAdmissionPolicyBinding goaround-author"]
    assert missing.message == "does not exist"
    assert "no approval counts" in missing.do


def test_doctor_tells_a_clock_that_is_wrong(findings: dict[str, Finding]) -> None:
    assert findings["clock"].state == "wrong"
    assert "3600 s apart" in findings["clock"].message


def test_doctor_tells_what_you_may(findings: dict[str, Finding]) -> None:
    told = findings["your rights"].message
    assert "you may: see features, kill" in told
    assert "you may not: revive, approve" in told


def test_doctor_knows_crds_of_another_version(findings: dict[str, Finding]) -> None:
    assert findings["CRD aifeatures.goaround.dev"].state == "look"
    assert findings["CRD aisignoffs.goaround.dev"].state == "ok"


def condition(kind: str, reason: str) -> Json:
    return {"type": kind, "status": "True", "reason": reason, "message": "m"}


@pytest.mark.parametrize(
    ("generation", "conditions", "state"),
    [
        (1, [], None),
        (2, [], "look"),
        (1, [condition("Stalled", "RolledBack")], "look"),
        (1, [condition("Stalled", "InvalidSpec")], "wrong"),
        (1, [condition("SignalsHealthy", "ProviderUnavailable")], "wrong"),
    ],
)
def test_doctor_tells_features_that_need_somebody(
    generation: int, conditions: list[Json], state: str | None
) -> None:
    meta = {"name": "chat", "namespace": "shop", "generation": generation}
    found = feature(
        {"metadata": meta, "status": {"observedGeneration": 1, "conditions": conditions}}
    )
    assert (found.state if found else None) == state
