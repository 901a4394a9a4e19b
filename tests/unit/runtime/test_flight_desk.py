"""The desk around flights: catch-up, slow and dead providers, and what is seen after a way down."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

from goaround.api.base import Json
from goaround.api.kinds import AIFeature
from goaround.api.reasons import Stage
from goaround.api.status import Latch, LatchCause, Split
from goaround.rollout.observed import Judged
from goaround.runtime.desk import Desk
from goaround.runtime.metrics import Metrics
from goaround.runtime.queue import Key
from goaround.runtime.rounds import Reader
from goaround.world.prometheus import (
    Counts,
    FeatureKey,
    Provider,
    Read,
    Readings,
    Shape,
    Unreadable,
    UnreadableReason,
    WindowReading,
)
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import in_virtual_time
from tests.unit.runtime.flown import BEGAN, INTERVAL, LAG, a_feature, a_signal

ERRORS, SLOW = a_signal("errors", max="0.05"), a_signal("slow", max="0.05")
HEALTHY, BAD = Counts(100, 1), Counts(100, 40)
FOREVER = 10.0**9


class Provided:
    """A provider by selector: what the candidate does, for how long an answer takes, which fail."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, range]] = []
        self.candidate: dict[str, Counts] = {}
        self.seconds: dict[str, float] = {}
        self.fails: dict[str, Unreadable] = {}

    async def read(self, feature: FeatureKey, shape: Shape, ends: range) -> Read:
        name = shape.total.partition("_")[0]
        self.asked.append((name, ends))
        await asyncio.sleep(self.seconds.get(name, 0.1))
        if name in self.fails:
            return self.fails[name]
        arms = {"candidate": self.candidate.get(name, HEALTHY), "stable": Counts(900, 9)}
        return Readings(tuple(WindowReading(end, arms) for end in ends))


class At:
    """A desk and its clock."""

    def __init__(self, loop: VirtualTimeLoop, *providers: str) -> None:
        self.loop = loop
        self.news: list[Key] = []
        self.readers = {name: Provided() for name in providers or ("default",)}
        self.metrics = Metrics()
        quick = {n: Provider(name=n, url="http://nobody.test", lag_seconds=LAG, scrape_seconds=5)
                 for n in self.readers}  # fmt: skip
        readers: Mapping[str, Reader] = self.readers
        self.desk = Desk(
            readers, quick, news=self.news.append, metrics=self.metrics, wall=loop.wall
        )

    @property
    def reader(self) -> Provided:
        return self.readers["default"]

    def look(self, at: AIFeature) -> Judged:
        found = self.desk.judged(at, self.loop.wall())
        assert found is not None
        return found

    async def windows(self, number: float, *flying: AIFeature) -> None:
        """Look at them every quarter of a second for so many windows."""
        end = self.loop.wall() + timedelta(seconds=number * INTERVAL)
        while self.loop.wall() < end:
            for at in flying:
                self.desk.judged(at, self.loop.wall())
            await asyncio.sleep(0.25)

    def up(self, provider: str = "default") -> float | None:
        value: float | None = self.metrics.registry.get_sample_value(
            "goaround_provider_up", {"provider": provider}
        )
        return value


def named(feature: AIFeature, name: str, provider: str) -> AIFeature:
    meta = feature.metadata.model_copy(update={"name": name, "uid": f"uid-{name}"})
    acceptance = feature.spec.acceptance.model_copy(update={"provider": provider})
    spec = feature.spec.model_copy(update={"acceptance": acceptance})
    return feature.model_copy(update={"metadata": meta, "spec": spec})


def with_same_query() -> tuple[Json, Json]:
    return ERRORS, SLOW | {"ratio": ERRORS["ratio"]}


