"""Sign-offs are vouched for only by the very policies that were shipped."""

import asyncio
import copy
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from goaround.api.base import Json
from goaround.api.kinds import POLICY_BINDINGS, VALIDATING_POLICIES
from goaround.rollout.observed import Guarded
from goaround.world.kube import Refused, Unavailable
from goaround.world.policies import guarded, needs, shipped
from tests.unit.runtime.bench import MemoryApi

POLICIES = Path(__file__).resolve().parents[3] / "crds" / "policies"
BORN = "2026-11-20T08:00:00Z"
NAME = "goaround-signoff-identity"
KINDS = {k.kind: k for k in (VALIDATING_POLICIES, POLICY_BINDINGS)}


def a_cluster(change: Callable[[Json], Any] = lambda _: None, *, without: str = "") -> MemoryApi:
    """An API server with what we ship; `change` alters a body in place."""
    api = MemoryApi()
    for path in sorted(POLICIES.glob("*.yaml")):
        for body in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if body["kind"] not in KINDS or without == f"{body['kind']} {body['metadata']['name']}":
                continue
            found = copy.deepcopy(body)
            found["metadata"] |= {"namespace": "", "creationTimestamp": BORN}
            change(found)
            api.put(KINDS[body["kind"]], found)
    return api


def look(api: MemoryApi) -> Guarded:
    return asyncio.run(guarded(api))


def altered(kind: str, change: Callable[[Json], Any]) -> Callable[[Json], None]:
    def alter(body: Json) -> None:
        if (body["kind"], body["metadata"]["name"]) == (kind, NAME):
            change(body)

    return alter


def test_as_shipped_they_vouch_since_they_were_made() -> None:
    assert look(a_cluster()) == Guarded(since=datetime(2026, 11, 20, 8, tzinfo=UTC))


def test_every_one_of_them_is_asked_for_and_nothing_else() -> None:
    api = a_cluster()
    look(api)
    assert len(api.calls) == len(needs()) == 6
    assert all(name in shipped()[kind.plural] for kind, name in needs())


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_one_that_is_missing_is_named(kind: str) -> None:
    found = look(a_cluster(without=f"{kind} {NAME}"))
    assert found.since is None
    assert (found.missing or "").startswith(f"{kind} {NAME} does not exist: apply crds/policies")


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("ValidatingAdmissionPolicy", lambda b: b["spec"]["validations"].pop()),
        ("ValidatingAdmissionPolicy", lambda b: b["spec"].update(failurePolicy="Ignore")),
        ("ValidatingAdmissionPolicy", lambda b: b["spec"].update(matchConditions=[{"name": "x"}])),
        ("ValidatingAdmissionPolicy", lambda b: b.pop("spec")),
        (
            "ValidatingAdmissionPolicyBinding",
            lambda b: b["spec"].update(validationActions=["Warn"]),
        ),
        (
            "ValidatingAdmissionPolicyBinding",
            lambda b: b["spec"].update(matchResources={"namespaceSelector": {}}),
        ),
    ],
    ids=["a rule less", "fails open", "an exemption", "nothing", "only warns", "fewer namespaces"],
)
def test_one_that_was_altered_is_named(kind: str, change: Callable[[Json], Any]) -> None:
    found = look(a_cluster(altered(kind, change)))
    assert found.since is None
    assert f"{kind} {NAME} is not as it was shipped" in (found.missing or "")


def test_long_lines_may_be_folded_otherwise() -> None:
    def fold(body: Json) -> None:
        for rule in body["spec"].get("validations", []):
            rule["expression"] = rule["expression"].replace(" && ", "\n\n  && ")

    assert look(a_cluster(fold)).missing is None


def test_a_change_that_was_undone_counts_from_when_it_was_undone() -> None:
    def edited(body: Json) -> None:
        body["metadata"]["managedFields"] = [
            {"manager": "kubectl", "time": "2026-11-21T07:00:00Z"},
            {"manager": "api", "time": "2026-11-21T08:00:00Z", "subresource": "status"},
        ]

    found = look(a_cluster(altered("ValidatingAdmissionPolicy", edited)))
    assert found == Guarded(since=datetime(2026, 11, 21, 7, tzinfo=UTC))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Refused("forbidden"), "may not be read (forbidden): grant verb get on it"),
        (Unavailable("no answer"), "cannot be read now: no answer"),
    ],
)
def test_what_cannot_be_read_vouches_for_nothing(error: Exception, told: str) -> None:
    api = a_cluster()
    api.fault = lambda call: error if NAME in call else None
    found = look(api)
    assert found.since is None
    assert told in (found.missing or "")
