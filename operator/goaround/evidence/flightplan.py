"""The flight plan: what a ramp can find, how long it takes, and what a fault would cost.

Decides which plans cannot fly, and says why in plain words. Everything else is a forecast for
people, rehearsed with the engine's own tests on the traffic that is assumed: requests that fail
independently (or in clusters of the size declared). Refuses to throw dice, which are a parameter.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

import numpy as np

from goaround.api.feature import AIFeatureSpec
from goaround.evidence import planned, refusals, rehearsal, vs_baseline
from goaround.evidence.forecast import Inquiry, forecast
from goaround.evidence.model import Bound, Max, Min, TestSpec, VsStable
from goaround.evidence.plan import (
    counts_requests,
    in_step,
    level,
    owner_of,
    signal_of,
    slice_of,
    tests_of,
)
from goaround.evidence.planned import FlightPlan, StepPlan, TestPlan, quantile
from goaround.evidence.rehearsal import Climbs, Dice, Leg, Rows, Subject
from goaround.evidence.weighing import limit_of

RUNS: Final = 128
FEWEST_RUNS: Final = 40
ROWS: Final = 3000
"""So many rehearsals per step in all: more signals get fewer each."""

FINE, COARSEST = 8, 0.2
"""With more tests than that the windows of rehearsals grow faster, up to a fifth of the time."""

ASSUMED_SHARE: Final = 0.01
ASSUMED_BADNESS: Final = 0.2
ASSUMED_TOSSES: Final = 4.0
"""A score is taken to spread half as much as its mean allows, where nothing is known of it."""

NOTHING_COUNTED: Final = "no signal counts requests: thresholds act at once, nothing is forecast"


@dataclass(frozen=True, slots=True)
class Traffic:
    """What is known or assumed of the traffic: requests per second in all, and the share of harm of
    a healthy release by signal (for `min`: the share of misses; of a mean, its distance from the
    best end of the scale). A signal that is not named is assumed at `ASSUMED_SHARE`, or a quarter
    of its bound; a mean at `ASSUMED_BADNESS`, or half of it. deviations: of one score, as a part of
    its scale, by signal."""

    rps: float
    healthy: Mapping[str, float]
    deviations: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.rps < math.inf:
            raise ValueError(f"the rate must be a number of requests per second, not {self.rps}")
        for name, share in self.healthy.items():
            if not 0 <= share <= 1:
                raise ValueError(f"the healthy share of {name} must lie in 0..1, not {share}")


def flight_plan(
    spec: AIFeatureSpec,
    traffic: Traffic,
    dice: Dice,
    *,
    with_stable: bool = True,
    lag: float = 10.0,
) -> FlightPlan:
    """The forecast of a whole ramp of a new release, attempt 1.

    with_stable: a last-known-good serves beside it. lag: seconds from the end of a window to its
    proof. Raises ValueError where the spec makes no valid test. All times in seconds.
    """
    tests = tests_of(spec, digest="", attempt=1, with_stable=with_stable)
    subjects = [
        _subject(spec, test, healthy_share(test, tests, traffic), traffic)
        for test in tests
        if counts_requests(test)
    ]
    hopeless = refusals.refused_before(spec, subjects, traffic.rps)
    if hopeless:
        return FlightPlan(rps=traffic.rps, refusals=hopeless)
    if not subjects:
        return FlightPlan(rps=traffic.rps, warnings=(NOTHING_COUNTED,))
    return _rehearsed(spec, subjects, traffic.rps, dice, with_stable=with_stable, lag=lag)


def in_live(spec: AIFeatureSpec, traffic: Traffic) -> list[str]:
    """What `vsBaseline` bounds would see after the landing, with a baseline of a day's traffic."""
    tests = tests_of(spec, digest="", attempt=1, with_stable=True)
    healthy = {owner_of(test.signal): healthy_share(test, tests, traffic) for test in tests}
    return vs_baseline.planned(spec, healthy, traffic.rps)


def _subject(spec: AIFeatureSpec, test: TestSpec, healthy: float, traffic: Traffic) -> Subject:
    subject = Subject(test, healthy, _part(spec, test))
    if test.scale is None or not 0 < healthy < 1:
        return subject
    deviation = traffic.deviations.get(owner_of(test.signal), 0.0)
    known = healthy * (1 - healthy) / deviation**2 if deviation > 0 else ASSUMED_TOSSES
    return replace(subject, tosses=max(1.0, known))


def _part(spec: AIFeatureSpec, test: TestSpec) -> float:
    """Slices are taken to be of one size: how users divide is not known before take-off."""
    signal = spec.signal(owner_of(test.signal))
    if signal is None or signal.slices is None or slice_of(signal_of(test.signal)) is None:
        return 1.0
    return 1 / len(signal.slices.values)


