"""Two operators, one lease: one acts; whatever befalls it, the other flies on, and nothing doubles.

The promise is a take-over within 20 s. Bounds on other times are orders: sooner than by expiry.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from goaround.api.kinds import INCIDENTS, KILL_SWITCHES, AIFeature
from goaround.api.reasons import Stage
from tests.cluster.lease_kit import Airfield, Write, airfield, held, told
from tests.cluster.operator_kit import stopped
from tests.cluster.operator_shop import Shop, a_feature, eventually, reasons

pytestmark = pytest.mark.cluster

CHAT = "chat"
BETTER, BAD = "v42", "v43-bad"
PROMISE_SECONDS = 20.0
EXPIRY_SECONDS = 15.0


@pytest.fixture(scope="module")
def place(cluster_tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airfield]:
    with airfield(Path(tmp_path_factory.mktemp("lease"))) as made:
        yield made


@pytest.fixture
def names(place: Airfield, request: pytest.FixtureRequest) -> tuple[str, str]:
    """Two operators that no other test knows."""
    which = request.node.name.removeprefix("test_")[:20]
    return f"{which}-a", f"{which}-b"


def flying(weight: int) -> Callable[[AIFeature], bool]:
    """Whether the candidate climbs and is at this weight."""

    def holds(feature: AIFeature) -> bool:
        status = feature.status
        return status.stage is Stage.RAMPING and status.split.candidate == weight

    return holds


def by(writes: list[Write]) -> set[str]:
    return {w.user for w in writes}


def after(writes: list[Write], at: datetime) -> list[Write]:
    return [w for w in writes if w.at > at]


def nothing_doubled(shop: Shop) -> None:
    """One event for each transition of the feature, and one incident for each latch."""
    eventually(lambda: untold(shop) == set(), "every transition has its event")
    posted = Counter((e["reason"], e["note"]) for e in shop.events(CHAT))
    assert set(posted.values()) == {1}, posted
    incidents = [i["metadata"]["name"] for i in shop.all(INCIDENTS)]
    latches = [latch.incident for latch in shop.feature(CHAT).status.latches if latch.incident]
    assert sorted(incidents) == sorted(latches)


def untold(shop: Shop) -> set[tuple[str, str]]:
    """Transitions without an event, which follows the status write."""
    told = {(e["reason"], e["note"]) for e in shop.events(CHAT)}
    return {(t.reason, t.message) for t in shop.feature(CHAT).status.history} - told


def test_only_the_owner_acts(place: Airfield, names: tuple[str, str]) -> None:
    shop = place.shop()
    with place.operator(names[0]) as first, place.operator(names[1]) as second:
        place.until_held_by(names[0], PROMISE_SECONDS)
        shop.apply(a_feature(CHAT))
        shop.until_live(CHAT)
        shop.ask_for(CHAT, BETTER)
        shop.until_live(CHAT, BETTER)
        assert by(place.writes(shop)) == {names[0]}
        assert (held(first), held(second)) == (1, 0)
        assert second.get("/readyz").status_code == 200
        nothing_doubled(shop)


def test_a_killed_owner_is_followed_and_the_flight_goes_on(
    place: Airfield, names: tuple[str, str]
) -> None:
    shop = place.shop()
    with place.operator(names[0]) as first, place.operator(names[1]) as second:
        place.until_held_by(names[0], PROMISE_SECONDS)
        shop.apply(a_feature(CHAT))
        shop.until_live(CHAT)
        shop.ask_for(CHAT, BETTER)
        shop.until(CHAT, flying(10), "10 %")
        first.child.kill()
        killed = datetime.now(UTC)
        place.until_held_by(names[1], PROMISE_SECONDS)
        shop.until_live(CHAT, BETTER)
        writes = place.writes(shop)
        took = (after(writes, killed)[0].at - killed).total_seconds()
        print(f"\nSIGKILL to the first write of the other: {took:.1f} s")
        assert took <= PROMISE_SECONDS
        assert by(after(writes, killed)) == {names[1]}
        started = [e["note"] for e in shop.events(CHAT) if e["reason"] == "StepStarted"]
        assert len(started) == len(set(started))
        nothing_doubled(shop)
        assert held(second) == 1


def test_an_owner_killed_in_the_middle_of_going_around_is_followed_with_one_incident(
    place: Airfield, names: tuple[str, str]
) -> None:
    shop = place.shop()
    with place.operator(names[0]) as first, place.operator(names[1]):
        place.until_held_by(names[0], PROMISE_SECONDS)
        shop.apply(a_feature(CHAT))
        shop.until_live(CHAT)
        shop.serve(CHAT, candidate_error=0.5)
        shop.ask_for(CHAT, BAD)
        shop.until(CHAT, lambda f: f.status.latches, "the latch")
        first.child.kill()  # between the latch and its consequences, or just after
        place.until_held_by(names[1], PROMISE_SECONDS)
        shop.until(
            CHAT,
            lambda f: f.status.latches and f.status.latches[0].incident_opened_at,
            "the incident",
        )
        eventually(lambda: reasons(shop.events(CHAT)).count("RolledBack") == 1, "the event")
        assert shop.feature(CHAT).status.split.candidate == 0
        nothing_doubled(shop)
        assert len(shop.all(INCIDENTS)) == 1


def test_the_same_identity_takes_its_lease_back_at_once(
    place: Airfield, names: tuple[str, str]
) -> None:
    shop = place.shop()
    with place.operator(names[1]) as other:
        place.until_held_by(names[1], PROMISE_SECONDS)
        with place.operator(names[0]) as standby:
            other.child.kill()
            with place.operator(names[1]) as again:
                eventually(lambda: held(again) == 1, "the lease is back", EXPIRY_SECONDS)
                shop.apply(a_feature(CHAT))
                shop.until_live(CHAT)
                assert told(standby, "lease taken") == []
                assert by(place.writes(shop)) == {names[1]}


def test_an_owner_that_was_stopped_does_no_harm_when_it_goes_on(
    place: Airfield, names: tuple[str, str]
) -> None:
    shop = place.shop()
    with place.operator(names[0]) as first, place.operator(names[1]):
        place.until_held_by(names[0], PROMISE_SECONDS)
        shop.apply(a_feature(CHAT))
        shop.until_live(CHAT)
        shop.ask_for(CHAT, BETTER)
        shop.until(CHAT, flying(10), "10 %")
        with stopped(first.child.pid):
            frozen = datetime.now(UTC)
            place.until_held_by(names[1], PROMISE_SECONDS)
            shop.create(KILL_SWITCHES, "stop", {"featureRef": {"name": CHAT}, "reason": "bad"})
            shop.until_stage(CHAT, Stage.KILLED)
            time.sleep(max(0.0, 22 - (datetime.now(UTC) - frozen).total_seconds()))
        going_on = datetime.now(UTC)
        weights = watched_weights(shop, seconds=8)
        assert weights == {0}
        writes = place.writes(shop)
        took_over = next(w.at for w in writes if w.user == names[1])
        assert by(after(writes, took_over)) == {names[1]}
        assert (took_over - frozen).total_seconds() <= PROMISE_SECONDS
        print(f"\nSIGSTOP to the first write of the other: {took_over - frozen}")
        assert first.get("/readyz").status_code == 200
        assert (held(first), place.holder()) == (0, names[1])
        assert any(at > going_on for at in told(first, "lease given up"))
        nothing_doubled(shop)
        shop.delete(KILL_SWITCHES, "stop")


def watched_weights(shop: Shop, *, seconds: float) -> set[int]:
    """Every weight of the candidate that is seen for so long."""
    seen, until = set(), time.monotonic() + seconds
    while time.monotonic() < until:
        seen.add(shop.feature(CHAT).status.split.candidate)
        time.sleep(0.05)
    return seen


def test_an_owner_that_ends_in_order_is_followed_sooner_than_by_expiry(
    place: Airfield, names: tuple[str, str]
) -> None:
    shop = place.shop()
    with place.operator(names[0]) as first, place.operator(names[1]):
        place.until_held_by(names[0], PROMISE_SECONDS)
        shop.apply(a_feature(CHAT))
        shop.until_live(CHAT)
        shop.ask_for(CHAT, BETTER)
        shop.until(CHAT, flying(10), "10 %")
        asked = datetime.now(UTC)
        first.child.terminate()
        place.until_held_by(names[1], EXPIRY_SECONDS / 2)
        print(f"\nSIGTERM to the lease of the other: {datetime.now(UTC) - asked}")
        assert first.child.wait(20) == 0
        shop.until_live(CHAT, BETTER)
        writes = place.writes(shop)
        began = next(w.at for w in writes if w.user == names[1])
        assert [w for w in after(writes, began) if w.user == names[0]] == []
        nothing_doubled(shop)
