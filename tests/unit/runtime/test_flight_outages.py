"""What stable shares is nobody's fault: outages begin, spare the candidate, end, leave no trace.

The simulated figures: 20 flights each, both arms jump from 1 % to 20 % against a limit of 5 %.
"""

from collections import Counter

import numpy as np
import pytest

from goaround.api.base import Json
from goaround.evidence.judge import Verdict
from goaround.runtime.flight import DOUBT_SECONDS
from tests.unit.runtime.flown import BEGAN, INTERVAL, TWO_POINTS, Flown, a_signal

ERRORS, REFUSALS = a_signal("errors", max="0.05"), a_signal("refusals", max="0.05")
COMPARED = a_signal("errors", max="0.05", vsStable=TWO_POINTS)
TOXIC = a_signal("toxic", max="0")
FLIGHTS, BEFORE, LONGEST = 20, 10, 30


def an_outage(*signals: Json, weight: int = 10) -> Flown:
    """Both arms at 20 % after a healthy while; the outage is on."""
    flown = Flown(*(signals or (ERRORS, REFUSALS)), weight=weight).fly(10, 0.01, 0.01)
    flown.fly(5, 0.2, 0.2)
    assert flown.judged().outage is not None
    return flown


def test_a_fault_of_both_arms_is_an_outage_and_no_breach() -> None:
    judged = an_outage().fly(60, 0.2, 0.2).judged()
    assert judged.breach is None
    assert judged.outage is not None
    assert judged.outage.line == (
        "errors: stable itself is at 20.0% bad (n=900); no release is to blame"
    )


def test_an_outage_is_dated_by_the_window_that_showed_it() -> None:
    judged = an_outage().judged()
    assert judged.outage is not None
    assert (judged.outage.since - BEGAN).total_seconds() == 10 * INTERVAL


def test_an_outage_keeps_its_date_and_line_while_it_lasts() -> None:
    flown = an_outage()
    first = flown.judged().outage
    assert flown.fly(100, 0.3, 0.3).judged().outage == first


def test_an_outage_ends_when_stable_is_proven_healthy_again() -> None:
    flown = an_outage().fly(100, 0.2, 0.2)
    assert flown.fly(10, 0.01, 0.01).judged().outage is None


def test_an_outage_lasts_while_stable_is_at_its_bound() -> None:
    assert an_outage().fly(60, 0.05, 0.05).judged().outage is not None


def test_evidence_begins_anew_when_an_outage_ends() -> None:
    flown = an_outage()
    while flown.judged().outage is not None:
        flown.fly(1, 0.01, 0.01)
    assert flown.judged().total == 0
    assert not flown.judged().accepted
    flown.fly(20, 0.01, 0.01)
    assert flown.judged().accepted
    assert set(flown.verdicts().values()) == {Verdict.GOOD}


def test_a_candidate_that_stays_bad_when_the_outage_ends_goes_around() -> None:
    flown = an_outage().fly(20, 0.2, 0.01)
    breach = flown.judged().breach
    assert breach is not None
    assert breach.signal == "errors"


def test_worse_than_stable_on_top_of_an_outage_goes_around() -> None:
    flown = an_outage(COMPARED, REFUSALS)
    assert flown.judged().breach is None
    breach = flown.fly(20, 0.5, 0.2).judged().breach
    assert breach is not None
    assert breach.line.startswith("errors.vs-stable")


def test_an_outage_of_one_signal_spares_no_harm_in_another() -> None:
    flown = Flown(ERRORS, REFUSALS).fly(10, 0.01, 0.01)
    shared, alone = {"candidate": 0.2, "stable": 0.2}, {"candidate": 0.3, "stable": 0.01}
    healthy = {"candidate": 0.01, "stable": 0.01}
    for _ in range(5):
        flown.feed(flown.windows({"errors": shared, "refusals": healthy}))
    assert flown.judged().outage is not None
    for _ in range(5):
        flown.feed(flown.windows({"errors": shared, "refusals": alone}))
    breach = flown.judged().breach
    assert breach is not None
    assert breach.signal == "refusals"


def test_an_outage_stands_before_no_hard_guard() -> None:
    flown = Flown(ERRORS, TOXIC).fly(10, 0.0, 0.0)
    for _ in range(5):
        flown.feed(flown.windows({n: {"candidate": p, "stable": p} for n, p in
                                  (("errors", 0.2), ("toxic", 0.0))}))  # fmt: skip
    assert flown.judged().outage is not None
    flown.feed(flown.windows({"toxic": {"candidate": 0.01, "stable": 0.0}}))
    breach = flown.judged().breach
    assert breach is not None
    assert breach.signal == "toxic"


def test_an_outage_that_spreads_spares_what_it_reaches() -> None:
    flown = Flown(ERRORS, REFUSALS, weight=50).fly(10, 0.01, 0.01)
    for shares in ((0.2, 0.01), (0.2, 0.2)):
        for _ in range(10):
            arms = [dict.fromkeys(("candidate", "stable"), p) for p in shares]
            flown.feed(flown.windows(dict(zip(flown.names, arms, strict=True))))
    assert flown.judged().breach is None
    assert flown.flight.log.affected == {"errors", "refusals"}


