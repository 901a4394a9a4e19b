"""Baselines of signals: read before the first step, kept with the release, and held against it."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from goaround.api.acceptance import OnBreach, VsBaseline
from goaround.api.digest import release_digest
from goaround.api.kinds import AIFeature
from goaround.api.reasons import Stage
from goaround.api.status import KnownRelease, Split
from goaround.evidence.signal_baseline import DAY, STALE_SECONDS, unpack
from goaround.rollout.observed import Baselined, Judged, Record
from goaround.world.prometheus import Counts, Read, Readings, Shape, WindowReading
from tests.crash.clock import VirtualTimeLoop
from tests.unit.api.builders import a_release
from tests.unit.runtime.bench import BEGIN, Answer, in_virtual_time
from tests.unit.runtime.desk_kit import LAG, Bench, a_flight
from tests.unit.runtime.test_desk import unreadable
from tests.unit.runtime.test_live_lookout import MINUTE, a_live_feature, kept, serving

BOUND = VsBaseline(worse_by_factor="2")
STABLE = "sha256:" + "5" * 64
HOUR = 3600


def with_bound(plain: AIFeature, bound: VsBaseline | None = BOUND, **changes: object) -> AIFeature:
    """Its first signal is held against a baseline, too; the second one's bound is wide."""
    first, second = plain.spec.acceptance.signals
    signals = [first.but(vs_baseline=bound, max="0.5", **changes), second.but(max="0.9")]
    acceptance = plain.spec.acceptance.but(signals=signals)
    return plain.model_copy(update={"spec": plain.spec.but(acceptance=acceptance)})


def slow(live: AIFeature) -> AIFeature:
    """The same, watched in windows of five minutes: days pass in a fifth of them."""
    watch = live.spec.watch.but(interval_seconds=300)
    return live.model_copy(update={"spec": live.spec.but(watch=watch)})


def flying(served: timedelta = timedelta(days=3)) -> AIFeature:
    """A candidate before its first step; another release is stable, for so long."""
    good = KnownRelease(digest=STABLE, release=a_release(), since=BEGIN - served)
    split = Split(stable=100)
    return with_bound(a_flight(stage=Stage.PREFLIGHT, step=None, last_known_good=good, split=split))


def a_record(digest: str, baseline: str | None) -> Record:
    return Record(name="r", digest=digest, release=a_release(), signal_baseline=baseline)


@dataclass
class Watched:
    """A desk that is looked at, and the records that a controller would have written."""

    bench: Bench
    records: dict[str, Record] = field(default_factory=dict)
    judged: Judged | None = None

    def look(self, at: AIFeature) -> Baselined:
        now = self.bench.loop.wall()
        found = self.bench.desk.baselined(at, tuple(self.records.values()), now)
        assert found is not None
        if found.text is not None:
            self.records[found.digest] = a_record(found.digest, found.text)
        self.judged = self.bench.desk.judged(at, now)
        return found

    async def after(self, at: AIFeature, seconds: float, every: float = 60) -> Baselined:
        end = self.bench.loop.wall() + timedelta(seconds=seconds)
        while self.bench.loop.wall() < end:
            self.look(at)
            await asyncio.sleep(every)
        return self.look(at)


def counted(share: float, total: float = 600) -> Answer:
    def answer(_: Shape, ends: range) -> Read:
        arms = {"stable": Counts(total, total * share)}
        return Readings(tuple(WindowReading(end, arms) for end in ends))

    return answer


def live_with(baseline: str | None, bound: VsBaseline = BOUND) -> tuple[AIFeature, Record]:
    at = with_bound(a_live_feature(), bound)
    return at, a_record(release_digest(at.spec.release), baseline)


async def a_baseline(loop: VirtualTimeLoop, share: float = 0.01) -> str:
    """As it was counted before a take-off."""
    watched = Watched(Bench(loop, counted(share)))
    watched.look(flying())
    await asyncio.sleep(1)
    return watched.look(flying()).text or ""


async def live(
    loop: VirtualTimeLoop, answer: Answer, bound: VsBaseline = BOUND
) -> tuple[Watched, AIFeature]:
    """What landed with a baseline of 1 %, before its first look."""
    at, record = live_with(await a_baseline(loop), bound)
    return Watched(Bench(loop, answer), {record.digest: record}), at


# -- taken before the first step -----------------------------------------------------------------


def test_a_flight_waits_for_what_stable_counted_on_the_day_before() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        watched, at = Watched(Bench(loop, counted(0.01))), flying()
        assert watched.look(at).pinning
        await asyncio.sleep(1)
        told = watched.look(at)
        assert not told.pinning
        (row,) = told.known
        assert (row.name, row.digest) == ("errors", STABLE)
        assert row.established_at - row.began_at > timedelta(hours=23)
        assert BEGIN - timedelta(seconds=300 + LAG) <= row.established_at <= BEGIN
        assert float(row.bad) / float(row.total) == 0.01
        assert unpack(told.text or "").keys() == {"errors"}

    in_virtual_time(test)


