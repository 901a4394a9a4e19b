"""The pre-flight desk in a whole operator: runs beside the passes, and leaves no pin behind."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from goaround.api.base import Json
from goaround.api.kinds import CONFIG_MAPS, FEATURES, KILL_SWITCHES, SECRETS
from goaround.api.preflight import PreflightVerdict
from goaround.api.reasons import Reason, Stage
from goaround.world.kube import Refused, Unavailable
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import in_virtual_time
from tests.unit.runtime.golden_kit import (
    PIN,
    PREFLIGHT,
    Bench,
    ForgivingApi,
    digest,
    golden_text,
    preflown,
)
from tests.unit.runtime.operator_kit import on

REPORT = "chat-preflight-report"
Story = Callable[[Bench], Coroutine[Any, Any, None]]


def told(story: Story) -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        async with preflown(loop) as bench:
            await story(bench)

    in_virtual_time(test)


def short(version: str) -> str:
    return digest(version)[7:19]


def test_a_good_release_takes_off_after_its_golden_set_and_the_pin_is_gone() -> None:
    async def story(bench: Bench) -> None:
        bench.ask_for("v2")
        feature = await bench.until(lambda f: f.status.split.candidate == 10)
        known = feature.status.preflight
        assert known is not None
        assert (known.verdict, known.passed, known.total) == (PreflightVerdict.PASSED, 50, 50)
        assert known.pin is None
        assert known.golden_hash is not None
        assert not bench.has(SECRETS, PIN)

    told(story)


def test_a_release_that_regresses_is_rejected_before_any_user() -> None:
    async def story(bench: Bench) -> None:
        bench.app.bad.add(short("v2"))
        bench.ask_for("v2")
        feature = await bench.until(lambda f: f.status.stage is Stage.REJECTED)
        assert feature.status.split.stable == 100
        assert feature.status.preflight is not None
        assert len(feature.status.preflight.regressions) == 10
        assert not bench.has(SECRETS, PIN)

    told(story)


def test_the_report_has_verdicts_and_hashes_and_belongs_to_the_feature() -> None:
    async def story(bench: Bench) -> None:
        bench.app.bad.add(short("v2"))
        bench.ask_for("v2")
        feature = await bench.until(lambda f: f.status.stage is Stage.REJECTED)
        body = bench.api.body(CONFIG_MAPS, "shop", REPORT)
        report = json.loads(body["data"]["report.json"])
        assert report["cases"][0] == {
            "name": "c0", "candidate": "0/5", "stable": "5/5", "failed": {"exact": 5}
        }  # fmt: skip
        assert report["goldenHash"] == feature.status.preflight.golden_hash  # type: ignore[union-attr]
        assert body["metadata"]["ownerReferences"][0]["uid"] == feature.metadata.uid

    told(story)


def test_a_config_map_of_somebody_else_is_never_overwritten() -> None:
    async def story(bench: Bench) -> None:
        meta = {"name": REPORT, "namespace": "shop", "uid": "x"}
        bench.api.put(CONFIG_MAPS, {"metadata": meta, "data": {"mine": "1"}})
        bench.ask_for("v2")
        feature = await bench.until(lambda f: f.status.split.candidate == 10)
        assert feature.status.preflight is not None
        assert feature.status.preflight.report is None
        assert bench.api.body(CONFIG_MAPS, "shop", REPORT)["data"] == {"mine": "1"}

    told(story)


def test_an_endpoint_that_is_down_is_tried_again_ever_more_rarely_and_then_given_up() -> None:
    async def story(bench: Bench) -> None:
        bench.app.down = True
        bench.ask_for("v2")
        feature = await bench.until(lambda f: f.status.hold is not None)
        assert "takes no connection" in (feature.status.hold or "")
        await bench.until(lambda f: f.status.stage is Stage.INCONCLUSIVE)
        assert bench.app.asked < 25
        await asyncio.sleep(5)
        assert not bench.has(SECRETS, PIN)

    told(story)


def test_an_endpoint_that_comes_back_is_asked_again() -> None:
    async def story(bench: Bench) -> None:
        bench.app.down = True
        bench.ask_for("v2")
        await bench.until(lambda f: f.status.hold is not None)
        bench.app.down = False
        await bench.until(lambda f: f.status.split.candidate == 10, 70)

    told(story)


def test_an_endpoint_that_hangs_delays_no_kill_and_the_kill_ends_the_run() -> None:
    async def story(bench: Bench) -> None:
        bench.app.hangs = True
        bench.ask_for("v2")
        await bench.until(lambda f: f.status.stage is Stage.PREFLIGHT and bench.has(SECRETS, PIN))
        began = bench.loop.time()
        switch = {"metadata": {"name": "stop", "namespace": "shop", "uid": "s", "generation": 1},
                  "spec": {"featureRef": {"name": "chat"}, "reason": "it swears"}}  # fmt: skip
        bench.write(KILL_SWITCHES, switch)
        await bench.until(lambda f: f.status.stage is Stage.KILLED)
        assert bench.loop.time() - began < 1
        await bench.until(lambda f: f.status.preflight and f.status.preflight.pin is None, 5)
        assert not bench.has(SECRETS, PIN)
        asked = bench.app.asked
        await asyncio.sleep(60)
        assert bench.app.asked == asked

    told(story)


def test_another_release_ends_the_run_and_gets_one_with_a_pin_of_its_own() -> None:
    async def story(bench: Bench) -> None:
        bench.app.hangs = True
        bench.ask_for("v2")
        await bench.until(lambda _: bench.has(SECRETS, PIN))
        first = bench.api.body(SECRETS, "shop", PIN)["data"]
        bench.ask_for("v3")
        bench.app.hangs = False
        seen: list[Json] = []

        def took_off(feature: Any) -> bool:
            if bench.has(SECRETS, PIN):
                seen.append(bench.api.body(SECRETS, "shop", PIN)["data"])
            flown = feature.status.candidate
            return (
                flown is not None
                and flown.digest == digest("v3")
                and (feature.status.split.candidate == 10)
            )

        await bench.until(took_off)
        assert any(data != first for data in seen)
        assert not bench.has(SECRETS, PIN)

    told(story)


def test_a_deleted_feature_leaves_no_pin() -> None:
    async def story(bench: Bench) -> None:
        bench.app.hangs = True
        bench.ask_for("v2")
        await bench.until(lambda _: bench.has(SECRETS, PIN))
        body = bench.api.body(FEATURES, "shop", "chat")
        bench.api.remove(FEATURES, "shop", "chat")
        bench.operator.controller.heard(FEATURES, body, removed=True)
        await asyncio.sleep(2)
        assert not bench.has(SECRETS, PIN)

    told(story)


def test_a_restart_in_the_middle_of_a_run_begins_it_again_with_the_same_pin() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = ForgivingApi()
        async with preflown(loop, api) as bench:
            bench.app.hangs = True
            bench.ask_for("v2")
            await bench.until(lambda _: bench.has(SECRETS, PIN))
            first = api.body(SECRETS, "shop", PIN)["data"]
        async with preflown(loop, api) as bench:
            await bench.until(lambda _: bench.app.asked > 0)
            assert api.body(SECRETS, "shop", PIN)["data"] == first
            feature = await bench.until(lambda f: f.status.split.candidate == 10)
            assert feature.status.candidate is not None
            assert feature.status.candidate.attempt == 1

    in_virtual_time(test)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cases: [", "is no YAML"),
        (golden_text(0), "at least 1 item"),
        (None, "there is no such ConfigMap"),
    ],
)
def test_a_golden_set_that_cannot_be_used_holds_and_says_why_until_it_is_mended(
    text: str | None, said: str
) -> None:
    async def story(bench: Bench) -> None:
        if text is None:
            bench.api.remove(CONFIG_MAPS, "shop", "golden")
        else:
            bench.golden(text)
        bench.ask_for("v2")
        feature = await bench.until(lambda f: f.status.hold is not None)
        assert said in (feature.status.hold or "")
        assert {c.reason for c in feature.status.conditions} >= {Reason.GOLDEN_SET_INVALID}
        assert bench.app.asked == 0
        bench.golden(golden_text())
        await bench.until(lambda f: f.status.split.candidate == 10, 70)

    told(story)


def test_an_endpoint_that_no_administrator_named_is_told() -> None:
    async def story(bench: Bench) -> None:
        bench.ask_for("v2", preflight=PREFLIGHT | {"endpoint": {"endpointRef": "else"}})
        feature = await bench.until(lambda f: f.status.hold is not None)
        assert "endpointRef else is not configured" in (feature.status.hold or "")

    told(story)


def test_another_golden_set_in_mid_ramp_starts_again_at_zero_percent() -> None:
    async def story(bench: Bench) -> None:
        bench.ask_for("v2")
        await bench.until(lambda f: f.status.split.candidate == 10)
        bench.golden(golden_text(11))
        feature = await bench.until(lambda f: f.status.stage is Stage.PREFLIGHT, 130)
        assert feature.status.candidate is not None
        assert feature.status.candidate.attempt == 2
        await bench.until(lambda f: f.status.split.candidate == 10)

    told(story)


@pytest.mark.parametrize(
    ("verb", "error"),
    [
        ("create secrets", Refused("403")),
        ("create secrets", Unavailable("500")),
        ("delete secrets", Unavailable("500")),
        ("create configmaps", Unavailable("500")),
    ],
)
def test_an_api_server_that_does_not_do_it_is_told_and_tried_again(
    verb: str, error: Exception
) -> None:
    async def story(bench: Bench) -> None:
        bench.api.fault = on(verb, error)
        bench.ask_for("v2")
        feature = await bench.until(lambda f: f.status.hold is not None)
        assert "the API server did not do it" in (feature.status.hold or "")
        bench.api.fault = lambda _: None
        await bench.until(lambda f: f.status.split.candidate == 10, 70)
        assert not bench.has(SECRETS, PIN)

    told(story)


def test_a_report_that_is_refused_keeps_no_verdict_back() -> None:
    async def story(bench: Bench) -> None:
        bench.api.fault = on("create configmaps", Refused("403"))
        bench.ask_for("v2")
        feature = await bench.until(lambda f: f.status.split.candidate == 10)
        assert feature.status.preflight is not None
        assert feature.status.preflight.report is None

    told(story)


def test_contract_checks_alone_are_a_pre_flight_too() -> None:
    async def story(bench: Bench) -> None:
        answer = {"mustContain": ["ok"]}
        contract = {"name": "prices", "neighbour": "Tool", "endpoint": {"endpointRef": "app"}}
        bench.ask_for("v2", preflight={"contracts": [contract | {"answer": answer}]})
        await bench.until(lambda f: f.status.split.candidate == 10)
        broken = {"contracts": [contract | {"answer": {"mustContain": ["price"]}}]}
        bench.ask_for("v3", preflight=broken)
        feature = await bench.until(lambda f: f.status.stage is Stage.REJECTED)
        assert feature.status.preflight is not None
        assert feature.status.preflight.regressions == ["prices"]

    told(story)


def test_what_was_interrupted_by_mode_observe_goes_on_in_mode_enforce() -> None:
    async def story(bench: Bench) -> None:
        bench.app.hangs = True
        bench.ask_for("v2")
        await bench.until(lambda _: bench.has(SECRETS, PIN))
        bench.ask_for("v2", mode="Observe")  # type: ignore[arg-type]
        await asyncio.sleep(5)
        assert not bench.has(SECRETS, PIN)
        bench.app.hangs = False
        bench.ask_for("v2", mode="Enforce")  # type: ignore[arg-type]
        await bench.until(lambda f: f.status.split.candidate == 10, 120)

    told(story)


def test_mode_observe_runs_nothing() -> None:
    async def story(bench: Bench) -> None:
        bench.ask_for("v2", mode="Observe")  # type: ignore[arg-type]
        await asyncio.sleep(60)
        assert bench.app.asked == 0

    told(story)
