"""A condition's time tells when its status changed, and survives everything else."""

from datetime import UTC, datetime, timedelta

from goaround.api.conditions import Condition, ConditionStatus, condition, find, settled
from goaround.api.reasons import ConditionType, Reason

THEN = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
NOW = THEN + timedelta(hours=1)


def ready(
    status: ConditionStatus, at: datetime, before: list[Condition], message: str = "m"
) -> list[Condition]:
    wanted = condition(ConditionType.READY, status, Reason.RAMPING, message)
    return settled(before, [wanted], generation=2, now=at)


def test_an_unchanged_status_keeps_its_time_whatever_it_says() -> None:
    before = ready("False", THEN, [])
    (after,) = ready("False", NOW, before, "another message")
    assert after.last_transition_time == THEN
    assert (after.message, after.observed_generation) == ("another message", 2)


def test_a_changed_status_takes_the_time_of_the_change() -> None:
    (after,) = ready("True", NOW, ready("False", THEN, []))
    assert after.last_transition_time == NOW


def test_a_status_that_returns_is_a_change_again() -> None:
    turned = ready("True", NOW, ready("False", THEN, []))
    (back,) = ready("False", NOW + timedelta(hours=1), turned)
    assert back.last_transition_time == NOW + timedelta(hours=1)


def test_settling_twice_changes_nothing() -> None:
    once = ready("Unknown", THEN, [])
    assert ready("Unknown", NOW, once) == once


def test_an_abnormal_condition_is_shown_only_while_true() -> None:
    wanted = [
        condition(ConditionType.STALLED, "False", Reason.ROLLED_BACK, "fine"),
        condition(ConditionType.RECONCILING, "True", Reason.RAMPING, "at work"),
        condition(ConditionType.WATCHED, "False", Reason.NOT_WATCHED, "no absolute bound"),
    ]
    shown = settled([], wanted, generation=1, now=NOW)
    assert [c.type for c in shown] == ["Reconciling", "Watched"]


def test_a_condition_nobody_wants_any_more_is_gone() -> None:
    assert settled(ready("True", THEN, []), [], generation=2, now=NOW) == []


def test_a_long_message_is_cut_to_what_the_api_server_takes() -> None:
    (cut,) = ready("True", NOW, [], "x" * 5000)
    assert len(cut.message) == 1024


def test_a_condition_is_found_by_its_type() -> None:
    conditions = ready("True", NOW, [])
    assert find(conditions, ConditionType.READY) == conditions[0]
    assert find(conditions, ConditionType.KILLED) is None
