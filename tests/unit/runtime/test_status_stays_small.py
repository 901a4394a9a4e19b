"""However large the spec, status stays small: after flights, falls and a watch, at every write.

Lines and states are those of the real engine, for twenty signals with two bounds each and buckets
of users; the pure core carries them through four flights that go around.
"""

import json
from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest

from goaround.api.base import Json
from goaround.api.changes import LONGEST_LINE as LONGEST_LINE_TOLD
from goaround.api.changes import MOST_TOLD, ChangesStatus
from goaround.api.feature import AIFeatureSpec, Release
from goaround.api.reasons import Stage
from goaround.api.status import SignalStatus
from goaround.rollout.moves import gravest
from goaround.rollout.observed import Breakers, Changes, Judged, Opened
from goaround.rollout.seen import effect_seen
from tests.largest import largest_spec
from tests.unit.rollout.world import World, bad, good, live_good, quiet, undecided
from tests.unit.runtime.flown import TWO_POINTS, Flown, a_signal
from tests.unit.runtime.test_evidence_has_room import feed

KIB = 1024
HOUR = 3600
LONGEST_LINE = 512
ORDINARY = tuple(f"schema-errors-{i:02}" for i in range(20))
LONGEST = tuple(f"signal-{i:02}-{'x' * 53}" for i in range(20))


@cache
def read(names: tuple[str, ...]) -> Judged:
    """What the engine says of these signals, once users were many and unequal."""
    flown = Flown(*[a_signal(n, max="0.05", vsStable=TWO_POINTS) for n in names])
    feed(flown, 5, 10_000)
    return flown.judged()


def a_plan(names: tuple[str, ...]) -> AIFeatureSpec:
    """The largest legal spec, with these names; nobody is asked, so that it flies by itself."""
    spec: Json = largest_spec("AIFeature")
    del spec["preflight"], spec["drift"], spec["rollbackTo"], spec["contract"]
    spec["release"]["prompt"] = NAMED
    spec |= {"riskTier": "Limited", "signOff": {}, "killSwitch": {"engaged": False}}
    spec |= {"mode": "Enforce", "firstRelease": "Adopt"}
    spec["ramp"]["cruiseSeconds"] = 60
    for name, signal in zip(names, spec["acceptance"]["signals"], strict=True):
        signal["name"] = name
    return AIFeatureSpec.model_validate(spec)


class Life:
    """One feature; the largest status that was ever written is remembered."""

    def __init__(self, names: tuple[str, ...], release: Json) -> None:
        self.names, self.release, self.largest = names, release, 0
        self.world = World(spec=a_plan(names).but(release=self.version(0)))
        said = ChangesStatus(
            last_day=99, last="x" * LONGEST_LINE_TOLD, ledger=f"{'f' * 50}-changes"
        )
        self.world.changes = Changes(said, ("x" * MOST_TOLD,) * 16)
        arms = dict.fromkeys(("stable", "candidate"), Opened(0, 99))
        self.world.breakers = Breakers(arms, self.world.now)
        self.wait(1, "undecided").wait(HOUR, "good")

    def version(self, number: int) -> Release:
        model = self.release["model"] | {"version": f"v{number}"}
        return Release.model_validate(self.release | {"model": model})

    def wait(self, seconds: float, what: str) -> "Life":
        told = read(self.names)
        kinds = {"undecided": undecided, "good": good, "watched": live_good, "quiet": quiet}

        def evidence(world: World) -> Judged | None:
            found = bad(world, self.names[0]) if what == "bad" else kinds[what](world)
            if found is None or what == "quiet":
                return found
            return replace(found, signals=told.signals, evidence=told.evidence)

        self.world.wait(seconds, evidence)
        self.largest = max(self.largest, len(self.text))
        return self

    @property
    def text(self) -> str:
        return json.dumps(self.world.status.wire(), separators=(",", ":"), ensure_ascii=False)

    def goes_around(self, number: int) -> None:
        """Another release flies, does harm, is contained; what serves instead is watched."""
        self.world.spec = self.world.spec.but(release=self.version(number))
        self.world.generation += 1
        self.wait(1, "undecided").wait(60, "undecided").wait(10, "bad")
        assert self.world.stage is Stage.ROLLED_BACK
        self.wait(60, "quiet").wait(2 * HOUR, "watched").wait(60, "watched")


