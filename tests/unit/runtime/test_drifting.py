"""The drift watch beside the passes: what it reads, when, and what it remembers through a crash."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from goaround.api.base import Json
from goaround.api.drift import Drift, DriftInput, DriftReference
from goaround.api.kinds import CONFIG_MAPS, AIFeature
from goaround.api.reasons import Reason, Stage
from goaround.api.status import KnownRelease, Split
from goaround.evidence.baseline import unpack
from goaround.evidence.drift import Sample
from goaround.evidence.samples import Mix
from goaround.rollout.observed import Drifted, Record
from goaround.runtime.drifting import DriftDesk
from goaround.runtime.queue import Key
from goaround.runtime.rules import problems
from goaround.world.prom_drift import Parts
from goaround.world.prometheus import FeatureKey, Unreadable, UnreadableReason
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import BEGIN, PROVIDER, MemoryApi, in_virtual_time
from tests.unit.runtime.desk_kit import a_flight

PART, LAG = 150, PROVIDER.lag_seconds
GOOD = "sha256:" + "ab" * 32
DEAD = Unreadable(UnreadableReason.REFUSED, "provider default: no connection")
ENGLISH, MIXED = Mix({"en": 90, "de": 10}), Mix({"en": 30, "de": 70})
LANGUAGE: Json = {
    "name": "language",
    "category": {"counter": "language_total{$match}", "label": "language"},
    "action": "Hold",
}

Answer = Callable[[DriftInput, range, Sequence[str]], Parts | Unreadable]


def everywhere(**arms: Sample) -> Answer:
    """The same sample of each arm in every part."""
    return lambda _, ends, variants: {
        arm: dict.fromkeys(ends, sample) for arm, sample in arms.items() if arm in variants
    }


class Scripted:
    """A drift reader that answers by script; `asked` has the ends and arms of every read."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[tuple[range, tuple[str, ...]]] = []
        self.seconds = 0.1

    async def drift(
        self, feature: FeatureKey, watched: DriftInput, ends: range, variants: Sequence[str]
    ) -> Parts | Unreadable:
        self.asked.append((ends, tuple(variants)))
        await asyncio.sleep(self.seconds)
        return self.answer(watched, ends, variants)


class Bench:
    """A drift desk with one scripted reader, and what release records hold."""

    def __init__(self, loop: VirtualTimeLoop, answer: Answer) -> None:
        self.loop, self.reader, self.api = loop, Scripted(answer), MemoryApi()
        self.news: list[Key] = []
        self.records: list[Record] = []
        self.restart()

    def restart(self) -> None:
        """All that was in memory is gone."""
        self.desk = DriftDesk(
            {"default": self.reader},
            {"default": PROVIDER},
            self.api,
            news=self.news.append,
            wall=self.loop.wall,
        )

    def look(self, at: AIFeature) -> Drifted:
        found = self.desk.drifted(at, self.records, self.loop.wall())
        assert found is not None
        return found

    async def wait(self, at: AIFeature, seconds: float) -> Drifted:
        """Look whenever it asks for it, or has news, for so long."""
        end = self.loop.wall() + timedelta(seconds=seconds)
        while self.loop.wall() < end:
            heard, wake = len(self.news), min(end, self.look(at).next_at or end)
            while self.loop.wall() < wake and len(self.news) == heard:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return self.look(at)

    def keep(self, at: AIFeature, found: Drifted) -> None:
        """The baseline is written on the record of the release."""
        release = at.spec.release
        self.records = [Record("r", found.digest, release, baseline=found.baseline)]


def flying(since: float = 0.0, watch: Json | None = None, **changes: object) -> AIFeature:
    """A candidate at 10 % beside last-known-good, whose step began `since` seconds ago."""
    plain = a_flight()
    at = BEGIN - timedelta(seconds=since)
    flown, step = plain.status.candidate, plain.status.step
    assert flown is not None
    assert step is not None
    good = KnownRelease(digest=GOOD, release=plain.spec.release, since=at - timedelta(days=9))
    status = plain.status.but(
        split=Split(stable=90, candidate=10),
        last_known_good=good,
        candidate=flown.but(since=at),
        step=step.but(since=at),
    )
    spec = plain.spec.but(drift=Drift.model_validate(watch or {"inputs": [LANGUAGE]}))
    return plain.model_copy(update={"spec": spec, "status": status.but(**changes)})


