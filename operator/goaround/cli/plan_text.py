"""A flight plan in words: for terminals of 100 columns, and as JSON.

Decides how figures are rounded, never what they are. Refuses colour.
"""

from collections.abc import Iterator, Sequence
from typing import Final, assert_never

from goaround.api.base import Json
from goaround.api.kinds import AIFeature
from goaround.evidence.durations import about
from goaround.evidence.golden_text import SMOKE_GATE
from goaround.evidence.lines import rounded_up
from goaround.evidence.model import Bound, Max, Min, VsStable
from goaround.evidence.planned import Fault, FlightPlan, StepPlan, TestPlan, percent
from goaround.evidence.scale import Scale
from goaround.evidence.score_lines import numbers, tolerance

WIDTH: Final = 100
HARM: Final = ("2x", "all fail")
HEADINGS: Final = (
    "requests", "smallest", "1.5x found", "2x found", "5x found", "all found", "2x bad", "all bad"
)  # fmt: skip
LEGEND: Final = (
    "requests: of the candidate until it is accepted. smallest: bad share that four of five "
    "flights find before the step is left. found: median/p95 time to the proof of a fault that "
    "begins with the step, in times the healthy share or total failure. bad: bad responses until "
    "then. Requests are taken to fail independently."
)
OF_MEANS: Final = (
    "Shares of a mean are its distance from the best end of its scale, in parts of the scale."
)
COLUMNS: Final = "    {0:<10}{1:<9}{2:<14}{3:<14}{4:<14}{5:<14}{6:>9}{7:>10}"


def as_text(feature: AIFeature, plan: FlightPlan, source: str, notes: Sequence[str]) -> str:
    """The plan as lines, without a newline at the end."""
    lines = [f"{'/'.join(filter(None, feature.key))}: {_rate(plan.rps)} ({source})"]
    lines += [f"note: {note}" for note in _with_golden(feature, notes)]
    for step in plan.steps:
        lines += ["", *_step(step, len(plan.steps))]
    means = any(test.scale is not None for step in plan.steps for test in step.tests)
    legend = f"{LEGEND} {OF_MEANS}" if means else LEGEND
    lines += ["", *([legend, ""] if plan.steps else []), *_verdict(plan)]
    return "\n".join(piece for line in lines for piece in _wrapped(line))


def _with_golden(feature: AIFeature, notes: Sequence[str]) -> list[str]:
    """What a golden set can and cannot do, where there is one."""
    before = feature.spec.preflight
    gate = before is not None and before.golden_set is not None
    return [*notes, *([SMOKE_GATE] if gate else [])]


def _step(step: StepPlan, steps: int) -> Iterator[str]:
    cruise = "cruises" if step.level is None else "holds"
    yield (
        f"step {step.index + 1} of {steps}: {step.weight} %, {_rate(step.candidate_rps)} of the "
        f"candidate; {cruise} {about(step.least)}, deadline after {about(step.most)}"
    )
    if step.level is not None:
        yield f"  a healthy release climbs {_when(step)}; acceptance level {step.level:g}"
    yield COLUMNS.format(*HEADINGS)
    for test in step.tests:
        yield f"  {test.name}: {_premise(test)}"
        yield _row(test)


def _when(step: StepPlan) -> str:
    late = about(step.late) if step.late is not None else "its deadline"
    if step.likely is None or step.earliest is None:
        return f"in {step.reached:.0%} of flights only"
    return f"after {about(step.likely)} (earliest {about(step.earliest)}, 19 in 20 by {late})"


def _premise(test: TestPlan) -> str:
    """The bound, and what a healthy release is taken to be; of a mean in the unit of its score."""
    if test.scale is None:
        return f"{bound(test.bound)}, healthy at {percent(test.healthy)}"
    scale, deviation = test.scale, test.deviation or 0.0
    healthy, _ = numbers(scale.score(test.healthy), scale.score(0.0), scale.width)
    known = "by moments" if scale.bucketed else "without buckets, which would be faster"
    spread = f"sd {scale.width * deviation:.2g}"
    return f"{_bound_of_mean(test.bound, scale)}, healthy at {healthy} ({spread}), {known}"


def _bound_of_mean(found: Bound, scale: Scale) -> str:
    match found:
        case Max(limit) | Min(limit):
            badness = limit if isinstance(found, Max) else 1 - limit
            edge, _ = numbers(scale.score(badness), scale.score(0.0), scale.width)
            return f"{'min' if scale.lower_is_worse else 'max'} {edge}"
        case VsStable():
            allowed = tolerance(scale, found.factor, found.worse_by)
            rejected = tolerance(scale, found.reject_factor, found.reject_at)
            return f"vs stable{allowed or ' as it is'}, must rule out{rejected}"
        case _:
            assert_never(found)


