"""Which tests a feature's acceptance asks for, and which level each step needs.

Decides nothing about a release; turns spec into parameters of tests.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from goaround.api.acceptance import Signal, VsStable
from goaround.api.feature import AIFeatureSpec, BucketBy
from goaround.api.signals import Mean, Query, Worse
from goaround.evidence import model
from goaround.evidence.judge import acceptance_level
from goaround.evidence.model import (
    CANDIDATE,
    STABLE,
    Bound,
    Max,
    Min,
    TestSpec,
    Units,
    budget_shares,
)
from goaround.evidence.scale import Scale

VERSUS = ".vs-stable"
OUTAGE = ".outage"
BASELINE = ".vs-baseline"
OUTAGE_ALPHA = 0.05
"""Chance that a healthy stable arm is taken for an outage: it costs a hold, never a release. It
must be larger than alpha, because at 50 % both arms prove the same fault equally fast."""

LARGEST_TOLERANCE, LARGEST_MARGIN = 0.99, 0.999
SMALLEST_LIMIT = 1e-9
SLICE = "/"
EVALUATED = "evaluated"
"""The arm of a query: its windows hold evaluations, which nobody may take for requests."""


def tests_of(
    spec: AIFeatureSpec, *, digest: str, attempt: int, with_stable: bool
) -> tuple[TestSpec, ...]:
    """One test per bound and slice; a new digest, attempt, query or provider starts new evidence.

    with_stable: a last-known-good serves beside the candidate; without one `vsStable` bounds do
    not apply, and take no share of the budget. A signal and its slices divide its weight; slices
    send back, but no climb waits for them.
    """
    bounds = [(s, r, *b) for s, r in _read(spec) for b in _bounds(s, r, with_stable)]
    weights = {name: _weight(s) for s, _, name, bound in bounds if not is_hard(bound)}
    shares = budget_shares(weights) if weights else {}
    return tuple(
        TestSpec(
            signal=name,
            bound=bound,
            interval=spec.ramp.interval_seconds,
            share=shares.get(name, 0.0),
            cluster_size=s.cluster_size,
            gate=reading == s.name,
            arm=EVALUATED if isinstance(s.kind, Query) else CANDIDATE,
            about=_about(spec, s, digest, attempt),
            units=_units(spec),
            scale=scale_of(s),
        )
        for s, reading, name, bound in bounds
    )


def undivided(tests: Iterable[TestSpec]) -> tuple[TestSpec, ...]:
    """The same tests where one release serves everybody: nobody is assigned to an arm."""
    return tuple(replace(test, units=Units.REQUESTS) for test in tests)


def outage_tests(spec: AIFeatureSpec, *, digest: str, attempt: int) -> tuple[TestSpec, ...]:
    """The same absolute bounds, asked of stable: if it breaks them too, the candidate is not to
    blame for what it shares."""
    found = [(s, r, absolute(s)) for s, r in _read(spec)]
    bounds = [(s, r, bound) for s, r, bound in found if bound is not None and not is_hard(bound)]
    shares = budget_shares({reading: _weight(s) for s, reading, _ in bounds}) if bounds else {}
    return tuple(
        TestSpec(
            signal=reading + OUTAGE,
            bound=bound,
            interval=spec.ramp.interval_seconds,
            share=shares[reading],
            cluster_size=s.cluster_size,
            arm=STABLE,
            gate=False,
            about=_about(spec, s, digest, attempt),
            scale=scale_of(s),
        )
        for s, reading, bound in bounds
    )


def readings(spec: AIFeatureSpec) -> tuple[str, ...]:
    """Names of all that is read: signals, and slices as `<signal>/<value>`."""
    return tuple(reading for _, reading in _read(spec))


def signal_of(test: str) -> str:
    """What a test reads: a signal, or a slice of one."""
    return test.removesuffix(VERSUS).removesuffix(OUTAGE).removesuffix(BASELINE)


def owner_of(test: str) -> str:
    """The signal of spec to which a test, or a slice, belongs."""
    return signal_of(test).partition(SLICE)[0]


def slice_of(reading: str) -> str | None:
    """The value of the slice label that a reading is narrowed to."""
    return reading.partition(SLICE)[2] or None


def in_step(test: TestSpec, spec: AIFeatureSpec, step: int) -> TestSpec:
    """`test` as it stands at step `step`: late truth never gates a step that holds shorter."""
    signal = spec.signal(owner_of(test.signal))
    hold = spec.ramp.steps[min(step, len(spec.ramp.steps) - 1)].hold_seconds
    late = signal is not None and signal.label_delay_seconds > hold
    return replace(test, gate=False) if late else test


def counts_requests(test: TestSpec) -> bool:
    """Whether what this test has seen says how many requests there were."""
    return test.arm != EVALUATED


def least_samples(test: TestSpec, spec: AIFeatureSpec, min_samples: int) -> int:
    """`min_samples` for this test; a query needs as many evaluations as it looks at."""
    signal = spec.signal(owner_of(test.signal))
    if signal is not None and isinstance(signal.kind, Query):
        return signal.kind.of
    return min_samples


def level(spec: AIFeatureSpec, *, step: int, attempt: int) -> float:
    """The e-value of health that leaves step `step`; the last step asks what the gate before it
    asked, so that a single-step ramp is gated too."""
    gates = max(len(spec.ramp.steps) - 1, 1)
    return acceptance_level(min(step, gates - 1), gates, float(spec.acceptance.beta), attempt)


def absolute(signal: Signal) -> Bound | None:
    """The absolute bound on the share of bad events; of a mean, on the mean badness, which is 0 at
    the best end of its scale and 1 at the other; of a query, on evaluations that call for a
    rollback."""
    highest, lowest = signal.bounds
    match signal.kind:
        case Query():
            return Max(0.0)
        case Mean() as mean:
            limit = highest if mean.worse is Worse.HIGHER else lowest
            return Max(_badness(mean, float(limit))) if limit is not None else None
        case _ if highest is not None:
            return Max(float(highest))
        case _:
            return Min(float(lowest)) if lowest is not None else None


def scale_of(signal: Signal) -> Scale | None:
    """The scale of a mean's scores; None where events are counted."""
    if not isinstance(mean := signal.kind, Mean):
        return None
    return Scale(
        lowest=float(mean.lowest),
        highest=float(mean.highest),
        lower_is_worse=mean.worse is Worse.LOWER,
        bucketed=mean.buckets is not None,
    )


