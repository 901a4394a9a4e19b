"""Timelines on an API server: appended on the version that was read, sealed, read back whole."""

import asyncio
from typing import Any

import pytest

from goaround.api import names
from goaround.api.base import ObjectMeta
from goaround.api.incident import AIIncidentSpec
from goaround.api.incident_status import TimelineAnchor
from goaround.api.kinds import CONFIG_MAPS, RECORDS, AIIncident
from goaround.incident.entries import Fact, Kind
from goaround.incident.verifying import faults
from goaround.runtime import records, timelines
from goaround.runtime.timelines import TimelineDesk
from goaround.world.kube import Refused, Unavailable
from goaround.world.timelines import FILE, Parts, stored_parts
from tests.crash.clock import VirtualTimeLoop
from tests.unit.incident.build import AT, NAME
from tests.unit.runtime.bench import MemoryApi, in_virtual_time

SPEC = {
    "affects": [{"name": "chat"}],
    "trigger": {"source": "Manual", "key": "support heard of it"},
    "severity": "P2",
    "severityReason": "customers wrote in",
}
INCIDENT = AIIncident(
    metadata=ObjectMeta(name=NAME, namespace="shop", creation_timestamp=AT),
    spec=AIIncidentSpec.model_validate(SPEC),
)
WHERE = INCIDENT.key
APPENDS = f"patch configmaps/{NAME}-timeline"


def a_fact(text: str, **more: Any) -> Fact:
    return Fact(text[:20], Kind.NOTE, text, **more)


class Bench:
    """A desk, and how often it asked for another look."""

    def __init__(self, loop: VirtualTimeLoop, api: MemoryApi | None = None) -> None:
        self.api = api or MemoryApi()
        self.offered: list[float] = []
        self.desk = TimelineDesk(
            self.api,
            offer=lambda _: self.offered.append(0),
            offer_in=lambda _, seconds: self.offered.append(seconds),
            now=loop.wall,
        )

    async def opened(self) -> "Bench":
        self.desk.open(INCIDENT)
        await self.idle()
        return self

    async def appends(self, *facts: Fact) -> None:
        self.desk.append(INCIDENT, facts)
        await self.idle()

    async def idle(self) -> None:
        await asyncio.sleep(1)  # nothing takes longer here

    async def stored(self) -> Parts:
        return await stored_parts(self.api, *WHERE, TimelineAnchor())


def test_entries_are_stored_in_a_config_map_without_owner() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = await Bench(loop).opened()
        await bench.appends(a_fact("one"))
        await bench.appends(a_fact("two"))
        body = bench.api.body(CONFIG_MAPS, "shop", f"{NAME}-timeline")
        assert len(body["data"][FILE].splitlines()) == 2
        assert body["metadata"]["labels"] == {names.INCIDENT_LABEL: NAME}
        assert "ownerReferences" not in body["metadata"]
        log = bench.desk.log_of(WHERE)
        assert log is not None
        assert log.length == 2

    in_virtual_time(test)


def test_nothing_is_appended_before_it_was_read() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop)
        await bench.appends(a_fact("one"))
        assert bench.api.calls == []

    in_virtual_time(test)


def test_another_process_reads_back_what_this_one_wrote() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = await Bench(loop).opened()
        await bench.appends(a_fact("one"), a_fact("two"))
        other = await Bench(loop, bench.api).opened()
        assert other.desk.log_of(WHERE) == bench.desk.log_of(WHERE)

    in_virtual_time(test)


def test_what_somebody_else_wrote_meanwhile_is_read_before_anything_is_appended() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        one = await Bench(loop).opened()
        await one.appends(a_fact("one"))
        two = await Bench(loop, one.api).opened()
        await two.appends(a_fact("two"))
        await one.appends(a_fact("lost?"))  # on the version of before: refused
        assert one.desk.log_of(WHERE) is None
        await (await one.opened()).appends(a_fact("three"))
        lines = (await one.stored()).lines
        log = one.desk.log_of(WHERE)
        assert log is not None
        assert faults(lines, TimelineAnchor(length=log.length, head=log.head)) == []
        assert [line.split('"text":"')[1].split('"')[0] for line in lines] == [
            "one",
            "two",
            "three",
        ]

    in_virtual_time(test)