def healthy_share(test: TestSpec, tests: Sequence[TestSpec], traffic: Traffic) -> float:
    """Share of harm of a healthy release under this test, given or assumed; what is assumed suits
    all bounds of the signal."""
    owner = owner_of(test.signal)
    known = traffic.healthy.get(owner)
    if known is not None or test.hard:
        return known or 0.0
    mine = [t for t in tests if owner_of(t.signal) == owner and not t.hard]
    usual, part = (ASSUMED_SHARE, 4) if test.scale is None else (ASSUMED_BADNESS, 2)
    return min(_assumed(t.bound, usual, part) for t in mine)


def _assumed(bound: Bound, usual: float, part: int) -> float:
    match bound:
        case Max() | Min():
            return min(usual, limit_of(bound) / part)
        case VsStable():
            return usual
        case _:
            assert_never(bound)


def _rehearsed(
    spec: AIFeatureSpec,
    subjects: Sequence[Subject],
    rps: float,
    dice: Dice,
    *,
    with_stable: bool,
    lag: float,
) -> FlightPlan:
    runs = max(FEWEST_RUNS, min(RUNS, ROWS // (4 * len(subjects))))
    growth = min(COARSEST, rehearsal.GROWTH * max(1.0, len(subjects) / FINE))
    rows: Sequence[Rows] = [rehearsal.fresh(runs)] * len(subjects)
    levels = sorted({level(spec, step=i, attempt=1) for i in range(len(spec.ramp.steps))})
    accepted = [np.full((len(levels), runs), np.inf) for _ in subjects]
    steps, total = [], np.zeros(runs)
    for index in range(len(spec.ramp.steps)):
        leg = replace(_leg(spec, index, rps, with_stable=with_stable), growth=growth)
        now = [replace(s, test=in_step(s.test, spec, index)) for s in subjects]
        before, climbs = rows, _through(now, leg, rows, levels=levels, dice=dice)
        # requests are counted over the whole rollout: the first time is the smallest
        accepted = list(map(np.minimum, accepted, climbs.accepted))
        stays = quantile(climbs.seconds, 0.5) or float(leg.most)
        found = [
            forecast(
                Inquiry(subject, leg, before[i], float(spec.acceptance.alpha), dice),
                requests=planned.requests_to_accept(
                    subject, leg, dict(zip(levels, accepted[i], strict=True))
                ),
                stays=stays,
                lag=lag,
            )
            for i, subject in enumerate(now)
        ]
        steps.append(_step_plan(spec, index, leg, climbs, tests=tuple(found)))
        rows, total = climbs.rows, total + climbs.seconds
    return refusals.judged(spec, rps, tuple(steps), total)


def _leg(spec: AIFeatureSpec, index: int, rps: float, *, with_stable: bool) -> Leg:
    """Weights and gates as `rollout.up` sets them: the last step cruises, ungated but for a ramp of
    one step, with a holdback where a signal compares."""
    ramp, last = spec.ramp, len(spec.ramp.steps) - 1
    step, cruises = ramp.steps[index], index == last
    weight = step.weight_percent
    compares = with_stable and any(s.vs_stable is not None for s in spec.acceptance.signals)
    if cruises and compares:
        below = ramp.steps[index - 1].weight_percent if index else 0
        weight = max(weight - ramp.holdback_percent, below)
    least = ramp.cruise_seconds if cruises else step.hold_seconds
    gated = not cruises or last == 0
    return Leg(
        candidate=rps * weight / 100,
        stable=rps * (100 - weight) / 100 if with_stable else 0.0,
        least=least,
        most=least + ramp.step_deadline_seconds,
        samples=step.min_samples,
        level=level(spec, step=index, attempt=1) if gated else None,
        first=index == 0,
    )


def _through(
    subjects: Sequence[Subject],
    leg: Leg,
    rows: Sequence[Rows],
    *,
    levels: Sequence[float],
    dice: Dice,
) -> Climbs:
    """Healthy flights through a step. One without a gate takes its time and no more."""
    if leg.level is not None:
        return rehearsal.climb(subjects, leg, rows, levels=levels, dice=dice)
    never = np.full((len(levels), rows[0].runs), np.inf)
    seconds = np.full(rows[0].runs, float(leg.least))
    return Climbs(seconds, (never,) * len(subjects), tuple(rows))


def _step_plan(
    spec: AIFeatureSpec, index: int, leg: Leg, climbs: Climbs, *, tests: tuple[TestPlan, ...]
) -> StepPlan:
    rps = leg.candidate + leg.stable
    return StepPlan(
        index=index,
        weight=round(100 * leg.candidate / rps)
        if leg.stable
        else spec.ramp.steps[index].weight_percent,
        candidate_rps=leg.candidate,
        stable_rps=leg.stable,
        least=leg.least,
        most=leg.most,
        level=leg.level,
        reached=float(np.mean(np.isfinite(climbs.seconds))),
        earliest=quantile(climbs.seconds, 0.05),
        likely=quantile(climbs.seconds, 0.5),
        late=quantile(climbs.seconds, 0.95),
        tests=tests,
    )
