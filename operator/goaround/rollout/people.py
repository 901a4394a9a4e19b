"""How a flight waits for people, goes on by their word, or ends by it.

Who counts is decided in `signoffs.py`, and whether evidence is complete in `up.py`: people are
asked last, when nothing else is missing. While they are asked, deadlines stand still.
"""

from collections.abc import Sequence
from datetime import datetime

from goaround.api.approval import Approval
from goaround.api.digest import short
from goaround.api.reasons import EventReason, Stage
from goaround.api.status import AIFeatureStatus
from goaround.rollout.moves import move
from goaround.rollout.observed import Observed
from goaround.rollout.signoffs import answers, is_waiting


def wait(status: AIFeatureStatus, why: str, now: datetime) -> AIFeatureStatus:
    """Stay at this weight until people have spoken; asked once, the clock stopped."""
    stopped = status.but(clock_stopped_at=status.clock_stopped_at or now)
    if is_waiting(status.hold):
        return stopped.but(hold=why[:512])
    before = status.stage is Stage.PREFLIGHT
    return move(
        stopped,
        now,
        EventReason.SIGN_OFF_REQUESTED,
        f"The evidence is complete at {status.split.candidate} %; people are asked. {why}",
        warning=True,
        stage=Stage.PREFLIGHT if before else Stage.HOLDING,
        hold=why[:512],
    )


def granted(
    o: Observed, status: AIFeatureStatus, stage: Stage | None, now: datetime
) -> AIFeatureStatus:
    """Told once, right before the step is left; `status` unchanged where nobody was asked."""
    asked = answers(o, status, now)
    if asked is None:
        return status
    flown = status.candidate
    what = short(flown.digest) if flown is not None else "the release"
    return move(
        status,
        now,
        EventReason.SIGN_OFF_GRANTED,
        f"{what} may go on from {status.split.candidate} %: approved by {_named(asked.approvals)}.",
        stage=stage,
        hold=None,
    )


def skipping(
    status: AIFeatureStatus, by: Sequence[Approval], lacks: str, now: datetime
) -> AIFeatureStatus:
    """A person's word in place of evidence that is missing: said as just that."""
    return move(
        status,
        now,
        EventReason.STEPS_SKIPPED,
        f"Promoted by {_named(by)} from {status.split.candidate} %: remaining holds are skipped. "
        f"This stands in for evidence that is missing: {lacks}",
        warning=True,
        hold=None,
    )


def _named(approvals: Sequence[Approval]) -> str:
    return ", ".join(f"{a.approver} (AISignOff {a.name})" for a in approvals)
