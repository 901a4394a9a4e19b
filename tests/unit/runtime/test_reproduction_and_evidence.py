"""What is found out beside the passes once a release was proven harmful, by a whole operator."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

from goaround.api.base import Json
from goaround.api.kinds import CONFIG_MAPS, INCIDENTS, SECRETS, AIIncident
from goaround.api.reasons import Stage
from goaround.world.prometheus import Read, Shape, Unreadable, UnreadableReason
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import in_virtual_time, steady
from tests.unit.runtime.golden_kit import PIN, Bench, digest, preflown

OK = {"result": "ok"}
Story = Callable[[Bench], Coroutine[Any, Any, None]]


def told(story: Story) -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        async with preflown(loop) as bench:
            await story(bench)

    in_virtual_time(test)


async def harmed(bench: Bench) -> None:
    """v2 took off after a good pre-flight, and was proven harmful at 10 %."""
    bench.ask_for("v2")
    await bench.until(lambda f: f.status.split.candidate == 10)
    bench.reader.answer = steady(50)
    await bench.until(lambda f: f.status.stage is Stage.ROLLED_BACK)


async def incident(bench: Bench, holds: Callable[[AIIncident], object]) -> AIIncident:
    for _ in range(3000):
        bodies: list[Json] = await bench.api.list(INCIDENTS)
        known = [AIIncident.model_validate(body) for body in bodies]
        if known and holds(known[0]):
            return known[0]
        await asyncio.sleep(0.1)
    raise AssertionError([k.status for k in known])


def is_reproduced(one: AIIncident) -> bool:
    found = one.status.reproduction
    return found is not None and found.state != "Pending"


def short(version: str) -> str:
    return digest(version)[7:19]


def test_the_golden_set_runs_again_on_both_and_no_user_is_moved() -> None:
    async def story(bench: Bench) -> None:
        await harmed(bench)
        bench.app.bad.add(short("v2"))
        one = await incident(bench, is_reproduced)
        found = one.status.reproduction
        assert found is not None
        assert (found.state, found.failed, found.good) == ("OnlyFailed", "0/50", "50/50")
        assert bench.feature.status.split.candidate == 0
        await bench.until(lambda f: f.status.reproducing is None)
        assert not bench.has(SECRETS, PIN)

    told(story)


def test_a_release_that_is_down_is_not_looked_at_without_end() -> None:
    """Its golden set was to be read again after a minute, for a flight that is over by then."""

    async def story(bench: Bench) -> None:
        await harmed(bench)
        await incident(bench, is_reproduced)
        before = bench.operator.metrics.registry.get_sample_value("goaround_passes_total", OK)
        await asyncio.sleep(120)
        after = bench.operator.metrics.registry.get_sample_value("goaround_passes_total", OK)
        assert (after or 0) - (before or 0) < 200

    told(story)


def test_an_endpoint_that_stays_down_is_given_up_with_the_reason() -> None:
    async def story(bench: Bench) -> None:
        await harmed(bench)
        bench.app.down = True
        found = (await incident(bench, is_reproduced)).status.reproduction
        assert found is not None
        assert found.state == "NotPossible"
        assert found.message
        assert not bench.has(SECRETS, PIN)

    told(story)


def test_a_release_that_takes_off_meanwhile_ends_the_run() -> None:
    async def story(bench: Bench) -> None:
        await harmed(bench)
        bench.app.hangs = True
        await bench.until(lambda f: f.status.reproducing is not None)
        bench.app.hangs = False
        bench.ask_for("v3")
        found = (await incident(bench, is_reproduced)).status.reproduction
        assert found is not None
        assert found.message == "the feature went on before the golden set had run"
        await bench.until(lambda f: f.status.split.candidate == 10)

    told(story)


def test_evidence_is_written_once_with_an_hour_of_figures() -> None:
    async def story(bench: Bench) -> None:
        await harmed(bench)
        one = await incident(bench, lambda i: i.status.evidence)
        ref = one.status.evidence
        assert ref is not None
        body = bench.api.body(CONFIG_MAPS, "shop", ref.config_map)
        assert body["immutable"] is True
        kept = json.loads(body["data"]["evidence.json"])
        assert kept["failed"]["digest"] == digest("v2")
        assert len(kept["signals"]["errors"]["points"]["candidate"]) == 36
        assert one.status.recent_changes == kept["recentChanges"]
        assert "StepStarted" in kept["recentChanges"][0] or "Rollout" in kept["recentChanges"][0]

    told(story)


def dead(_: Shape, ends: range) -> Read:
    return Unreadable(UnreadableReason.TIMEOUT, "the provider does not answer")


def test_a_dead_provider_leaves_evidence_without_figures_that_says_so() -> None:
    async def story(bench: Bench) -> None:
        await harmed(bench)
        bench.reader.answer = dead
        ref = (await incident(bench, lambda i: i.status.evidence)).status.evidence
        assert ref is not None
        kept = json.loads(
            bench.api.body(CONFIG_MAPS, "shop", ref.config_map)["data"]["evidence.json"]
        )
        assert kept["signals"]["errors"]["message"] == "no figures: the provider does not answer"

    told(story)
