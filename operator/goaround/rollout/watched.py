"""What is said of the watch over a live release: whether harm would be seen, and what has shifted.

It says which bounds are watched and at what price of false alarms, or what a person must do. A
shift against the day before is told, and so is one against the baseline; telling moves nobody.
"""

from datetime import datetime

from goaround.api.conditions import Wanted, condition, some
from goaround.api.reasons import ConditionType, EventReason, Reason, Stage
from goaround.api.status import AIFeatureStatus
from goaround.rollout import baselines
from goaround.rollout.moves import told_once
from goaround.rollout.observed import Observed

DO = "give a signal max or min"
DOES = "Nobody is moved for it; absolute bounds are watched as before"


def watched(o: Observed, after: AIFeatureStatus) -> Wanted:
    """`Watched` of a status in which last-known-good serves everybody."""
    kind, spec, judged = ConditionType.WATCHED, o.feature.spec, o.judged
    bounds = [s.name for s in spec.acceptance.signals if any(s.bounds)]
    bounds += [name for name in baselines.sends_back(o, after) if name not in bounds]
    missing = f". {gaps}" if (gaps := baselines.gaps(o)) else ""
    if beyond := baselines.told(o, after):
        told = f"worse than the baseline allows: {beyond}. {DOES}"
        return condition(kind, "True" if bounds else "False", Reason.WORSE_THAN_BASELINE, told)
    if not bounds:
        told = f"no signal has an absolute bound, so that harm in Live would not be seen: {DO}"
        return condition(kind, "False", Reason.NO_ABSOLUTE_BOUND, told + missing)
    good = after.last_known_good
    mine = judged is not None and good is not None and judged.digest == good.digest
    if judged is not None and mine and judged.unreadable is not None:
        told = f"{judged.unreadable}; until it can be read again, harm is not seen"
        return condition(kind, "Unknown", Reason.PROVIDER_UNAVAILABLE, told)
    times = spec.watch.false_fallbacks_per_year
    told = (
        f"{some(bounds, 3)} every {spec.watch.interval_seconds} s by two overlapping 48 h "
        f"detectors; by chance at most {times} false alarm{'s' if times > 1 else ''} a year"
    )
    return condition(kind, "True", Reason.WATCHED, told + missing)


def shifted(o: Observed, after: AIFeatureStatus) -> Wanted | None:
    """`SignalsHealthy=False` of a live release that is worse than it was the day before."""
    worse, good = o.judged.worse if o.judged is not None else None, after.last_known_good
    if worse is None or after.stage is not Stage.LIVE or good is None or o.judged is None:
        return None
    if o.judged.digest != good.digest:
        return None
    told = (
        f"{worse}: more than twice as bad, though within its bounds. Nothing is sent back for it; "
        "look at what changed around the release (data, traffic, a provider)"
    )
    return condition(ConditionType.SIGNALS_HEALTHY, "False", Reason.WORSE_THAN_BEFORE, told)


def told_of_shift(
    o: Observed, before: AIFeatureStatus, after: AIFeatureStatus, now: datetime
) -> AIFeatureStatus:
    """One event per shift, for as long as its condition stands."""
    if (wanted := shifted(o, after)) is None:
        return after
    return told_once(before, after, wanted, EventReason.WORSE_THAN_BEFORE, now=now)
