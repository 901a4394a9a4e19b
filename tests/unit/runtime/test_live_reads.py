"""What is read live before a raise, and what is spared: nothing is read for what goes down."""

import asyncio
from datetime import timedelta

from goaround.api.kinds import RECORDS
from goaround.api.signoff import Decision
from goaround.rollout.decide import decide
from goaround.rollout.planned import WriteRecord
from goaround.runtime import records
from goaround.runtime.live import Live
from tests.unit.rollout.asking import at_half
from tests.unit.rollout.build import NAMESPACE, a_record
from tests.unit.rollout.flights import halfway, live_twice, ramping
from tests.unit.rollout.world import Evidence, World, bad, good, undecided
from tests.unit.runtime.bench import MemoryApi
from tests.unit.world.test_policies import a_cluster


def a_live(api: MemoryApi) -> Live:
    return Live(api, own_namespace="home", heard=lambda kind, body: None)


def is_due(reads: Live, world: World, evidence: Evidence = undecided) -> bool:
    seen = world.observed(evidence)
    return reads.is_due(seen, decide(seen, world.now), world.now)


def look(reads: Live, world: World) -> None:
    asyncio.run(reads.observed(world.observed(), world.now))


def asked_for(api: MemoryApi, what: str) -> list[str]:
    return [call for call in api.calls if what in call]


def test_a_raise_is_decided_on_what_is_true_now() -> None:
    world = ramping()
    world.now += timedelta(seconds=700)
    assert is_due(a_live(MemoryApi()), world, good)
    assert not is_due(a_live(MemoryApi()), world, undecided)


def test_a_way_down_asks_for_nothing() -> None:
    assert not is_due(a_live(MemoryApi()), ramping(), bad)
    assert not is_due(a_live(MemoryApi()), halfway().kill())


def test_what_people_hold_asks_for_nothing_until_they_let_go() -> None:
    world = ramping().held().wait(10)
    assert not is_due(a_live(MemoryApi()), world)
    world.annotations.clear()
    assert is_due(a_live(MemoryApi()), world)


def test_what_came_down_while_it_was_held_asks_for_nothing_either() -> None:
    assert not is_due(a_live(MemoryApi()), ramping().held().wait(10).aborted().wait(10))


def test_policies_are_read_only_where_the_word_of_people_may_count() -> None:
    api = a_cluster()
    look(a_live(api), ramping())
    assert asked_for(api, "validatingadmissionpolic") == []
    for world in (at_half(), ramping().decides(Decision.PROMOTE)):
        api = a_cluster()
        look(a_live(api), world)
        assert len(asked_for(api, "validatingadmissionpolic")) == 6


def test_what_was_read_is_believed_for_a_while_and_a_fault_for_seconds() -> None:
    world, good_api, bad_api = at_half(), a_cluster(), MemoryApi()
    found = {}
    for api in (good_api, bad_api):
        reads = a_live(api)
        assert is_due(reads, world)
        look(reads, world)
        later = [seconds for seconds in (1, 6, 61) if _due_after(reads, world, seconds)]
        found[reads.guarded.missing is None] = later
    assert found == {True: [61], False: [6, 61]}


def _due_after(reads: Live, world: World, seconds: int) -> bool:
    seen, now = world.observed(), world.now + timedelta(seconds=seconds)
    return reads.is_due(seen, decide(seen, world.now), now)


def test_records_are_read_live_once_they_contradict_status() -> None:
    world, api = live_twice(), MemoryApi()
    (newest,) = [r for r in world.records.values() if r.digest == known(world)]
    marks = {"goaround.dev/good-since": "2026-11-21T09:00:00Z"}
    effect = WriteRecord(newest.name, newest.digest, newest.release, marks)
    body = records.body("chat", effect)
    body["metadata"]["namespace"] = NAMESPACE
    api.put(RECORDS, body)
    world.records[newest.digest] = a_record(newest.release)
    reads, seen = a_live(api), world.observed()
    assert is_due(reads, world)
    found = asyncio.run(reads.observed(seen, world.now))
    assert found.confirmed
    assert [r.digest for r in found.records] == [newest.digest]
    reasons = [t.reason for t in decide(found, world.now).status.history]
    assert "StatusTampered" not in reasons


def known(world: World) -> str:
    assert world.status.last_known_good is not None
    return world.status.last_known_good.digest