def _badness(mean: Mean, value: float) -> float:
    low, high = float(mean.lowest), float(mean.highest)
    best, worst = (low, high) if mean.worse is Worse.HIGHER else (high, low)
    return min(max((value - best) / (worst - best), SMALLEST_LIMIT), 1 - SMALLEST_LIMIT)


def _units(spec: AIFeatureSpec) -> Units:
    return Units.REQUESTS if spec.flag.bucket_by is BucketBy.REQUEST else Units.USERS


def _read(spec: AIFeatureSpec) -> Iterator[tuple[Signal, str]]:
    for signal in spec.acceptance.signals:
        yield signal, signal.name
        for value in signal.slices.values if signal.slices is not None else ():
            yield signal, f"{signal.name}{SLICE}{value}"


def _weight(signal: Signal) -> float:
    slices = len(signal.slices.values) if signal.slices is not None else 0
    return signal.budget_weight / (1 + slices)


def _about(spec: AIFeatureSpec, s: Signal, digest: str, attempt: int) -> str:
    slices, arms = (s.slices.label if s.slices else ""), s.arms
    measured = f"{s.kind!r}/{slices}/{arms!r}/{s.label_delay_seconds}"
    threshold = s.bounds if isinstance(s.kind, Query) else ()
    return f"{digest}/{attempt}/{spec.acceptance.provider}/{measured}/{threshold}"


def _bounds(signal: Signal, reading: str, with_stable: bool) -> Iterator[tuple[str, Bound]]:
    if (limit := absolute(signal)) is not None:
        yield reading, limit
    if signal.vs_stable is not None and with_stable:
        yield reading + VERSUS, _versus(signal.vs_stable)


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


def is_hard(bound: Bound | None) -> bool:
    """Whether the first bad event breaches it."""
    return bound in (Max(0.0), Min(1.0))
