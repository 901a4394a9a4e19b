"""What is live is watched for ever: harm sends it back to the good release before it, else to the
fallback, whichever process watches.

Seven features live at the same time on real parts; each test reads one chapter of one story. Two
of them get worse than their baselines, but stay within their absolute bounds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from goaround.api import names
from goaround.api.base import Json
from goaround.api.kinds import INCIDENTS, RECORDS, AIFeature
from goaround.api.reasons import Stage
from goaround.api.status import Latch, LatchCause, Split
from tests.cluster.operator_kit import Stack, free_ports, operator
from tests.cluster.operator_shop import (
    Shop,
    a_feature,
    acceptance,
    condition,
    digest,
    eventually,
)
from tests.cluster.operator_traffic import App

pytestmark = pytest.mark.cluster

FIRST, SECOND = "v41", "v42"
PROVEN, ALONE, GUARDED, UNBOUND, LEFT = "proven", "alone", "guarded", "unbound", "left-alone"
WORSE, BEHIND = "worse", "behind"
GROSS_ERRORS, A_FEW_ERRORS, MORE_ERRORS = 0.4, 0.01, 0.06
STABLE_SECONDS = 10.0
"""So long the release before serves, to be counted."""


@dataclass(frozen=True, slots=True)
class Story:
    """What was seen. live: before anything turned bad; fallen: after; back_at: when another
    operator took over."""

    shop: Shop
    live: Mapping[str, AIFeature]
    fallen: Mapping[str, AIFeature]
    back_at: datetime
    unheld: AIFeature
    metrics: str
    worse_later: AIFeature


@pytest.fixture(scope="module")
def story(stack: Stack) -> Story:
    shop = stack.shop()
    shop.apply(watched(PROVEN), watched(ALONE), guarded(), unbound(), watched(LEFT))
    shop.apply(compared(WORSE, "Alert"), compared(BEHIND, "FallBack"))
    for name in (WORSE, BEHIND):
        turns_bad(shop, name, FIRST, A_FEW_ERRORS)
    for name in (PROVEN, ALONE, GUARDED, UNBOUND, LEFT, WORSE, BEHIND):
        shop.until_live(name, FIRST)
    for name in (WORSE, BEHIND):
        unheld = shop.until(name, served_long_enough, "requests to count")
    for name in (PROVEN, GUARDED, WORSE, BEHIND):
        shop.ask_for(name, SECOND)
    for name in (PROVEN, GUARDED, WORSE, BEHIND):
        shop.until_live(name, SECOND)
    live = {
        name: until_watched(shop, name)
        for name in (PROVEN, ALONE, GUARDED, UNBOUND, LEFT, WORSE, BEHIND)
    }
    turns_bad(shop, PROVEN, SECOND, GROSS_ERRORS)
    turns_bad(shop, ALONE, FIRST, GROSS_ERRORS)
    turns_bad(shop, GUARDED, SECOND, A_FEW_ERRORS)
    for name in (WORSE, BEHIND):
        turns_bad(shop, name, SECOND, MORE_ERRORS)
    fallen = {name: until_contained(shop, name) for name in (PROVEN, ALONE, GUARDED, BEHIND)}
    fallen[WORSE] = shop.until(WORSE, is_worse, "worse than its baseline")
    metrics = stack.operator.get("/metrics").text
    assert stack.operator.end() == 0
    turns_bad(shop, LEFT, FIRST, GROSS_ERRORS)
    (port,) = free_ports("another operator in Live", 1)
    with operator(stack, port) as stack.operator:
        back_at = datetime.now(UTC)
        fallen[LEFT] = until_contained(shop, LEFT)
        return Story(shop, live, fallen, back_at, unheld, metrics, shop.feature(WORSE))


def watched(name: str) -> Json:
    """Looked at every second: the shortest window there is."""
    return a_feature(name, watch={"intervalSeconds": 1})


def guarded() -> Json:
    """Not one error is allowed."""
    plan = watched(GUARDED)
    ratio = acceptance()["signals"][0]["ratio"]
    none = {"count": {"events": ratio["bad"], "total": ratio["total"]}, "max": "0"}
    plan["spec"]["acceptance"]["signals"][0] = {"name": "errors", **none}
    return plan


def unbound() -> Json:
    """Only compared with stable, which nothing in Live can be."""
    plan = watched(UNBOUND)
    for signal in plan["spec"]["acceptance"]["signals"]:
        del signal["max"]
        signal["vsStable"] = {"worseBy": "0.01", "rejectAt": "0.03"}
    return plan


def compared(name: str, on_breach: str) -> Json:
    """Twice as many errors as before are allowed, besides the absolute bound of one in ten."""
    plan = watched(name)
    bound = {"worseByFactor": "2", "onBreach": on_breach}
    plan["spec"]["acceptance"]["signals"][0]["vsBaseline"] = bound
    return plan


def served_long_enough(feature: AIFeature) -> bool:
    good = feature.status.last_known_good
    return good is not None and (datetime.now(UTC) - good.since).total_seconds() > STABLE_SECONDS


def is_worse(feature: AIFeature) -> bool:
    return condition(feature, "Watched")[1] == "WorseThanBaseline"


def until_watched(shop: Shop, name: str) -> AIFeature:
    """Its watch has begun, and status says what it found first."""
    return shop.until(
        name,
        lambda f: condition(f, "Watched")[0] == "False" or f.status.evidence,
        "evidence of Live in status",
    )


def turns_bad(shop: Shop, name: str, version: str, errors: float) -> None:
    """One release does; what serves instead of it is healthy."""
    shop.traffic.serve(shop.namespace, name, App(ill={digest(version): errors}))


def until_contained(shop: Shop, name: str) -> AIFeature:
    return shop.until(
        name,
        lambda f: f.status.latches and f.status.latches[0].contained_at,
        "it came back, and users no longer feel it",
    )


def the_latch(story: Story, name: str) -> Latch:
    (latch,) = story.fallen[name].status.latches
    return latch


def test_a_live_release_is_watched_and_says_at_what_price(story: Story) -> None:
    status, reason, message = condition(story.live[PROVEN], "Watched")
    assert (status, reason) == ("True", "Watched")
    assert message.startswith("errors, refusals every 1 s by two overlapping 48 h detectors")
    assert message.endswith("at most 1 false alarm a year")


def test_without_an_absolute_bound_harm_in_live_would_not_be_seen_and_that_is_said(
    story: Story,
) -> None:
    assert condition(story.live[UNBOUND], "Watched")[:2] == ("False", "NoAbsoluteBound")
    assert condition(story.live[UNBOUND], "Ready")[0] == "True"


def test_a_live_release_that_turns_bad_gives_way_to_the_good_one_before_it(story: Story) -> None:
    status, latch = story.fallen[PROVEN].status, the_latch(story, PROVEN)
    assert (status.stage, status.split) == (Stage.ROLLED_BACK, Split(stable=100))
    assert status.last_known_good is not None
    assert status.last_known_good.digest == digest(FIRST)
    assert (latch.cause, latch.signal, latch.digest) == (
        LatchCause.SIGNAL,
        "errors",
        digest(SECOND),
    )
    assert latch.message.endswith("-> breach")


def test_what_turned_bad_is_quarantined_and_what_serves_instead_is_not(story: Story) -> None:
    marks = {
        version: names.QUARANTINED in records_of(story.shop, PROVEN)[digest(version)]
        for version in (FIRST, SECOND)
    }
    assert marks == {FIRST: False, SECOND: True}


def records_of(shop: Shop, name: str) -> Mapping[str, Json]:
    """Annotations of the release records of one feature, by digest."""
    return {
        r["data"]["digest"]: r["metadata"].get("annotations", {})
        for r in shop.all(RECORDS)
        if r["metadata"]["labels"][names.FEATURE_LABEL] == name and "digest" in r["data"]
    }


def test_harm_to_everybody_is_an_incident_of_severity_2(story: Story) -> None:
    incident = the_latch(story, PROVEN).incident or "none"
    eventually(lambda: story.shop.get(INCIDENTS, incident), f"incident {incident}")
    body = story.shop.get(INCIDENTS, incident)
    assert body is not None
    assert body["spec"]["severity"] == "P2"


def test_it_is_contained_once_what_serves_instead_is_proven_to_be_within_its_bounds(
    story: Story,
) -> None:
    told = story.shop.told(PROVEN, last="Contained")
    assert told[-3:] == ["Promoted", "RolledBack", "Contained"]
    history = story.fallen[PROVEN].status.history
    assert "within every absolute bound" in history[-1].message


def test_without_a_good_release_before_it_the_fallback_serves(story: Story) -> None:
    status = story.fallen[ALONE].status
    assert (status.split, status.live) == (Split(fallback=100), "fallback")
    assert "no request reached it" in status.history[-1].message


def test_the_first_bad_event_under_a_hard_guard_sends_a_live_release_back(story: Story) -> None:
    latch, status = the_latch(story, GUARDED), story.fallen[GUARDED].status
    assert (latch.signal, latch.digest) == ("errors", digest(SECOND))
    assert status.split == Split(stable=100)


def test_errors_of_what_was_sent_back_are_not_booked_to_what_serves_instead(story: Story) -> None:
    for name in (PROVEN, GUARDED):
        now = story.shop.feature(name).status
        assert len(now.latches) == 1
        assert now.last_known_good is not None
        assert now.last_known_good.digest == digest(FIRST)


def test_another_process_goes_on_with_the_watch_and_finds_what_began_while_none_looked(
    story: Story,
) -> None:
    latch = the_latch(story, LEFT)
    assert latch.started_at is not None
    assert latch.started_at < story.back_at
    assert story.fallen[LEFT].status.split == Split(fallback=100)
    (told,) = [s for s in story.live[LEFT].status.signals if s.name == "errors"]
    (seen,) = [s for s in latch.signals if s.name == "errors"]
    assert float(seen.total or 0) > float(told.total or 0) > 0


# -- against the baseline ------------------------------------------------------------------------


def test_what_nothing_served_before_says_that_it_has_no_baseline_yet(story: Story) -> None:
    status, _, message = condition(story.unheld, "Watched")
    assert status == "True"
    assert "vsBaseline of errors is not watched: it has no baseline yet" in message
    assert story.unheld.status.baselines == []


def test_a_baseline_is_counted_before_the_first_step_and_kept_with_the_release(
    story: Story,
) -> None:
    for name in (WORSE, BEHIND):
        (row,) = story.live[name].status.baselines
        assert (row.name, row.digest) == ("errors", digest(FIRST))
        assert float(row.total) > 1000
        assert 0.005 < float(row.bad) / float(row.total) < 0.02
        assert names.SIGNAL_BASELINE in records_of(story.shop, name)[digest(SECOND)]


def test_worse_than_the_baseline_allows_is_told_once_and_moves_nobody(story: Story) -> None:
    for seen in (story.fallen[WORSE], story.worse_later):
        assert (seen.status.stage, seen.status.split) == (Stage.LIVE, Split(stable=100))
        assert seen.status.latches == []
        status, reason, message = condition(seen, "Watched")
        assert (status, reason) == ("True", "WorseThanBaseline")
        assert "errors.vs-baseline" in message
        assert "> baseline 1% x 2, at most" in message
    told = [e["reason"] for e in story.shop.events(WORSE)]
    assert told.count("WorseThanBaseline") == 1
    assert "RolledBack" not in told


def test_another_process_goes_on_with_the_episode(story: Story) -> None:
    (before,), (after,) = story.fallen[WORSE].status.baselines, story.worse_later.status.baselines
    assert before.worse_since == after.worse_since is not None


def test_a_metric_says_which_signal_is_worse(story: Story) -> None:
    (line,) = [
        line
        for line in story.metrics.splitlines()
        if line.startswith("goaround_signal_worse_than_baseline{") and f'"{WORSE}"' in line
    ]
    assert line.endswith(" 1.0")
    assert 'signal="errors"' in line


def test_with_fall_back_the_good_release_before_it_serves_instead(story: Story) -> None:
    status, latch = story.fallen[BEHIND].status, the_latch(story, BEHIND)
    assert (status.stage, status.split) == (Stage.ROLLED_BACK, Split(stable=100))
    assert status.last_known_good is not None
    assert status.last_known_good.digest == digest(FIRST)
    assert (latch.cause, latch.signal) == (LatchCause.SIGNAL, "errors")
    assert latch.message.startswith("errors.vs-baseline")
    assert latch.message.endswith("-> breach")
