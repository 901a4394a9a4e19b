"""What the evidence of a live release says in one pass, in the words of status.

Absolute bounds and those against the baseline stand side by side; only those that act may breach.
"""

from collections.abc import Sequence
from datetime import datetime

from goaround.api.kinds import AIFeature
from goaround.evidence import alarm
from goaround.evidence.judge import Judgement, Verdict
from goaround.evidence.plan import owner_of, signal_of
from goaround.rollout import observed
from goaround.rollout.observed import Judged
from goaround.runtime.flight import at
from goaround.runtime.judging import proof, reported, signals, unreadable
from goaround.runtime.lookout import Lookout

NOT_WATCHED = "has no absolute bound (max or min), so it is not watched in Live"


def watched(
    feature: AIFeature, lookout: Lookout, *, now: float, lag: float, next_at: datetime | None
) -> Judged:
    """What is known of the release that serves everybody."""
    told = _told(lookout, 1 / float(feature.spec.acceptance.beta))
    beside = _beside(lookout)
    acting = [*told, *(j for j in beside if lookout.alarms[j.name].about.acts)]
    if lookout.is_due():
        lookout.show(tuple(signals(feature, [*told, *beside], NOT_WATCHED)))
    return Judged(
        digest=lookout.identity[0],
        attempt=0,
        signals=lookout.shown_signals,
        evidence=lookout.shown_evidence,
        breach=_breach(lookout, acting, lag),
        accepted=bool(acting) and all(j.verdict is Verdict.GOOD for j in acting),
        worse=lookout.shown_worse,
        beyond=_beyond(lookout),
        exposed=_exposed(lookout),
        through=at(lookout.last_t),
        heard_all=lookout.heard >= lookout.read_to.keys(),
        unreadable=unreadable(lookout.faults, list(lookout.read_to), lookout.interval, now=now),
        traffic=lookout.noted.newest,
        next_at=next_at,
    )


def _told(lookout: Lookout, level: float) -> list[Judgement]:
    """What the absolute bounds say: said anew only where there is something new to say."""
    about = level, lookout.speaks, lookout.breach, dict(lookout.faults)
    if lookout.said is None or lookout.said[0] != about:
        told = reported(lookout.pairs, lookout.breach, lookout.faults, level=level)
        lookout.said = about, told
    return lookout.said[1]


def _beside(lookout: Lookout) -> list[Judgement]:
    """What signals say against their baselines."""
    faults = lookout.faults
    return [
        alarm.judged(
            one,
            readable=(name := signal_of(test)) not in faults,
            reason=faults[name].message if name in faults else "",
        )
        for test, one in lookout.alarms.items()
    ]


def _beyond(lookout: Lookout) -> dict[str, observed.Beyond]:
    """The signals that are worse than their baseline."""
    return {
        owner_of(name): observed.Beyond(at(one.since), one.line)
        for name, one in lookout.alarms.items()
        if one.since is not None
    }


def _exposed(lookout: Lookout) -> int:
    """Requests since trouble began, as the test that saw most of it counts them."""
    seen = [state.run.arm.total for _, state in lookout.pairs]
    return int(max([*seen, *(one.exposed for one in lookout.alarms.values())], default=0))


def _breach(lookout: Lookout, acting: Sequence[Judgement], lag: float) -> observed.Breach | None:
    if lookout.proven_end is None:
        return None
    fell = lookout.fell
    main = lookout.breach.culprits[0] if lookout.breach.breached or fell is None else fell.name
    return proof(acting, main, lookout.proven_end + lag)
