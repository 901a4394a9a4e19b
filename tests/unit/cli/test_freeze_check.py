"""`goaround freeze check`: a pipeline learns by an exit code whether a feature is frozen."""

import json

import pytest

from goaround.api.incident import RequestedPhase
from goaround.api.kinds import AIIncident
from goaround.api.status import BreakGlass
from goaround.cli.freeze import answer, freeze_of
from tests.unit.rollout.build import NOW
from tests.unit.rollout.flights import live
from tests.unit.rollout.incidents import by_hand

FEATURE = live().feature


def checked(*incidents: AIIncident, glass: str | None = None, output: str = "text") -> int:
    broken = BreakGlass(said="x", incident=glass, at=NOW) if glass is not None else None
    feature = FEATURE.but(status=FEATURE.status.but(break_glass=broken))
    return answer(freeze_of(feature, incidents), output)


def test_without_a_grave_incident_it_is_free(capsys: pytest.CaptureFixture[str]) -> None:
    assert checked(by_hand("small", NOW)) == 0
    assert capsys.readouterr().out == "shop/chat is free: no grave incident is open\n"


def test_a_grave_incident_freezes_and_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert checked(by_hand("grave", NOW, severity="P1")) == 2
    told = capsys.readouterr().out
    assert "shop/chat is frozen" in told
    assert "AIIncident grave: P1, Detected" in told


def test_one_that_people_call_over_freezes_nothing() -> None:
    grave = by_hand("grave", NOW, severity="P2", requestedPhase=RequestedPhase.RESOLVED)
    assert checked(grave) == 0


def test_broken_glass_lets_a_pipeline_go_on_and_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert checked(by_hand("grave", NOW, severity="P1"), glass="grave") == 0
    assert "glass broken" in capsys.readouterr().out
    assert checked(by_hand("another", NOW, severity="P1"), glass="grave") == 2


def test_json_says_the_same_to_a_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert checked(by_hand("grave", NOW, severity="P1"), output="json") == 2
    told = json.loads(capsys.readouterr().out)
    by = {"incident": "grave", "severity": "P1", "phase": "Detected", "passed": False}
    assert told == {"feature": "shop/chat", "frozen": True, "by": [by]}
