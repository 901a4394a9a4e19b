"""Which flight plans are nonsense, said in plain words with figures and a way out.

Decides whether a plan may fly, from what was rehearsed and from what needs no rehearsal. Refuses to
forecast: `flightplan` does, and hands over what it found.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final, assert_never

from goaround.api.feature import AIFeatureSpec, BucketBy
from goaround.evidence.bets import Floats
from goaround.evidence.durations import about
from goaround.evidence.lines import rounded_up
from goaround.evidence.model import Max, Min, VsStable
from goaround.evidence.planned import FlightPlan, StepPlan, TestPlan, boundary, percent, quantile
from goaround.evidence.rehearsal import Subject

RELIABLE: Final = 0.95
"""A plan that strands more healthy flights than one in twenty is told so."""

FLIES: Final = 0.5
"""A plan that strands more than half of them is refused."""


def refused_before(spec: AIFeatureSpec, subjects: Sequence[Subject], rps: float) -> tuple[str, ...]:
    """What can be refused without a rehearsal."""
    if rps <= 0:
        return ("without requests nothing can be proven: give the rate of the feature with --rps",)
    return (
        *_sick_from_the_start(subjects, rps),
        *_samples_out_of_reach(spec, rps),
        *_too_short(spec),
    )


def _sick_from_the_start(subjects: Sequence[Subject], rps: float) -> Iterator[str]:
    for subject in subjects:
        test, share = subject.test, subject.healthy
        if test.hard and share > 0:
            yield (
                f"{test.signal}: a healthy release already has a bad event every "
                f"{about(1 / (rps * share))} ({percent(share)} at {rps:g} req/s), and the first "
                "one goes around: allow a share above 0"
            )
        elif not test.hard and not isinstance(test.bound, VsStable):
            edge = boundary(test, share)
            if share >= edge:
                yield (
                    f"{test.signal}: a healthy release is at {percent(share)} bad, the bound is "
                    f"{percent(edge)}: no release could be accepted; widen the bound"
                )


def _samples_out_of_reach(spec: AIFeatureSpec, rps: float) -> Iterator[str]:
    for number, step in enumerate(spec.ramp.steps[:-1], 1):
        most = step.hold_seconds + spec.ramp.step_deadline_seconds
        takes = step.min_samples / (rps * step.weight_percent / 100)
        if takes > most:
            yield (
                f"step {number} asks for {step.min_samples:,} samples: at {rps:g} req/s these take "
                f"{about(takes)} at {step.weight_percent} %, its deadline is after {about(most)}; "
                "lower minSamples or raise stepDeadlineSeconds"
            )


def _too_short(spec: AIFeatureSpec) -> Iterator[str]:
    ramp = spec.ramp
    least = sum(step.hold_seconds for step in ramp.steps[:-1]) + ramp.cruise_seconds
    if least > ramp.deadline_seconds:
        yield (
            f"the holds and the cruise alone take {about(least)}, the whole ramp ends after "
            f"{about(ramp.deadline_seconds)}: raise deadlineSeconds or hold shorter"
        )


def judged(
    spec: AIFeatureSpec, rps: float, steps: tuple[StepPlan, ...], total: Floats
) -> FlightPlan:
    """The plan with what speaks against it. total: seconds of each rehearsed flight, inf where it
    did not arrive."""
    deadline = spec.ramp.deadline_seconds
    stranded = [step for step in steps if step.reached < FLIES]
    refusals = [told for step in stranded for told in _needs_too_long(step, rps)]
    likely = quantile(total, 0.5)
    if not refusals and (likely is None or likely > deadline):
        longest = about(likely) if likely is not None else "longer than its steps allow"
        refusals.append(
            f"the ramp needs {longest} in the median, and ends after {about(deadline)}: raise "
            "deadlineSeconds, widen rejectAt or hold shorter"
        )
    return FlightPlan(
        rps=rps,
        steps=steps,
        earliest=quantile(total, 0.05),
        likely=likely,
        late=quantile(total, 0.95),
        refusals=tuple(refusals),
        warnings=(*_warnings(steps), *_sticky(spec)),
    )


def _needs_too_long(step: StepPlan, rps: float) -> Iterator[str]:
    """One sentence for each test that keeps the step from being left in time."""
    slow = False
    for test in step.tests:
        if test.hard or not test.gate:
            continue
        takes = test.requests / test.per_second if test.requests is not None else math.inf
        if takes <= step.most:
            continue
        slow = True
        time = about(takes) if math.isfinite(takes) else "for ever"
        yield (
            f"{test.name}: at {rps:g} req/s this needs {time} at {step.weight} % "
            f"({_requests(test)}), step {step.index + 1} ends after {about(step.most)}; "
            f"{_way_out(test)} or hold longer (stepDeadlineSeconds)"
        )
    if not slow:
        yield (
            f"step {step.index + 1}: only {step.reached:.0%} of healthy flights meet all gates "
            f"before its deadline after {about(step.most)}: hold longer (stepDeadlineSeconds), or "
            "widen the slowest signal"
        )


def _requests(test: TestPlan) -> str:
    if test.requests is None:
        return "it cannot be accepted at its healthy rate"
    return f"about {rounded_up(test.requests):,} candidate requests"


def _way_out(test: TestPlan) -> str:
    match test.bound:
        case VsStable():
            return "widen rejectAt"
        case Max():
            return "raise max"
        case Min():
            return "lower min"
        case _:
            assert_never(test.bound)


def _sticky(spec: AIFeatureSpec) -> Iterator[str]:
    unit = spec.flag.bucket_by
    if unit is not BucketBy.REQUEST:
        yield (
            f"each {unit.lower()} sticks to an arm (bucketBy {unit}): the times hold where the app "
            "exports ai_bucket and harm is spread evenly; without the label only gross harm is "
            "proven, and data never promotes"
        )


def _warnings(steps: Sequence[StepPlan]) -> Iterator[str]:
    for step in steps:
        if FLIES <= step.reached < RELIABLE:
            yield (
                f"step {step.index + 1}: {1 - step.reached:.0%} of healthy flights miss its "
                f"deadline after {about(step.most)} and end Inconclusive"
            )
        blind = [test.name for test in step.tests if test.smallest is None and not test.hard]
        if blind:
            yield (
                f"step {step.index + 1}: {', '.join(blind)} would not even prove a total failure "
                f"in the {about(step.tests[0].stays)} that it lasts"
            )