def _row(test: TestPlan) -> str:
    accept = f"{rounded_up(test.requests):,}" if test.requests is not None else "-"
    smallest = percent(test.smallest) if test.smallest is not None else "none"
    if test.hard:
        smallest = "any"
    times = [_time(fault) for fault in test.faults]
    harm = [_bad(fault) for fault in test.faults if fault.name in HARM]
    return COLUMNS.format(accept, smallest, *times, *harm).rstrip()


def _time(fault: Fault) -> str:
    if fault.allowed:
        return "allowed" if fault.share else "-"
    if fault.median is None:
        return f"over {about(fault.horizon)}"
    late = about(fault.late) if fault.late is not None else f">{about(fault.horizon)}"
    return f"{about(fault.median)}/{late}".replace(" ", "")


def _bad(fault: Fault) -> str:
    if fault.allowed:
        return "-"
    more = ">" if fault.found < 0.5 else ""
    return f"{more}{rounded_up(round(fault.bad)):,}"


def _verdict(plan: FlightPlan) -> Iterator[str]:
    for warning in plan.warnings:
        yield f"warning: {warning}"
    if plan.refusals:
        yield "WILL NOT FLY"
        yield from (f"  {refusal}" for refusal in plan.refusals)
        return
    if plan.likely is not None and plan.earliest is not None:
        late = about(plan.late) if plan.late is not None else "its deadline"
        yield (
            f"flies: a healthy release is Live after {about(plan.likely)} "
            f"(earliest {about(plan.earliest)}, 19 in 20 by {late})"
        )


def bound(found: Bound) -> str:
    """`max 2%`, `vs stable + 2 points, ruled out + 4 points`."""
    match found:
        case Max(limit) | Min(limit):
            return f"{type(found).__name__.lower()} {percent(limit)}"
        case VsStable():
            allowed = _beyond(found.factor, found.worse_by)
            rejected = _beyond(found.reject_factor, found.reject_at)
            return f"vs stable{allowed or ' as it is'}, must rule out{rejected}"
        case _:
            assert_never(found)


def _beyond(factor: float, share: float) -> str:
    times = f" x {factor:g}" if factor != 1 else ""
    return times + (f" + {100 * share:g} points" if share else "")


def _rate(rps: float) -> str:
    return f"{rps:.3g} req/s"


def _wrapped(line: str) -> list[str]:
    """Cut at words, with a hanging indent; rows of the table are never that long."""
    if len(line) <= WIDTH:
        return [line]
    depth = len(line) - len(line.lstrip())
    indent = " " * (depth + 2 if depth else 0)
    cut = line.rfind(" ", len(indent), WIDTH)
    cut = cut if cut > 0 else WIDTH
    return [line[:cut], *_wrapped(indent + line[cut:].lstrip())]


def as_json(feature: AIFeature, plan: FlightPlan, source: str, notes: Sequence[str]) -> Json:
    """The same figures for programs; times in seconds, None where there is no such time."""
    return {
        "feature": feature.metadata.name,
        "namespace": feature.metadata.namespace,
        "flies": plan.flies,
        "requestsPerSecond": plan.rps,
        "source": source,
        "earliestSeconds": plan.earliest,
        "likelySeconds": plan.likely,
        "lateSeconds": plan.late,
        "refusals": list(plan.refusals),
        "warnings": list(plan.warnings),
        "notes": _with_golden(feature, notes),
        "steps": [_step_json(step) for step in plan.steps],
    }


def _step_json(step: StepPlan) -> Json:
    return {
        "step": step.index + 1,
        "weightPercent": step.weight,
        "candidatePerSecond": step.candidate_rps,
        "stablePerSecond": step.stable_rps,
        "leastSeconds": step.least,
        "deadlineSeconds": step.most,
        "acceptanceLevel": step.level,
        "healthyFlightsThatClimb": step.reached,
        "earliestSeconds": step.earliest,
        "likelySeconds": step.likely,
        "lateSeconds": step.late,
        "tests": [_test_json(test) for test in step.tests],
    }


def _test_json(test: TestPlan) -> Json:
    return {
        "name": test.name,
        "bound": bound(test.bound)
        if test.scale is None
        else _bound_of_mean(test.bound, test.scale),
        "healthyShare": test.healthy,
        "requestsToAccept": test.requests,
        "smallestShareFound": test.smallest,
        "faults": [
            {
                "name": fault.name,
                "share": fault.share,
                "allowed": fault.allowed,
                "found": fault.found,
                "medianSeconds": fault.median,
                "p95Seconds": fault.late,
                "badResponses": fault.bad,
            }
            for fault in test.faults
        ],
    }
