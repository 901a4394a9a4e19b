"""The text of a flight plan, line by line."""

from dataclasses import replace

from goaround.api.kinds import AIFeature
from goaround.cli import plan_text
from goaround.evidence.model import Max, VsStable
from goaround.evidence.planned import Fault, FlightPlan, StepPlan, TestPlan
from goaround.evidence.scale import Scale
from tests.unit.cli.kit import a_flight

GOLDEN = """\
shop/chat: 12 req/s (given)
note: errors: fewer than 100 requests of stable in the last hour

step 1 of 2: 10 %, 1.2 req/s of the candidate; holds 10 min, deadline after 6.2 h
  a healthy release climbs after 10 min (earliest 10 min, 19 in 20 by 17 min); acceptance level 5
    requests  smallest 1.5x found    2x found      5x found      all found        2x bad   all bad
  errors: max 2%, healthy at 0.5%
    96        5.2%     allowed       17min/34min   over 6.2 h    20s/20s             140        24

requests: of the candidate until it is accepted. smallest: bad share that four of five flights find
before the step is left. found: median/p95 time to the proof of a fault that begins with the step,
in times the healthy share or total failure. bad: bad responses until then. Requests are taken to
fail independently.

flies: a healthy release is Live after 80 min (earliest 80 min, 19 in 20 by 87 min)"""


def a_fault(name: str, *, allowed: bool = False, **times: float | None) -> Fault:
    known: dict[str, float | None] = {"median": None, "late": None, **times}
    return Fault(
        name=name,
        share=0.1,
        allowed=allowed,
        found=0.0 if known["median"] is None else 1.0,
        median=known["median"],
        late=known["late"],
        bad=times.get("bad") or 0.0,
        horizon=22200,
    )


A_TEST = TestPlan(
    name="errors",
    bound=Max(0.02),
    hard=False,
    gate=True,
    healthy=0.005,
    per_second=1.2,
    requests=96,
    smallest=0.0521,
    stays=600,
    faults=(
        a_fault("1.5x", allowed=True),
        a_fault("2x", median=1020, late=2040, bad=139.2),
        a_fault("5x"),
        a_fault("all fail", median=20, late=20, bad=24),
    ),
)


def a_plan(*refusals: str) -> FlightPlan:
    step = StepPlan(
        index=0,
        weight=10,
        candidate_rps=1.2,
        stable_rps=10.8,
        least=600,
        most=22200,
        level=5.0,
        reached=1.0,
        earliest=600,
        likely=600,
        late=1010,
        tests=(A_TEST,),
    )
    return FlightPlan(12, (step,), 4800, 4800, 5210, refusals=refusals)


def feature() -> AIFeature:
    return a_flight()


def test_a_plan_that_flies_reads_so() -> None:
    note = "errors: fewer than 100 requests of stable in the last hour"
    text = plan_text.as_text(feature(), a_plan(), "given", [note])
    assert text == GOLDEN.replace("step 1 of 2", "step 1 of 1")


def test_a_plan_that_will_not_fly_says_so_last_and_in_full() -> None:
    reason = "slow: at 0.5 req/s this needs 31 h at 10 %; widen rejectAt or hold longer"
    lines = plan_text.as_text(feature(), a_plan(reason), "given", []).splitlines()
    assert lines[-2:] == ["WILL NOT FLY", f"  {reason}"]


def test_no_line_is_longer_than_a_hundred_columns() -> None:
    words = "why " * 80
    text = plan_text.as_text(feature(), a_plan(words), "given", [words])
    assert max(map(len, text.splitlines())) <= 100


def test_bounds_are_told_in_words() -> None:
    assert plan_text.bound(Max(0.02)) == "max 2%"
    told = plan_text.bound(VsStable(worse_by=0.02, reject_at=0.04))
    assert told == "vs stable + 2 points, must rule out + 4 points"
    factors = plan_text.bound(VsStable(factor=1.0, reject_factor=1.5))
    assert factors == "vs stable as it is, must rule out x 1.5"


def test_programs_get_the_same_figures() -> None:
    told = plan_text.as_json(feature(), a_plan(), "given", [])
    assert told["flies"] is True
    assert told["steps"][0]["tests"][0]["requestsToAccept"] == 96
    assert told["steps"][0]["tests"][0]["faults"][3]["medianSeconds"] == 20


def test_a_mean_is_planned_in_the_unit_of_its_score() -> None:
    judge = replace(
        A_TEST,
        name="judge",
        bound=Max(0.3),
        healthy=0.2,
        scale=Scale(1.0, 5.0, lower_is_worse=True, bucketed=True),
        deviation=0.1,
    )
    costs = replace(
        judge,
        bound=VsStable(reject_at=0.08, worse_by=0.04),
        scale=Scale(0.0, 10.0, lower_is_worse=False),
    )
    step = replace(a_plan().steps[0], tests=(judge, costs))
    text = plan_text.as_text(feature(), replace(a_plan(), steps=(step,)), "given", ())
    assert "  judge: min 3.8, healthy at 4.2 (sd 0.4), by moments\n" in text
    assert "vs stable + 0.4, must rule out + 0.8, healthy at 2 (sd 1), without buckets" in text
    assert "parts of the scale" in " ".join(text.split())
    told = plan_text.as_json(feature(), replace(a_plan(), steps=(step,)), "given", ())
    assert told["steps"][0]["tests"][0]["bound"] == "min 3.8"
