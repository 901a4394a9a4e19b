"""An incident is closed when it was written up and reviewed, and is a record from then on."""

from typing import Any

import pytest

from goaround.api.reasons import ConditionType
from tests.unit.incident.build import AT
from tests.unit.incident.life import DAY, FIVE, HOUR, MINUTE, WRITTEN_UP, Life

CLOSED = {"requestedPhase": "Closed"}
HELD = (AT + DAY).isoformat()


def complete(**changes: Any) -> dict[str, Any]:
    return WRITTEN_UP | {"review": WRITTEN_UP["review"] | {"heldAt": HELD}} | changes


def resolved(severity: str = "P2", **spec: Any) -> Life:
    """Over, and asked to be closed."""
    life = Life(severity).looks().says(requestedPhase="Resolved").looks().at(2 * DAY)
    return life.says(**complete(**spec), **CLOSED).looks()


def closable(life: Life) -> str:
    return life.message(ConditionType.CLOSABLE)


def without(part: str, *fields: str) -> dict[str, Any]:
    whole = complete()[part]
    return {part: {k: v for k, v in whole.items() if k not in fields}}


@pytest.mark.parametrize("severity", ["P1", "P2", "P3", "P4"])
def test_what_is_complete_is_closed(severity: str) -> None:
    life = resolved(severity)
    assert life.phase == "Closed"
    assert life.status.milestones.closed_at == life.now


def test_what_is_complete_is_reviewed_and_says_how_to_close_it() -> None:
    life = Life("P2").looks().says(requestedPhase="Resolved").looks().at(2 * DAY)
    life.says(**complete()).looks()
    assert life.phase == "Reviewed"
    assert closable(life) == "True Complete: complete: set spec.requestedPhase to Closed"
    assert {life.state("note"), life.state("review")} == {"Met"}


def test_what_is_missing_is_said_by_the_names_of_fields() -> None:
    life = Life("P3").looks()
    told = closable(life)
    assert told.startswith("False FieldsMissing: missing: spec.rootCause, spec.summary.whatBroke")
    assert told.endswith("and 4 more")
    assert len(told) < 900


@pytest.mark.parametrize(
    ("severity", "spec", "missing"),
    [
        ("P3", {"rootCause": None}, "spec.rootCause"),
        ("P3", {"remediation": None}, "spec.remediation.line"),
        ("P3", {"guardrail": None}, "spec.guardrail (or spec.review.waivers.guardrail)"),
        ("P3", without("review", "detectionGap"), "spec.review.detectionGap"),
        ("P3", without("review", "nextReviewAt"), "spec.review.nextReviewAt"),
        ("P4", without("review", "findings"), "spec.review.findings"),
        ("P1", without("review", "heldAt"), "spec.review.heldAt"),
        ("P2", without("review", "response"), "spec.review.response"),
        ("P2", without("review", "technicalCause"), "spec.review.technicalCause"),
        (
            "P3",
            {"actionItems": WRITTEN_UP["actionItems"][1:]},
            "an item of kind Monitoring in spec.actionItems (or spec.review.waivers.monitoring)",
        ),
        (
            "P2",
            {"actionItems": WRITTEN_UP["actionItems"][:1]},
            "an item with prevents Class in spec.actionItems (or spec.review.waivers.prevention)",
        ),
    ],
)
def test_each_rule_alone_keeps_it_open(severity: str, spec: dict[str, Any], missing: str) -> None:
    life = resolved(severity, **spec)
    assert life.phase in ("Resolved", "Reviewed")
    assert closable(life) == f"False FieldsMissing: missing: {missing}"


@pytest.mark.parametrize("question", [*FIVE, "killSwitch"])
def test_closing_needs_all_five_questions(question: str) -> None:
    review = complete()["review"]
    asked = {k: v for k, v in review["aiQuestions"].items() if k != question}
    life = resolved("P4", review=review | {"aiQuestions": asked})
    assert life.phase == "Resolved"
    assert closable(life).endswith(f"missing: spec.review.aiQuestions.{question}")


def test_a_small_one_needs_less() -> None:
    life = resolved("P4", summary=None, remediation=None, guardrail=None)
    assert life.phase == "Closed"
    assert resolved("P3", **without("review", "heldAt", "response", "findings")).phase == "Closed"


def test_a_rule_may_be_waived_with_a_reason() -> None:
    waivers = {"monitoring": "seen at once", "prevention": "retired", "guardrail": "retired"}
    review = complete()["review"] | {"waivers": waivers}
    assert resolved("P1", review=review, actionItems=None, guardrail=None).phase == "Closed"


def test_nothing_is_closed_that_is_not_over() -> None:
    life = Life("P2").latched().looks().says(**complete()).looks()
    assert closable(life) == "False Pending: complete; it is not over yet"


def test_supervisors_who_wait_keep_it_open() -> None:
    life = Life("P1").policy(regimes=["ndb"]).looks()
    life.at(DAY).says(**complete(), **CLOSED).looks()
    assert closable(life).endswith("missing: ndb in spec.regulatory.reported")
    assert life.says(regulatory={"reported": ["ndb"]}).looks().phase == "Closed"


def test_what_the_operator_asked_for_keeps_it_open() -> None:
    life = Life("P1").shows(ConditionType.FALLBACK_READY, "False").looks()
    life.at(DAY).says(**complete(), **CLOSED).looks()
    assert "status.systemActions.close-fallback-gap" in closable(life)
    life.shows(ConditionType.FALLBACK_READY, "True").looks()
    assert life.phase == "Closed"


def test_a_drill_needs_no_more_than_what_was_found() -> None:
    life = Life("P2", source="Drill").looks().says(**CLOSED).looks()
    assert closable(life).endswith("missing: spec.review.findings")
    assert life.says(review={"findings": "the switch works"}).looks().phase == "Closed"


@pytest.mark.parametrize(
    "ended",
    [complete() | CLOSED, {"duplicateOf": "chat-other"}, {"requestedPhase": "Cancelled"}],
    ids=["closed", "merged", "cancelled"],
)
def test_what_has_ended_is_a_record(ended: dict[str, Any]) -> None:
    """A policy refuses to change its spec; where that is missing, it changes nothing."""
    life = Life("P2").looks().at(2 * DAY).says(**ended).looks()
    before = recorded(life)
    assert life.phase in ("Closed", "Merged", "Cancelled")
    life.says(severity="P1", severityReason="more", requestedPhase="Recovering", duplicateOf=None)
    life.at(9 * DAY).says(roles={"commander": "eve"}).looks()
    assert recorded(life) == before


def recorded(life: Life) -> tuple[object, ...]:
    status = life.status
    return (status.phase, status.severity, status.milestones, status.deadlines, status.missed)


def test_the_note_is_dated_when_its_facts_were_there_and_never_before_the_end() -> None:
    life = Life("P2").looks().says(**complete()).looks()
    assert life.status.milestones.noted_at is None
    life.at(HOUR).says(requestedPhase="Resolved").looks()
    assert life.status.milestones.noted_at == AT + HOUR


def test_opened_again_it_is_written_up_again() -> None:
    life = Life("P2").looks().says(**complete(), requestedPhase="Resolved").looks().at(20 * MINUTE)
    assert life.phase == "Reviewed"
    life.says(requestedPhase="Recovering").looks()
    at = life.status.milestones
    assert (at.resolved_at, at.noted_at, at.reviewed_at) == (None, None, None)
    assert life.says(requestedPhase="Resolved").looks().phase == "Reviewed"