@cache
def lived(names: tuple[str, ...]) -> Life:
    """Five releases have come and gone around."""
    life = Life(names, USUAL if names == ORDINARY else FULL)
    for number in range(1, 6):
        life.goes_around(number)
    return life


USUAL: Json = {
    "model": {"name": "card-fraud-gbm", "version": "v"},
    "prompt": {"name": "support", "version": "v42"},
    "index": {"name": "faq", "version": "2026-11-20"},
    "parameters": {"temperature": "0.2", "maxTokens": "800", "tools": "search,orders"},
}
NAMED: Json = {"name": "p" * 128, "version": "v" * 128}
FULL: Json = largest_spec("AIFeature")["release"] | {"prompt": NAMED}


@pytest.mark.parametrize(
    ("names", "most"),
    [(ORDINARY, 32), (LONGEST, 48)],
    ids=["ordinary names", "every name as long as it may be"],
)
def test_status_stays_small_with_the_largest_legal_spec(names: tuple[str, ...], most: int) -> None:
    life = lived(names)
    status = life.world.status
    assert len(status.latches) == 4
    assert (len(status.signals), len(status.history)) == (20, 10)
    print(f"largest {life.largest:,} B")
    assert life.largest < most * KIB


def test_every_line_can_be_read() -> None:
    status = lived(LONGEST).world.status
    lines = [status.summary or "", *(s.message for s in status.signals)]
    lines += [latch.message for latch in status.latches]
    lines += [told.message for told in status.history]
    assert max(map(len, lines)) <= LONGEST_LINE


def test_an_old_latch_says_why_and_leaves_the_rest_to_its_incident() -> None:
    newest, *older = lived(ORDINARY).world.status.latches
    assert not newest.is_shortened
    assert newest.back_to is not None
    for latch in older:
        assert (latch.signals, latch.release, latch.back_to) == ([], None, None)
        assert latch.message
        assert latch.digest is not None


def test_an_old_latch_stays_whole_until_its_incident_is_open() -> None:
    world = lived(ORDINARY).world
    newest = world.status.latches[0]
    long_ago = newest.at - timedelta(days=2)
    alone = newest.but(at=long_ago, incident="x", incident_opened_at=None, contained_at=long_ago)
    status = world.status.but(latches=[newest, alone])
    unopened = replace(world.observed(), incidents=frozenset())
    assert effect_seen(unopened, status, world.now).latches[1] == alone
    opened = replace(unopened, incidents=frozenset({"x"}))
    assert effect_seen(opened, status, world.now).latches[1].is_shortened


def test_an_old_latch_stays_whole_for_an_hour_after_its_incident_could_hear_of_its_end() -> None:
    world = lived(ORDINARY).world
    newest, late = world.status.latches[0], world.now - timedelta(minutes=1)
    old = newest.but(at=newest.at - timedelta(days=2), contained_at=late)
    status = world.status.but(latches=[newest, old])
    assert effect_seen(world.observed(), status, world.now).latches[1] == old
    in_an_hour = effect_seen(world.observed(), status, world.now + timedelta(days=1, hours=1))
    assert in_an_hour.latches[1].is_shortened


def test_an_old_latch_stays_whole_for_a_day_where_its_segment_is_still_to_be_written() -> None:
    world = lived(ORDINARY).world
    newest, *_ = world.status.latches
    ended = world.now - timedelta(hours=2)
    old = newest.but(at=ended - timedelta(minutes=1), contained_at=ended)
    status = world.status.but(latches=[newest, old])
    assert effect_seen(world.observed(), status, world.now).latches[1] == old
    a_day_later = effect_seen(world.observed(), status, world.now + timedelta(days=1))
    assert a_day_later.latches[1].is_shortened


def test_of_many_signals_a_latch_keeps_those_that_speak_against_the_release() -> None:
    told = [
        SignalStatus(name=f"s{n}", verdict=verdict, message="")
        for n, verdict in enumerate(["Good", "Undecided", "Good", "Bad", "Unknown", "Good", "Good"])
    ]
    assert [s.name for s in gravest(told)] == ["s0", "s1", "s2", "s3", "s4"]
    assert gravest(told[:3]) == told[:3]