def test_the_first_release_has_no_stable_arm_to_share_a_fault_with() -> None:
    flown = Flown(ERRORS, REFUSALS, beside=False).fly(10, 0.2, None)
    assert flown.judged().outage is None
    assert flown.judged().breach is not None


def test_a_signal_with_a_heavier_budget_does_not_blame_before_stable_is_heard() -> None:
    heavy = a_signal("errors", max="0.05", budgetWeight=100)
    others = [a_signal(f"other-{i}", max="0.05") for i in range(9)]
    flown = Flown(heavy, *others, weight=50, requests=100).fly(20, 0.01, 0.01)
    for _ in range(20):
        shares = {name: {"candidate": 0.01, "stable": 0.01} for name in flown.names}
        flown.feed(flown.windows(shares | {"errors": {"candidate": 0.2, "stable": 0.2}}))
    assert flown.judged().breach is None
    assert flown.judged().outage is not None


def a_doubt() -> Flown:
    """Harm is proven at 50 %, and the few requests of stable look the same."""
    flown = Flown(ERRORS, REFUSALS, weight=50, requests=100).fly(10, 0.01, 0.01)
    flown.requests["stable"] = 5.0
    while not flown.flight.doubted:
        assert flown.fly(1, 0.2, 0.2).judged().breach is None
    return flown


def test_blame_waits_while_stable_looks_the_same() -> None:
    flown = a_doubt()
    judged = flown.judged()
    assert (judged.breach, judged.outage) == (None, None)
    assert flown.verdicts()["errors"] == Verdict.BAD
    assert "nobody is blamed until the two can be told apart" in flown.line("errors")
    assert not judged.accepted


def test_blame_comes_as_soon_as_stable_looks_better() -> None:
    flown = a_doubt()
    flown.requests["stable"] = 50.0
    assert flown.fly(2, 0.2, 0.0).judged().breach is not None


def test_a_doubt_becomes_an_outage_when_stable_proves_it() -> None:
    flown = a_doubt()
    flown.requests["stable"] = 50.0
    judged = flown.fly(4, 0.2, 0.2).judged()
    assert judged.breach is None
    assert judged.outage is not None


def test_doubt_does_not_last() -> None:
    flown = a_doubt()
    flown.requests["stable"] = 0.2
    windows = 0
    while flown.judged().breach is None:
        flown.fly(1, 0.2, 0.2)
        windows += 1
    assert windows == DOUBT_SECONDS // INTERVAL


def test_doubt_survives_a_crash() -> None:
    flown = a_doubt()
    flown.requests["stable"] = 0.2
    flown.fly(6, 0.2, 0.2).crash()
    assert flown.judged().breach is None
    windows = 6
    while flown.judged().breach is None:
        flown.fly(1, 0.2, 0.2).crash()
        windows += 1
    assert windows == DOUBT_SECONDS // INTERVAL


def ends(weight: int, requests: int, after: dict[str, float]) -> Counter[str]:
    """How simulated flights ended: `breach`, `outage`, or `none` of them."""
    found: Counter[str] = Counter()
    for seed in range(FLIGHTS):
        dice = np.random.default_rng(seed)
        flown = Flown(ERRORS, REFUSALS, weight=weight, requests=requests)
        found[_end(flown.fly(BEFORE, 0.01, 0.01, dice), after, dice)] += 1
    print(f"{weight} %, {requests} requests a window, after {after}: {dict(found)}")
    return found


def _end(flown: Flown, after: dict[str, float], dice: np.random.Generator) -> str:
    flight = flown.flight
    for _ in range(LONGEST):
        shares = {n: {a: p if n == "errors" else 0.01 for a, p in after.items()}
                  for n in flown.names}  # fmt: skip
        flown.feed(flown.windows(shares, dice))
        if flight.main.proven_end is not None:
            return "breach"
        if flight.log.outage_since is not None:
            return "outage"
    return "none"


@pytest.mark.parametrize(("weight", "requests"), [(10, 100), (10, 1000), (50, 20), (50, 100)])
def test_a_shared_fault_is_rarely_blamed_on_the_candidate(weight: int, requests: int) -> None:
    found = ends(weight, requests, {"candidate": 0.2, "stable": 0.2})
    assert found["breach"] <= 0.05 * FLIGHTS
    assert found["outage"] >= 0.9 * FLIGHTS


@pytest.mark.parametrize(("weight", "requests"), [(10, 1000), (50, 100)])
def test_a_fault_of_the_candidate_alone_is_never_an_outage(weight: int, requests: int) -> None:
    found = ends(weight, requests, {"candidate": 0.2, "stable": 0.01})
    assert found == {"breach": FLIGHTS}


def test_harm_that_a_comparison_proves_in_the_last_window_of_an_outage_stands() -> None:
    flown = an_outage(COMPARED, REFUSALS, weight=50).fly(1, 0.9, 0.001)
    known = flown.judged()
    assert known.breach is not None
    assert known.breach.signal == "errors"
    assert flown.fly(3, 0.01, 0.01).judged().breach == known.breach