def test_after_a_fail_over_one_read_per_shape_catches_up_all_windows() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        third = a_signal("answered", min="0.5")
        flying = a_feature(*with_same_query(), third)
        first = At(loop)
        await first.windows(6.5, flying)
        kept = flying.status.but(evidence=list(first.look(flying).evidence))
        await asyncio.sleep(40 * INTERVAL)
        second = At(loop)
        resumed = flying.model_copy(update={"status": kept})
        await second.windows(0.5, resumed)
        asked = dict(second.reader.asked)
        assert len(second.reader.asked) == 2
        assert asked.keys() == {"errors", "answered"}
        assert {len(ends) for ends in asked.values()} == {41}
        through = second.look(resumed).through
        assert through is not None
        assert through > BEGAN + timedelta(seconds=45 * INTERVAL)

    in_virtual_time(test)


def test_a_long_catch_up_says_nothing_before_it_is_done() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        at, flying = At(loop), a_feature(ERRORS, SLOW)
        await asyncio.sleep(500 * INTERVAL + LAG)
        at.look(flying)
        said = set()
        while not at.news:
            judged = at.desk.judged(flying, loop.wall())
            said.add(judged.total if judged is not None else None)
            await asyncio.sleep(0)
        assert None in said
        assert said <= {0, None}
        assert at.look(flying).total == 500 * 100

    in_virtual_time(test)


def test_what_happened_in_a_long_catch_up_is_found_before_anything_climbs() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        at, flying = At(loop), a_feature(ERRORS, SLOW)
        at.reader.candidate["slow"] = BAD
        await asyncio.sleep(200 * INTERVAL)
        await at.windows(0.2, flying)
        judged = at.look(flying)
        assert judged.breach is not None
        assert judged.breach.proven_at == BEGAN + timedelta(seconds=INTERVAL + LAG)

    in_virtual_time(test)


def test_a_provider_that_never_answers_delays_no_other_feature() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        at = At(loop, "default", "dead")
        at.readers["dead"].seconds = {"errors": FOREVER, "slow": FOREVER}
        good = a_feature(ERRORS, SLOW)
        stuck = named(good, "stuck", "dead")
        await at.windows(6, stuck, good)
        through, none = at.look(good).through, at.look(stuck).through
        assert through == BEGAN + timedelta(seconds=5 * INTERVAL)
        assert none == BEGAN

    in_virtual_time(test)


def test_a_query_that_never_answers_delays_no_verdict_on_another_signal() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        at, flying = At(loop), a_feature(ERRORS, SLOW)
        at.reader.seconds["slow"] = FOREVER
        at.reader.candidate["errors"] = BAD
        await at.windows(2, flying)
        breach = at.look(flying).breach
        assert breach is not None
        assert breach.signal == "errors"
        assert breach.proven_at == BEGAN + timedelta(seconds=INTERVAL + LAG)

    in_virtual_time(test)


def test_a_query_that_is_always_late_is_read_in_step_with_nobody() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        at, flying = At(loop), a_feature(ERRORS, SLOW)
        at.reader.seconds["slow"] = 2.5 * INTERVAL
        await at.windows(20, flying)
        read = {n: [e for name, ends in at.reader.asked if name == n for e in ends]
                for n in ("errors", "slow")}  # fmt: skip
        for ends in read.values():
            assert ends == sorted(set(ends))
        assert len([n for n, _ in at.reader.asked if n == "errors"]) == 19
        assert len(read["slow"]) > 15

    in_virtual_time(test)


def test_signals_that_are_answered_together_are_news_once() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        at, flying = At(loop), a_feature(ERRORS, SLOW, a_signal("answered", min="0.5"))
        await at.windows(5.9, flying)
        assert len(at.news) == 5

    in_virtual_time(test)


def test_a_proven_breach_is_told_while_nothing_answers_any_more() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        at, flying = At(loop), a_feature(ERRORS, SLOW)
        at.reader.candidate["errors"] = BAD
        await at.windows(2, flying)
        at.reader.seconds = {"errors": FOREVER, "slow": FOREVER}
        breach = at.look(flying).breach
        await asyncio.sleep(100 * INTERVAL)
        assert breach is not None
        assert at.look(flying).breach == breach

    in_virtual_time(test)


