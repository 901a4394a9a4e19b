"""One incident at eight moments: the page as `kubectl describe` shows it, word for word.

The pages lie in `whiteboards/`. Who changes words on purpose writes them anew with
`python -m tests.unit.incident.test_whiteboard_moments`, and reads the difference.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from goaround.api.aftermath import (
    ActionItem,
    ActionKind,
    AiQuestions,
    Bin,
    Detail,
    Guardrail,
    GuardrailType,
    Prevents,
    Remediation,
    RemediationType,
    Review,
    RootCause,
)
from goaround.api.incident import RequestedPhase
from goaround.api.incident_status import Phase
from goaround.api.judgement import DataExposure, Impact, Roles, Triage, TriageOutcome
from goaround.api.kinds import AIFeature
from goaround.api.status import GateRule
from goaround.incident.decide import decide
from goaround.incident.seen import Seen
from tests.unit.incident.build import AT, a_feature, a_latch, an_incident

PAGES = Path(__file__).parent / "whiteboards"
MINUTE = timedelta(minutes=1)
CONTAINED = {
    "weight": 50,
    "delivered_at": AT + timedelta(seconds=1),
    "contained_at": AT + timedelta(seconds=11),
    "exposed_requests": 1843,
}
RULES = [
    GateRule(name="no-kill-source", open=True, reason="nothing says killed"),
    GateRule(name="recovery-requested", open=False, reason="set requestedPhase"),
    GateRule(name="fix-identified", open=False, reason="39b7c9545e16 is the one that failed"),
]

PREVENTED = (("long-question", Prevents.INSTANCE), ("limit-alert", Prevents.CLASS))


class Story:
    """A P2 from the first second to the last, told by what people say and what is seen."""

    def __init__(self) -> None:
        self.now = AT
        self.latch = a_latch(weight=50, exposed_requests=1210)
        self.incident = an_incident(self.latch)
        self.gate: list[GateRule] = []

    def says(self, **spec: Any) -> None:
        self.incident = self.incident.but(spec=self.incident.spec.but(**spec))

    def looks(self, after: timedelta) -> list[str]:
        self.now += after
        for _ in range(3):  # what one pass writes, the next one reads
            plan = decide(Seen(self.incident, (self.feature,)), self.now)
            self.incident = self.incident.but(status=plan.status)
        return self.incident.status.whiteboard

    @property
    def feature(self) -> AIFeature:
        feature = a_feature(self.latch)
        return feature.but(status=feature.status.but(gate=self.gate))


def moments() -> Iterator[tuple[str, list[str]]]:
    """The pages, by name, in the order of time."""
    story = Story()
    yield "1-detected", story.looks(timedelta(seconds=1))
    story.latch = a_latch(**CONTAINED)
    yield "2-contained", story.looks(timedelta(seconds=10))
    yield "3-nobody-came", story.looks(18 * MINUTE)
    story.gate = RULES
    story.says(
        roles=Roles(commander="ana", comms_lead="li", technical_lead="tom"),
        triage=Triage(outcome=TriageOutcome.INVESTIGATE),
        impact=Impact(
            business="1 in 12 chats got an empty answer", data_exposure=DataExposure.NONE
        ),
    )
    yield "4-diagnosing", story.looks(4 * MINUTE)
    story.says(
        root_cause=RootCause(
            bin=Bin.CONFIG, detail=Detail.TOKEN_LIMITS, line="max_context above the model's limit"
        )
    )
    yield "5-cause-found", story.looks(30 * MINUTE)
    story.says(
        requested_phase=RequestedPhase.RECOVERING,
        remediation=Remediation(types=[RemediationType.PROMPT_UPDATE], line="v44 keeps the limit"),
        guardrail=Guardrail(type=GuardrailType.TEST, ref="golden case long-question"),
    )
    yield "6-recovering", story.looks(60 * MINUTE)
    story.gate = []
    story.says(requested_phase=RequestedPhase.RESOLVED)
    yield "7-resolved", story.looks(90 * MINUTE)
    story.says(
        requested_phase=RequestedPhase.CLOSED,
        review=Review(
            detection_gap="none: seen in a second",
            response="timely",
            technical_cause="a limit nobody tested",
            findings="limits are release content",
            held_at=story.now,
            reviewers=["li"],
            next_review_at=story.now + timedelta(days=90),
            ai_questions=AiQuestions(
                production_distribution="yes",
                pipeline_assumptions="yes",
                prompts_tested="not with long ones",
                retrieval_monitored="yes",
                kill_switch="there, not needed",
            ),
        ),
        action_items=[
            ActionItem(
                name=name,
                title=name,
                owner="tom",
                due=story.now + timedelta(days=7),
                kind=ActionKind.MONITORING,
                prevents=prevents,
                done=True,
            )
            for name, prevents in (
                ("long-question", Prevents.INSTANCE),
                ("limit-alert", Prevents.CLASS),
            )
        ],
    )
    yield "8-closed", story.looks(24 * 60 * MINUTE)


@pytest.fixture(scope="module")
def pages() -> dict[str, list[str]]:
    return dict(moments())


NAMES = (
    "1-detected",
    "2-contained",
    "3-nobody-came",
    "4-diagnosing",
    "5-cause-found",
    "6-recovering",
    "7-resolved",
    "8-closed",
)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_reads_word_for_word(name: str, pages: dict[str, list[str]]) -> None:
    assert pages[name] == (PAGES / f"{name}.txt").read_text().splitlines()


def test_every_moment_is_another_phase_or_another_duty(pages: dict[str, list[str]]) -> None:
    assert len({tuple(page) for page in pages.values()}) == len(NAMES)
    assert Phase.CLOSED.upper() in pages["8-closed"][0]


def write() -> None:
    for name, page in moments():
        (PAGES / f"{name}.txt").write_text("\n".join(page) + "\n")


if __name__ == "__main__":
    write()