def test_what_is_recorded_is_not_read_again() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        watched, at = Watched(Bench(loop, counted(0.01))), flying()
        await watched.after(at, 5, every=1)
        other = Watched(Bench(loop, counted(0.01)), watched.records)
        told = await other.after(at, 5, every=1)
        assert (told.pinning, told.text, other.bench.reader.asked) == (False, None, [])
        assert len(told.known) == 1

    in_virtual_time(test)


def test_another_attempt_renews_it() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        watched, at = Watched(Bench(loop, counted(0.01))), flying()
        (before,) = (await watched.after(at, 5, every=1)).known
        await asyncio.sleep(HOUR)
        flown = at.status.candidate
        assert flown is not None
        later = flown.but(attempt=2, since=loop.wall())
        again = at.model_copy(update={"status": at.status.but(candidate=later)})
        assert watched.look(again).pinning
        (after,) = (await watched.after(again, 5, every=1)).known
        assert after.established_at - before.established_at >= timedelta(hours=1)

    in_virtual_time(test)


def test_a_provider_that_cannot_tell_the_past_keeps_no_flight_on_the_ground() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        watched, at = Watched(Bench(loop, unreadable)), flying()
        assert watched.look(at).pinning
        told = await watched.after(at, 10, every=1)
        assert (told.pinning, told.known, told.text) == (False, (), None)
        assert "no complete answer" in told.gaps["errors"]
        watched.bench.reader.answer = counted(0.01)
        assert len((await watched.after(at, 120, every=1)).known) == 1

    in_virtual_time(test)


def test_without_enough_requests_there_is_none_and_the_flight_goes_on() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        watched, at = Watched(Bench(loop, counted(0.0, total=0.1))), flying()
        told = await watched.after(at, 5, every=1)
        assert (told.pinning, told.known) == (False, ())
        assert told.gaps == {"errors": "it has no baseline yet"}
        assert len(watched.bench.reader.asked) == 1

    in_virtual_time(test)


def test_a_stable_release_of_minutes_is_counted_in_short_windows_of_its_own() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        watched, at = Watched(Bench(loop, counted(0.01))), flying(timedelta(minutes=10))
        (row,) = (await watched.after(at, 5, every=1)).known
        assert timedelta(minutes=8) <= row.established_at - row.began_at <= timedelta(minutes=10)
        assert row.began_at >= BEGIN - timedelta(minutes=10)

    in_virtual_time(test)


def test_a_feature_without_the_bound_is_asked_nothing() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, counted(0.01))
        assert bench.desk.baselined(a_live_feature(), (), loop.wall()) is None
        await asyncio.sleep(1)
        assert bench.reader.asked == []

    in_virtual_time(test)


# -- taken in Live -------------------------------------------------------------------------------


def test_what_nothing_served_before_is_counted_on_its_first_day() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        watched, at = Watched(Bench(loop, counted(0.01))), slow(with_bound(a_live_feature()))
        told = await watched.after(at, DAY, every=600)
        assert told.known == ()
        assert "it has no baseline yet; it is counted until 2026-11-22T09:" in told.gaps["errors"]
        told = await watched.after(at, 1200)
        (row,) = told.known
        assert (row.digest, row.established_at - row.began_at) == (
            release_digest(at.spec.release),
            timedelta(days=1),
        )
        assert row.began_at >= BEGIN

    in_virtual_time(test)


def test_its_own_first_day_is_not_held_against_itself() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        watched, at = Watched(Bench(loop, counted(0.01))), slow(with_bound(a_live_feature()))
        told = await watched.after(at, DAY + 1200, every=600)
        await watched.after(at, 15 * MINUTE)
        case = watched.bench.desk._case(at).lookout
        assert case is not None
        (one,) = case.alarms.values()
        assert one.last_t >= told.known[0].established_at.timestamp()
        assert all(s.step_began >= one.about.sample.ended for d in one.detectors for s in d.states)

    in_virtual_time(test)


def test_a_pinned_baseline_stays_until_a_person_removes_it() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        watched, at = await live(loop, counted(0.01))
        at = slow(at)
        before = await watched.after(at, DAY + HOUR, every=HOUR)
        assert (before.text, before.gaps) == (None, {})
        digest = release_digest(at.spec.release)
        watched.records[digest] = a_record(digest, None)
        assert watched.look(at).known == ()
        await asyncio.sleep(1)
        assert watched.look(at).known[0].established_at > before.known[0].established_at

    in_virtual_time(test)


def test_a_stale_baseline_is_told_and_never_acts() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bound = BOUND.but(on_breach=OnBreach.FALL_BACK)
        watched, at = await live(loop, counted(0.1), bound)
        at = slow(at)
        await asyncio.sleep(STALE_SECONDS + DAY)
        told = await watched.after(at, 60 * MINUTE)
        assert "is stale" in told.gaps["errors"]
        assert watched.judged is not None
        assert (watched.judged.breach, watched.judged.beyond) == (None, {})

    in_virtual_time(test)


