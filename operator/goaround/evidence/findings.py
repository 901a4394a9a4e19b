"""What tests say: the breach of a release, and the judgement of one signal.

Decides nothing; values only. `judge` makes them.
"""

from dataclasses import dataclass

from goaround.evidence.assumptions import Assumptions
from goaround.evidence.model import Verdict


@dataclass(frozen=True, slots=True)
class Breach:
    """The combined test of one release.

    log_e: ln of the weighted sum of what the tests prove, divided if that decides. breached: it
    reached 1/alpha, or a hard guard saw a bad event. culprits: the signals to blame, the main one
    first; empty without a breach. top: the signal that contributes most, breach or not. alpha: the
    level it was held against. held: signals that would be to blame if requests were independent,
    while nothing is proven. pausing: those of them of which only gross harm could be proven,
    because users stick and no buckets tell them apart: the climb must wait. lingering: likewise,
    but down to half of the level (in nats): a climb that waits goes on waiting.
    """

    log_e: float
    breached: bool
    top: str
    culprits: tuple[str, ...]
    alpha: float
    held: tuple[str, ...] = ()
    pausing: tuple[str, ...] = ()
    lingering: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one signal says, with the numbers that say why.

    e_value: this test's part v_i * X_i of what is combined (parts add up; 1/alpha breaches), E_i
    after division by the design effect, at most 1e300. accept_e: against `level`, likewise. All
    three are absent on hard guards, which are no statistics. total, bad, share: of the judged arm
    since the rollout began; step_total since the step began. needed: first-order guess of the
    further requests until acceptance, absent when it leads nowhere. started: unix seconds
    at which the present trouble began, if there is any. assumptions: on what the evidence rests;
    absent on hard guards. visible: the smallest difference (a share) that would be seen at the
    present spread over users; absent where it is not measured.
    """

    name: str
    verdict: Verdict
    line: str
    gate: bool
    e_value: float | None
    accept_e: float | None
    level: float | None
    total: float
    bad: float
    share: float
    step_total: float
    needed: int | None
    started: int | None
    assumptions: Assumptions | None = None
    visible: float | None = None