def pinned(**more: object) -> Json:
    return {"inputs": [LANGUAGE | {"reference": "Baseline"} | more]}


def test_a_window_is_looked_at_when_a_part_of_it_is_all_under_this_split() -> None:
    async def story(loop: VirtualTimeLoop) -> None:
        bench, at = Bench(loop, everywhere(stable=ENGLISH, candidate=MIXED)), flying()
        assert (await bench.wait(at, PART + LAG - 1)).status is None
        assert bench.reader.asked == []
        found = await bench.wait(at, 2)
        ((ends, arms),) = bench.reader.asked
        assert ends[-1] == BEGIN.timestamp() + PART
        assert arms == ("stable", "candidate")
        assert found.status is not None
        assert found.status.verdict == "Hold"

    in_virtual_time(story)


def test_a_look_awaits_nothing_and_tells_when_it_knows() -> None:
    async def story(loop: VirtualTimeLoop) -> None:
        bench, at = Bench(loop, everywhere(stable=ENGLISH, candidate=MIXED)), flying(3600)
        bench.reader.seconds = 4.0
        assert bench.look(at).status is None
        assert bench.look(at).status is None
        assert bench.news == []
        await asyncio.sleep(4.1)
        assert len(bench.news) == len(bench.reader.asked) == 1
        assert bench.look(at).status is not None

    in_virtual_time(story)


def test_a_window_is_compared_once() -> None:
    async def story(loop: VirtualTimeLoop) -> None:
        bench, at = Bench(loop, everywhere(stable=ENGLISH, candidate=ENGLISH)), flying(3600)
        await bench.wait(at, PART)
        seen = [ends[-1] for ends, _ in bench.reader.asked]
        assert seen == sorted(set(seen))
        assert len(seen) == 2

    in_virtual_time(story)


def test_what_status_knows_is_not_read_again_after_a_crash() -> None:
    async def story(loop: VirtualTimeLoop) -> None:
        bench, at = Bench(loop, everywhere(stable=ENGLISH, candidate=MIXED)), flying(3600)
        found = await bench.wait(at, 1)
        bench.restart()
        bench.reader.asked.clear()
        again = bench.look(flying(3600, drift=found.status))
        assert again.status == found.status
        assert bench.reader.asked == []

    in_virtual_time(story)


def test_a_baseline_is_what_stable_got_before_the_take_off() -> None:
    async def story(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, everywhere(stable=ENGLISH))
        at = flying(watch=pinned(), stage=Stage.PREFLIGHT, step=None)
        assert bench.look(at).pinning
        found = await bench.wait(at, 1)
        ((ends, arms),) = bench.reader.asked
        assert ends[-1] <= BEGIN.timestamp() - LAG
        assert (len(ends), arms) == (24, ("stable",))
        assert not found.pinning
        assert found.baseline is not None
        kept = unpack(found.baseline)
        assert (kept.inputs["language"], kept.digest) == (Mix({"en": 2160, "de": 240}), GOOD)

    in_virtual_time(story)


def test_a_baseline_that_was_not_written_down_is_the_same_after_a_crash() -> None:
    async def story(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, everywhere(stable=ENGLISH))
        at = flying(watch=pinned(), stage=Stage.PREFLIGHT, step=None)
        found = await bench.wait(at, 1)
        bench.restart()
        assert (await bench.wait(at, 300)).baseline == found.baseline

    in_virtual_time(story)


def test_a_baseline_on_the_record_is_read_back_and_not_asked_for_again() -> None:
    async def story(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, everywhere(stable=ENGLISH, candidate=MIXED))
        at = flying(3600, watch=pinned())
        bench.keep(at, await bench.wait(at, 1))
        bench.restart()
        bench.reader.asked.clear()
        again = await bench.wait(at, 1)
        assert [arms for _, arms in bench.reader.asked] == [("stable", "candidate")]
        assert (again.pinning, again.baseline) == (False, None)
        assert again.status is not None
        assert again.status.verdict == "Hold"
        assert "vs the baseline" in again.status.inputs[0].message

    in_virtual_time(story)


