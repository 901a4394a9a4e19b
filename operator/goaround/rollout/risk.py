"""What people said of a use of AI before launch, held against what its risk tier asks for.

It tells gaps; it moves nobody and holds nothing. What `High` demands is refused by the API server
already, so that a gap there is one of an older object.
"""

from goaround.api.conditions import Wanted, condition, some
from goaround.api.feature import AIFeatureSpec, RiskTier
from goaround.api.reasons import ConditionType, Reason

ASKED = frozenset({RiskTier.LIMITED, RiskTier.HIGH})


def said(spec: AIFeatureSpec) -> list[Wanted]:
    """`ExplainabilityPresent` and `FailureModesCovered`, where the tier asks for them; the latter
    also where failure modes are declared without being asked for."""
    found = []
    if spec.risk_tier in ASKED:
        found.append(_explained(spec))
    if spec.risk_tier in ASKED or spec.failure_modes:
        found.append(_covered(spec))
    return found


def _explained(spec: AIFeatureSpec) -> Wanted:
    kind = ConditionType.EXPLAINABILITY_PRESENT
    if spec.explainability is not None:
        told = "stated; it stands in the evidence binder"
        return condition(kind, "True", Reason.PRESENT, told)
    told = (
        f"riskTier {spec.risk_tier} asks for spec.explainability: say what it gets (inputLike), "
        "what it returns, because of what, and its guardrails"
    )
    return condition(kind, "False", Reason.NOT_GIVEN, told)


def _covered(spec: AIFeatureSpec) -> Wanted:
    kind, modes = ConditionType.FAILURE_MODES_COVERED, spec.failure_modes
    if not modes:
        told = (
            f"riskTier {spec.risk_tier} asks for spec.failureModes: name each way to fail, with "
            "the signal that sees it"
        )
        return condition(kind, "False", Reason.NOT_GIVEN, told)
    gaps = [
        f"{mode.failure_class} has no signal"
        if mode.signal is None
        else f"{mode.failure_class} names signal {mode.signal}, which is not in acceptance.signals"
        for mode in modes
        if mode.signal is None or spec.signal(mode.signal) is None
    ]
    if gaps:
        told = f"nobody would see it: {some(gaps, 2)}"
        return condition(kind, "False", Reason.NO_SIGNAL, told)
    told = some([f"{mode.failure_class} by {mode.signal}" for mode in modes])
    return condition(kind, "True", Reason.COVERED, told)