def test_a_signal_that_is_measured_otherwise_gets_a_new_baseline() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        watched, at = await live(loop, counted(0.01))
        at = slow(at)
        await watched.after(at, DAY + HOUR, every=HOUR)
        delayed = with_bound(at, label_delay_seconds=60)
        assert "measured otherwise" in watched.look(delayed).gaps["errors"]
        await asyncio.sleep(1)
        assert watched.look(delayed).gaps == {}

    in_virtual_time(test)


# -- held against it -----------------------------------------------------------------------------


def test_worse_than_the_baseline_allows_is_told_and_is_no_breach() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        watched, at = await live(loop, serving(30, from_second=60 * MINUTE))
        await watched.after(at, 60 * MINUTE)
        assert watched.judged is not None
        assert watched.judged.beyond == {}
        await watched.after(at, 30 * MINUTE)
        assert watched.judged.breach is None
        found = watched.judged.beyond["errors"]
        assert found.line.startswith("errors.vs-baseline 5% ")
        assert BEGIN + timedelta(minutes=61) <= found.since <= BEGIN + timedelta(minutes=70)
        assert {s.name: s.verdict for s in watched.judged.signals}["errors"] == "Bad"
        (state,) = [e for e in watched.judged.evidence if "vs-baseline" in e.name]
        assert len(state.state) < 1280

    in_virtual_time(test)


def test_with_fall_back_it_is_proof_like_that_of_an_absolute_bound() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bound = BOUND.but(on_breach=OnBreach.FALL_BACK)
        watched, at = await live(loop, serving(30, from_second=60 * MINUTE), bound)
        await watched.after(at, 90 * MINUTE)
        assert watched.judged is not None
        breach = watched.judged.breach
        assert breach is not None
        assert (breach.signal, breach.line.endswith("-> breach")) == ("errors", True)
        assert breach.proven_at <= BEGIN + timedelta(minutes=70, seconds=LAG)
        assert breach.started_at is not None
        assert breach.started_at >= BEGIN + timedelta(minutes=59)
        assert watched.judged.exposed >= 600
        read = len(watched.bench.reader.asked)
        await watched.after(at, 10 * MINUTE)
        assert len(watched.bench.reader.asked) == read, "nothing is read after the proof"

    in_virtual_time(test)


def test_another_process_goes_on_with_the_episode() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        watched, at = await live(loop, serving(30, from_second=60 * MINUTE))
        told = await watched.after(at, 90 * MINUTE)
        assert watched.judged is not None
        since = watched.judged.beyond["errors"].since
        rows = [row.but(worse_since=since) for row in told.known]
        shown = kept(at, watched.judged)
        shown = shown.model_copy(update={"status": shown.status.but(baselines=rows)})
        other = Watched(Bench(loop, serving(0.6)), watched.records)
        other.look(shown)
        assert other.judged is not None
        assert other.judged.beyond["errors"].since == since
        await other.after(shown, 120 * MINUTE)
        assert other.judged.beyond == {}, "health ends it"

    in_virtual_time(test)


def test_a_new_comparison_leaves_the_evidence_of_absolute_bounds_alone() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        watched, at = await live(loop, counted(0.01))
        plain = with_bound(at, None)
        bench = watched.bench
        for _ in range(30):
            bench.look(plain)
            await asyncio.sleep(MINUTE)
        before = bench.desk._case(plain).lookout
        await watched.after(at, 5 * MINUTE)
        after = bench.desk._case(at).lookout
        assert before is after
        assert after is not None
        assert after.alarms.keys() == {"errors.vs-baseline"}
        assert after.pairs[0][1].arm.total > 30 * 600

    in_virtual_time(test)


def test_an_episode_that_had_no_room_in_status_stands_nevertheless() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        watched, at = await live(loop, serving(30, from_second=60 * MINUTE))
        told = await watched.after(at, 90 * MINUTE)
        assert watched.judged is not None
        since = watched.judged.beyond["errors"].since
        evidence = [e for e in watched.judged.evidence if "vs-baseline" not in e.name]
        rows = [row.but(worse_since=since) for row in told.known]
        status = at.status.but(evidence=evidence, baselines=rows)
        other = Watched(Bench(loop, serving(30)), watched.records)
        other.look(at.model_copy(update={"status": status}))
        assert other.judged is not None
        assert other.judged.beyond["errors"].since == since

    in_virtual_time(test)


def test_what_sends_back_is_proven_again_by_whoever_takes_over() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bound = BOUND.but(on_breach=OnBreach.FALL_BACK)
        watched, at = await live(loop, counted(0.01), bound)
        told = watched.look(at)
        rows = [row.but(worse_since=BEGIN) for row in told.known]
        status = at.status.but(baselines=rows)
        other = Watched(Bench(loop, counted(0.01)), watched.records)
        await other.after(at.model_copy(update={"status": status}), 30 * MINUTE)
        assert other.judged is not None
        assert (other.judged.breach, other.judged.beyond) == (None, {})

    in_virtual_time(test)