def test_a_damaged_record_gets_a_new_baseline() -> None:
    async def story(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, everywhere(stable=ENGLISH))
        at = flying(3600, watch=pinned())
        bench.keep(at, replace(await bench.wait(at, 1), baseline="half of"))
        bench.restart()
        found = await bench.wait(at, 1)
        assert found.baseline is not None
        assert "language" in unpack(found.baseline).inputs

    in_virtual_time(story)


def test_too_few_requests_before_the_take_off_give_no_baseline_and_delay_nobody() -> None:
    async def story(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, everywhere(stable=Mix({"en": 3})))
        at = flying(watch=pinned(), stage=Stage.PREFLIGHT, step=None)
        found = await bench.wait(at, 1)
        assert (found.pinning, found.baseline, found.blind) == (False, None, {})

    in_virtual_time(story)


def test_a_dead_provider_is_told_after_a_while_and_asked_ever_more_rarely() -> None:
    async def story(loop: VirtualTimeLoop) -> None:
        bench, at = Bench(loop, lambda *_: DEAD), flying(3600)
        assert (await bench.wait(at, 5)).blind == {}
        found = await bench.wait(at, 10)
        assert found.blind == {"language": DEAD.message}
        assert found.status is None
        await bench.wait(at, 600)
        assert 10 <= len(bench.reader.asked) <= 20

    in_virtual_time(story)


def test_a_provider_that_died_after_a_look_leaves_what_was_known_as_unknown() -> None:
    async def story(loop: VirtualTimeLoop) -> None:
        bench, at = Bench(loop, everywhere(stable=ENGLISH, candidate=MIXED)), flying(3600)
        before = (await bench.wait(at, 1)).status
        bench.reader.answer = lambda *_: DEAD
        found = await bench.wait(at, PART + LAG + 20)
        assert found.status is not None
        assert before is not None
        assert (found.status.verdict, found.blind) == ("Unknown", {})
        (row,) = found.status.inputs
        assert row.message == f"language: {DEAD.message}: unknown"
        assert row.out_since == before.inputs[0].out_since
        bench.reader.answer = everywhere(stable=ENGLISH, candidate=ENGLISH)
        again = (await bench.wait(at, 120)).status
        assert again is not None
        assert again.verdict == "Quiet"

    in_virtual_time(story)


def test_one_input_that_cannot_be_read_takes_no_other_with_it() -> None:
    async def story(loop: VirtualTimeLoop) -> None:
        both = everywhere(stable=ENGLISH, candidate=MIXED)
        answer: Answer = lambda i, *of: DEAD if i.name == "poor" else both(i, *of)  # noqa: E731
        bench = Bench(loop, answer)
        at = flying(3600, watch={"inputs": [LANGUAGE | {"name": "poor"}, LANGUAGE]})
        found = await bench.wait(at, 1)
        assert found.status is not None
        assert [row.verdict for row in found.status.inputs] == ["Unknown", "Hold"]
        assert found.blind == {"poor": DEAD.message}

    in_virtual_time(story)


def trained(bench: Bench, **data: str) -> AIFeature:
    meta = {"namespace": "shop", "name": "counts"}
    bench.api.put(CONFIG_MAPS, {"metadata": meta, "data": data})
    inputs = [LANGUAGE | {"reference": "Training"}]
    return flying(3600, watch={"training": {"name": "counts"}, "inputs": inputs})


def test_training_counts_come_from_a_config_map() -> None:
    async def story(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, everywhere(stable=MIXED, candidate=MIXED))
        counts = '{"v":1,"from":0,"to":1,"inputs":{"language":{"k":{"en":9000,"de":1000}}}}'
        found = await bench.wait(trained(bench, **{"training.json": counts}), 1)
        assert found.status is not None
        assert found.status.verdict == "Hold"
        assert "vs training data" in found.status.inputs[0].message
        assert bench.api.calls == ["get configmaps/counts"]

    in_virtual_time(story)


