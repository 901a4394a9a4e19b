"""What kstatus and Flux make of our objects, by their own code, in every state."""

import pytest

from goaround.api.base import Json
from tests.unit.gitops.examples import LENIENT, STRICT
from tests.unit.gitops.judges import flux, kstatus
from tests.unit.gitops.states import FLOWN, STATES, unseen, without_status


def test_kstatus_says_in_each_state_what_the_table_says() -> None:
    found = kstatus([state.make() for state in STATES.values()])
    said = dict(zip(STATES, (one["status"] for one in found), strict=True))
    assert said == {name: state.kstatus for name, state in STATES.items()}


def test_flux_says_the_same_by_the_expressions_of_the_example() -> None:
    found = flux([state.make() for state in FLOWN.values()], STRICT)
    said = dict(zip(FLOWN, (one["status"] for one in found), strict=True))
    assert said == {name: state.flux or state.kstatus for name, state in FLOWN.items()}


def test_by_the_variant_waiting_for_people_is_done_and_nothing_else_changes() -> None:
    found = flux([state.make() for state in FLOWN.values()], LENIENT)
    said = dict(zip(FLOWN, (one["status"] for one in found), strict=True))
    assert said == {
        name: state.people or state.flux or state.kstatus for name, state in FLOWN.items()
    }


@pytest.mark.parametrize("asked", [STRICT, LENIENT])
def test_without_a_status_flux_goes_on_waiting(asked: Json) -> None:
    (verdict,) = flux([without_status()], asked)
    assert "no such attribute" in verdict["error"]


def test_kstatus_would_call_an_object_without_status_done_which_is_why_it_has_a_default() -> None:
    said = [one["status"] for one in kstatus([without_status(), unseen()])]
    assert said == ["Current", "InProgress"]


def test_no_state_is_both_reconciling_and_stalled() -> None:
    for name, state in FLOWN.items():
        kinds = {c["type"] for c in state.make()["status"].get("conditions", [])}
        assert not {"Reconciling", "Stalled"} <= kinds, name