def test_a_full_part_is_sealed_as_a_revision_that_is_no_release_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timelines, "FULL", 2000)

    async def test(loop: VirtualTimeLoop) -> None:
        bench = await Bench(loop).opened()
        for number in range(12):
            await bench.appends(a_fact(f"fact {number:02d} {'x' * 200}"))
        parts = await bench.stored()
        log = bench.desk.log_of(WHERE)
        assert log is not None
        assert (len(parts.lines), parts.segments, log.segments) == (12, 2, 2)
        anchor = TimelineAnchor(length=log.length, head=log.head, segments=log.segments)
        assert faults(parts.lines, anchor) == []
        sealed = bench.api.body(RECORDS, "shop", f"{NAME}-timeline-1")
        assert names.FEATURE_LABEL not in sealed["metadata"]["labels"]
        assert records.record(sealed) is None
        bench.api.remove(RECORDS, "shop", f"{NAME}-timeline-2")
        left = await stored_parts(bench.api, *WHERE, anchor)
        assert left.missing == (2,)
        assert "is missing" in faults(left.lines, anchor)[0]

    in_virtual_time(test)


def test_a_process_that_died_between_sealing_and_writing_doubles_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timelines, "FULL", 800)

    async def test(loop: VirtualTimeLoop) -> None:
        bench = await Bench(loop).opened()
        await bench.appends(a_fact("one " + "x" * 300))
        bench.api.fault = lambda call: Unavailable("gone") if call == APPENDS else None
        await bench.appends(a_fact("two " + "x" * 300))
        bench.api.fault = lambda _: None
        other = await Bench(loop, bench.api).opened()
        await other.appends(a_fact("three"))
        parts = await other.stored()
        assert (len(parts.lines), parts.segments) == (2, 1)

    in_virtual_time(test)


@pytest.mark.parametrize("error", [Refused("disk is full"), Unavailable("500")])
def test_what_cannot_be_written_is_tried_again_soon_then_later_and_told(error: Exception) -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = await Bench(loop).opened()
        bench.api.fault = lambda call: error if call.startswith("create") else None
        await bench.appends(a_fact("one"))
        assert bench.desk.trouble_of(WHERE) is None
        assert 2.001 in bench.offered
        calls = len(bench.api.calls)
        await bench.opened()
        assert len(bench.api.calls) == calls, "not before its time"
        await asyncio.sleep(2)
        await (await bench.opened()).appends(a_fact("one"))
        assert bench.desk.trouble_of(WHERE) == str(error)
        assert 30.001 in bench.offered
        await asyncio.sleep(31)
        bench.api.fault = lambda _: None
        await (await bench.opened()).appends(a_fact("one"))
        assert bench.desk.trouble_of(WHERE) is None
        assert len((await bench.stored()).lines) == 1

    in_virtual_time(test)


def test_without_the_policy_a_name_stays_a_claim() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = await Bench(loop).opened()
        await bench.appends(a_fact("one", by="ana", is_claim=True))
        assert '"by":"ana"' in (await bench.stored()).lines[0]

    in_virtual_time(test)


def test_names_of_any_length_have_names_and_labels_of_their_own() -> None:
    long = ["a" * 252 + end for end in "xy"]
    found = {names.timeline_name(name, n) for name in long for n in (None, 1, 2)}
    assert len(found) == 6
    assert max(map(len, found)) <= 253
    labels = {names.incident_label("a" * 56 + "." * 5 + end * 9) for end in "xy"}
    assert len(labels) == 2
    assert all(len(label) <= 63 and label[-1].isalnum() for label in labels)