@pytest.mark.parametrize(
    ("data", "told"),
    [({}, "no such key"), ({"training.json": "{"}, "is not what drift.training asks for")],
)
def test_training_counts_that_cannot_be_used_are_said_to_be_so(data: Json, told: str) -> None:
    async def story(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, everywhere(stable=MIXED, candidate=MIXED))
        found = await bench.wait(trained(bench, **data), 15)
        assert "ConfigMap counts, key training.json" in found.blind["language"]
        assert told in found.blind["language"]

    in_virtual_time(story)


def live(since: float, watch: Json | None = None) -> AIFeature:
    at = flying(since, watch)
    good = at.status.last_known_good
    assert good is not None
    mine = good.but(since=BEGIN - timedelta(seconds=since))
    status = at.status.but(
        stage=Stage.LIVE,
        split=Split(stable=100),
        candidate=None,
        step=None,
        last_known_good=mine,
    )
    return at.model_copy(update={"status": status})


def test_what_is_live_is_compared_with_the_same_time_of_the_day_before() -> None:
    async def story(loop: VirtualTimeLoop) -> None:
        today = BEGIN.timestamp() - 7200

        def answer(_: DriftInput, ends: range, __: Sequence[str]) -> Parts:
            return {"stable": dict.fromkeys(ends, MIXED if ends[0] > today else ENGLISH)}

        bench = Bench(loop, answer)
        found = await bench.wait(live(7 * 86400), 1)
        (now, _), (before, _) = bench.reader.asked
        assert [end - 86400 for end in now] == list(before)
        assert found.status is not None
        assert found.status.verdict == "Hold"
        assert "vs last-known-good, 24 h old" in found.status.inputs[0].message

    in_virtual_time(story)


def test_a_live_release_without_a_baseline_gets_it_from_its_first_whole_window() -> None:
    async def story(loop: VirtualTimeLoop) -> None:
        bench, at = Bench(loop, everywhere(stable=ENGLISH)), live(0, pinned())
        assert (await bench.wait(at, 3600)).baseline is None
        found = await bench.wait(at, 2 * PART + LAG + 1)
        assert found.baseline is not None
        assert unpack(found.baseline).began >= BEGIN.timestamp()

    in_virtual_time(story)


def test_a_change_of_the_watch_alone_is_looked_at_at_once() -> None:
    async def story(loop: VirtualTimeLoop) -> None:
        bench, at = Bench(loop, everywhere(stable=ENGLISH, candidate=MIXED)), flying(3600)
        await bench.wait(at, 1)
        wider = flying(3600, {"inputs": [LANGUAGE | {"limit": "9"}]})
        found = (await bench.wait(wider, 1)).status
        assert found is not None
        assert found.verdict == "Quiet"

    in_virtual_time(story)


def test_what_is_gone_is_not_read_any_more() -> None:
    async def story(loop: VirtualTimeLoop) -> None:
        bench, at = Bench(loop, everywhere(stable=ENGLISH)), flying(3600)
        bench.look(at)
        bench.desk.forget(*at.key)
        await asyncio.sleep(1)
        assert bench.news == []

    in_virtual_time(story)


def test_a_selector_that_reaches_too_far_is_refused_before_anything_flies() -> None:
    bad = LANGUAGE | {"category": {"counter": "a or b{$match}", "label": "language"}}
    (problem,) = problems(flying(watch={"inputs": [bad]}), [], {"default": PROVIDER})
    assert problem.reason is Reason.INVALID_SPEC
    assert problem.message.startswith("drift.inputs[language]: ")


def test_the_example_names_training_counts_that_can_be_read() -> None:
    path = Path(__file__).resolve().parents[3] / "examples" / "drift.yaml"
    counts, feature = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    drift = AIFeature.model_validate(feature).spec.drift
    assert drift is not None
    assert drift.training is not None
    assert drift.training.name == counts["metadata"]["name"]
    kept = unpack(counts["data"][drift.training.key]).inputs
    trained = {i.name for i in drift.inputs if i.reference is DriftReference.TRAINING}
    assert kept.keys() == trained
