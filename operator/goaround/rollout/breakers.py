"""What apps did by themselves: how many replicas have their breaker open, and what that holds.

An open breaker is a reason not to climb. Refuses to take it for proof of harm: it is one metric of
one app, judged by no test, and users are on the fallback already.
"""

from goaround.api.conditions import Wanted, condition
from goaround.api.fallback import Breaker
from goaround.api.reasons import ConditionType, Reason
from goaround.rollout.observed import Observed


def stops_climb(o: Observed) -> str | None:
    """Why nothing climbs; None where no breaker is seen open."""
    told = line(o)
    return f"{Reason.BREAKER_OPEN}: {told}; nothing climbs until they close" if told else None


def line(o: Observed) -> str | None:
    """How many replicas have the breaker open, of which arm, for people and incidents; None where
    none is seen open."""
    rule = o.feature.spec.fallback.breaker
    found = o.breakers.arms if o.breakers is not None else {}
    parts = [
        f"{n.open} of {n.replicas} replicas ({n.open / n.replicas:.0%}) on {arm}"
        for arm, n in sorted(found.items())
        if 0 < n.open <= n.replicas
    ]
    if rule is None or not parts:
        return None
    return f"{' and '.join(parts)} have the breaker open and serve the fallback ({_says(rule)})"


def told(o: Observed) -> Wanted | None:
    """`BreakerOpen`, where a breaker is stated; Unknown where nobody exports it, or the provider
    does not answer."""
    kind, found = ConditionType.BREAKER_OPEN, o.breakers
    if o.feature.spec.fallback.breaker is None or found is None:
        return None
    if (opened := line(o)) is not None:
        return condition(kind, "True", Reason.BREAKER_OPEN, opened)
    if found.blind is not None:
        return condition(kind, "Unknown", Reason.PROVIDER_UNAVAILABLE, found.blind)
    if not found.arms:
        return condition(kind, "Unknown", Reason.NO_DATA, "no replica exports ai_breaker_open")
    counted = " and ".join(f"{n.replicas} on {arm}" for arm, n in sorted(found.arms.items()))
    return condition(kind, "False", Reason.WITHIN_LIMITS, f"none is open of {counted}")


def _says(rule: Breaker) -> str:
    limit = f"below {rule.below}" if rule.below is not None else f"above {rule.above}"
    return f"{rule.metric} {limit}"