def test_a_provider_is_down_when_it_does_not_answer_and_up_when_it_does() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        at, flying = At(loop), a_feature(ERRORS, SLOW)
        dead = Unreadable(UnreadableReason.REFUSED, "provider default: connection refused")
        at.reader.fails = {"errors": dead, "slow": dead}
        assert at.up() is None
        await at.windows(3, flying)
        assert at.up() == 0
        at.reader.fails.clear()
        await at.windows(3, flying)
        assert at.up() == 1

    in_virtual_time(test)


def test_one_feature_with_a_bad_query_is_no_alert_about_the_provider() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        at, flying = At(loop), a_feature(ERRORS, SLOW)
        for told in (
            Unreadable(UnreadableReason.DUPLICATE, "two series are equal in all but one label"),
            Unreadable(UnreadableReason.NOT_A_NUMBER, "a count is NaN"),
            Unreadable(UnreadableReason.HTTP_STATUS, "HTTP 422", status=422),
        ):
            at.reader.fails = {"errors": told, "slow": told}
            await at.windows(3, flying)
            assert at.up() == 1

    in_virtual_time(test)


def test_what_was_asked_for_one_flight_is_not_fed_to_the_next() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        at, flying = At(loop), a_feature(ERRORS, SLOW)
        at.reader.candidate["errors"] = BAD
        at.reader.seconds["errors"] = 3.0
        await at.windows(1.6, flying)
        candidate = flying.status.candidate
        assert candidate is not None
        again = flying.status.but(candidate=candidate.but(attempt=2))
        second = flying.model_copy(update={"status": again})
        at.reader.candidate.clear()
        at.look(second)
        await asyncio.sleep(5)
        assert at.look(second).breach is None

    in_virtual_time(test)


def fallen(at: datetime) -> AIFeature:
    """The candidate was rolled back at this moment; its last proven window ended just before."""
    flying = a_feature(ERRORS, SLOW)
    candidate = flying.status.candidate
    assert candidate is not None
    latch = Latch(
        cause=LatchCause.SIGNAL,
        at=at,
        digest=candidate.digest,
        attempt=1,
        signal="errors",
        message="errors 40% > max 5%",
        weight=10,
        stage=Stage.RAMPING,
        proven_at=at,
        exposed_requests=100,
        revision=1,
    )
    status = flying.status.but(
        stage=Stage.ROLLED_BACK, split=Split(stable=100), latches=[latch], step=None
    )
    return flying.model_copy(update={"status": status})


def test_silence_of_one_signal_is_no_containment_while_another_cannot_be_read() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        at, down = At(loop), fallen(BEGAN + timedelta(seconds=INTERVAL + LAG))
        at.reader.candidate = {"slow": Counts(0, 0), "errors": Counts(50, 0)}
        refused = Unreadable(UnreadableReason.TIMEOUT, "no complete answer within 2 s")
        at.reader.fails["errors"] = refused
        await asyncio.sleep(INTERVAL + LAG)
        await at.windows(4, down)
        assert at.look(down).traffic is None
        at.reader.fails.clear()
        await at.windows(3, down)
        traffic = at.look(down).traffic
        assert traffic is not None
        assert traffic.requests["candidate"] == 50

    in_virtual_time(test)


def test_what_still_reached_a_release_is_counted_once_per_window() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        at, down = At(loop), fallen(BEGAN + timedelta(seconds=INTERVAL + LAG))
        at.reader.candidate = {"slow": Counts(30, 0), "errors": Counts(50, 0)}
        at.reader.seconds["slow"] = 1.5
        await asyncio.sleep(INTERVAL + LAG)
        await at.windows(4.5, down)
        judged = at.look(down)
        assert judged.traffic is not None
        read = (judged.traffic.end - BEGAN).total_seconds() / INTERVAL - 1
        assert read >= 3
        assert judged.exposed == 100 + 50 * read

    in_virtual_time(test)
