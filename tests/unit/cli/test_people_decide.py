"""Approve, reject, promote, retry, abort, hold, resume: bound to what status shows, or refused."""

import json

import pytest

from goaround.api import names
from goaround.api.base import Json
from goaround.api.kinds import FEATURES, SIGN_OFFS, AISignOff
from goaround.cli import decide, steer
from goaround.cli.command import OK, REFUSED
from tests.unit.cli.flown_kit import PLAN, RELEASE, came_down, desk_with, ramping
from tests.unit.cli.people_kit import Desk


def signed(desk: Desk) -> list[AISignOff]:
    return [AISignOff.model_validate(b) for b in desk.store.list(SIGN_OFFS, "shop", None)]


def held(desk: Desk) -> Json:
    annotations: Json = desk.store.get(FEATURES, "shop", "chat")["metadata"].get("annotations", {})
    return annotations


@pytest.mark.parametrize("verb", ["approve", "reject", "promote"])
def test_a_decision_binds_the_plan_and_the_attempt_that_fly(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = desk_with(ramping())
    assert decide.main([verb, "chat", "--comment", "seen 40 cases"], desk.ask) == OK
    (found,) = signed(desk)
    assert found.spec.decision == verb.capitalize()
    assert (found.spec.digest, found.spec.attempt) == (PLAN, 2)
    assert found.spec.comment == "seen 40 cases"
    assert (found.spec.approver, found.spec.approver_groups) == ("ana", ["on-call"])
    told = capsys.readouterr().out
    assert "plan bbbbbbbbbbbb, attempt 2), now at 10 %" in told
    assert "2 people have to agree; agreed so far: ann" in told


def test_a_retry_binds_the_release_that_ended() -> None:
    desk = desk_with(came_down())
    assert decide.main(["retry", "chat"], desk.ask) == OK
    (found,) = signed(desk)
    assert (found.spec.decision, found.spec.digest, found.spec.attempt) == ("Retry", RELEASE, 2)


@pytest.mark.parametrize(
    ("verb", "status", "says"),
    [
        ("approve", ramping(signOff=None), "asks nobody at this step"),
        ("approve", came_down(), "chat is RolledBack: nothing flies"),
        ("promote", ramping(stage="Live"), "chat is Live: nothing flies"),
        ("retry", ramping(), "there is nothing to retry"),
        ("retry", came_down(releaseDigest=PLAN), "no release that spec asks for has ended"),
    ],
)
def test_nothing_is_decided_where_nothing_asks_for_it(
    verb: str, status: Json, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = desk_with(status)
    assert decide.main([verb, "chat"], desk.ask) == REFUSED
    assert says in capsys.readouterr().err
    assert signed(desk) == []


def test_a_dry_run_of_a_decision_keeps_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    desk = desk_with(ramping())
    assert decide.main(["approve", "chat", "--dry-run", "-o", "json"], desk.ask) == OK
    assert json.loads(capsys.readouterr().out)["spec"]["digest"] == PLAN
    assert signed(desk) == []


def test_an_abort_names_the_attempt_so_that_it_cannot_hit_the_next_one() -> None:
    desk = desk_with(ramping())
    assert steer.main(["abort", "chat"], desk.ask) == OK
    assert held(desk) == {names.ABORT: "aaaaaaaaaaaa/2"}


def test_what_is_live_is_not_aborted(capsys: pytest.CaptureFixture[str]) -> None:
    desk = desk_with(ramping(stage="Live"))
    assert steer.main(["abort", "chat"], desk.ask) == REFUSED
    assert "goaround kill" in capsys.readouterr().err


def test_a_hold_is_taken_off_again() -> None:
    desk = desk_with(ramping())
    assert steer.main(["hold", "chat", "--reason", "audit"], desk.ask) == OK
    assert held(desk) == {names.HOLD: "audit"}
    assert steer.main(["resume", "chat"], desk.ask) == OK
    assert held(desk) == {}


def test_a_resume_says_what_only_git_can_take_out(capsys: pytest.CaptureFixture[str]) -> None:
    desk = desk_with(ramping(), suspend=True)
    assert steer.main(["resume", "chat"], desk.ask) == REFUSED
    steer.main(["hold", "chat", "--reason", "audit"], desk.ask)
    assert steer.main(["resume", "chat"], desk.ask) == REFUSED
    told = capsys.readouterr()
    assert "take it out of Git" in told.err
    assert "take it out of Git" in told.out
