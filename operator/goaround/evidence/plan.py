"""Which tests a feature's acceptance asks for, and which level each step needs.

Decides nothing about a release; turns spec into parameters of tests.
"""

from goaround.api.feature import AIFeatureSpec, Signal
from goaround.evidence.judge import acceptance_level
from goaround.evidence.model import Bound, Max, Min, TestSpec, budget_shares


def tests_of(spec: AIFeatureSpec, *, digest: str, attempt: int) -> tuple[TestSpec, ...]:
    """One test per signal; a new digest, attempt, query or provider starts new evidence."""
    bounds = {s.name: _bound(s) for s in spec.acceptance.signals}
    statistical = {s.name: s.budget_weight for s in spec.acceptance.signals if not _hard(s)}
    shares = budget_shares(statistical) if statistical else {}
    return tuple(
        TestSpec(
            signal=s.name,
            bound=bounds[s.name],
            interval=spec.ramp.interval_seconds,
            share=shares.get(s.name, 0.0),
            cluster_size=s.cluster_size,
            about=f"{digest}/{attempt}/{spec.acceptance.provider}/{s.ratio.bad}/{s.ratio.total}",
        )
        for s in spec.acceptance.signals
    )


def level(spec: AIFeatureSpec, *, step: int, attempt: int) -> float:
    """The e-value of health that leaves step `step`; the last step asks what the gate before it
    asked, so that a single-step ramp is gated too."""
    gates = max(len(spec.ramp.steps) - 1, 1)
    return acceptance_level(min(step, gates - 1), gates, float(spec.acceptance.beta), attempt)


def _bound(signal: Signal) -> Bound:
    if signal.max is not None:
        return Max(float(signal.max))
    return Min(float(signal.min or 0))


def _hard(signal: Signal) -> bool:
    return (signal.max is not None and float(signal.max) == 0) or (
        signal.min is not None and float(signal.min) == 1
    )
