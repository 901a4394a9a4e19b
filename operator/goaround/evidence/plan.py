"""Which tests a feature's acceptance asks for, and which level each step needs.

Decides nothing about a release; turns spec into parameters of tests.
"""

from collections.abc import Iterator

from goaround.api.acceptance import Signal, VsStable
from goaround.api.feature import AIFeatureSpec
from goaround.evidence import model
from goaround.evidence.judge import acceptance_level
from goaround.evidence.model import STABLE, Bound, Max, Min, TestSpec, budget_shares

VERSUS = ".vs-stable"
OUTAGE = ".outage"
OUTAGE_ALPHA = 0.05
"""Chance that a healthy stable arm is taken for an outage: it costs a hold, never a release. It
must be larger than alpha, because at 50 % both arms prove the same fault equally fast."""

LARGEST_TOLERANCE, LARGEST_MARGIN = 0.99, 0.999


def tests_of(
    spec: AIFeatureSpec, *, digest: str, attempt: int, with_stable: bool
) -> tuple[TestSpec, ...]:
    """One test per bound; a new digest, attempt, query or provider starts new evidence.

    with_stable: a last-known-good serves beside the candidate; without one `vsStable` bounds do
    not apply, and take no share of the budget.
    """
    bounds = [(s, *b) for s in spec.acceptance.signals for b in _bounds(s, with_stable)]
    weights = {name: float(s.budget_weight) for s, name, bound in bounds if not _hard(bound)}
    shares = budget_shares(weights) if weights else {}
    return tuple(
        TestSpec(
            signal=name,
            bound=bound,
            interval=spec.ramp.interval_seconds,
            share=shares.get(name, 0.0),
            cluster_size=s.cluster_size,
            about=_about(spec, s, digest, attempt),
        )
        for s, name, bound in bounds
    )


def outage_tests(spec: AIFeatureSpec, *, digest: str, attempt: int) -> tuple[TestSpec, ...]:
    """The same absolute bounds, asked of stable: if it breaks them too, the candidate is not to
    blame for what it shares."""
    found = [s for s in spec.acceptance.signals if _absolute(s) is not None]
    shares = budget_shares(
        {s.name: float(s.budget_weight) for s in found if not _hard(_absolute(s))}
    )
    return tuple(
        TestSpec(
            signal=s.name + OUTAGE,
            bound=bound,
            interval=spec.ramp.interval_seconds,
            share=shares[s.name],
            cluster_size=s.cluster_size,
            arm=STABLE,
            gate=False,
            about=_about(spec, s, digest, attempt),
        )
        for s in found
        if (bound := _absolute(s)) is not None and not _hard(bound)
    )


def signal_of(test: str) -> str:
    """The signal that a test belongs to."""
    return test.removesuffix(VERSUS).removesuffix(OUTAGE)


def level(spec: AIFeatureSpec, *, step: int, attempt: int) -> float:
    """The e-value of health that leaves step `step`; the last step asks what the gate before it
    asked, so that a single-step ramp is gated too."""
    gates = max(len(spec.ramp.steps) - 1, 1)
    return acceptance_level(min(step, gates - 1), gates, float(spec.acceptance.beta), attempt)


def _about(spec: AIFeatureSpec, s: Signal, digest: str, attempt: int) -> str:
    return f"{digest}/{attempt}/{spec.acceptance.provider}/{s.ratio.bad}/{s.ratio.total}"


def _bounds(signal: Signal, with_stable: bool) -> Iterator[tuple[str, Bound]]:
    if (absolute := _absolute(signal)) is not None:
        yield signal.name, absolute
    if signal.vs_stable is not None and with_stable:
        yield signal.name + VERSUS, _versus(signal.vs_stable)


def _absolute(signal: Signal) -> Bound | None:
    if signal.max is not None:
        return Max(float(signal.max))
    return Min(float(signal.min)) if signal.min is not None else None


def _versus(bound: VsStable) -> model.VsStable:
    """Absent margins are twice the tolerance, or its square where it is a factor. A tolerance of
    everything leaves something to rule out."""
    worse_by = min(float(bound.worse_by or 0), LARGEST_TOLERANCE)
    factor = float(bound.worse_by_factor or 1)
    reject_at = float(bound.reject_at) if bound.reject_at is not None else 2 * worse_by
    reject = float(bound.reject_at_factor) if bound.reject_at_factor else factor * factor
    return model.VsStable(
        reject_at=min(max(reject_at, worse_by), LARGEST_MARGIN),
        worse_by=worse_by,
        factor=factor,
        reject_factor=reject,
    )


def _hard(bound: Bound | None) -> bool:
    return bound in (Max(0.0), Min(1.0))
