"""Passes over one feature on an API server in memory: conflicts, absences, what cannot be read."""

import logging

import pytest

from goaround.api.base import Json
from goaround.api.kinds import FEATURES, KILL_SWITCHES
from goaround.runtime.engine import Operator
from goaround.world.kube import Body, Conflict, NotFound
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import MemoryApi, feature_body, in_virtual_time
from tests.unit.runtime.operator_kit import CHAT, GET, PATCH, bench, of, stage, touched


def test_a_first_pass_writes_the_record_before_the_status_that_relies_on_it() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        api.put(FEATURES, feature_body())
        async with bench(loop, api) as operator:
            await operator.controller.look_at(CHAT)
        writes = [c.split("/")[0] for c in api.calls if c.startswith(("create", "patch"))]
        assert writes == ["create controllerrevisions", "patch aifeatures", "create events"]
        assert stage(api) == "Cruising"

    in_virtual_time(test)


def test_a_conflict_is_answered_by_one_live_read_and_a_decision_at_once() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        api.put(FEATURES, feature_body())
        async with bench(loop, api) as operator:
            touched(api)
            await operator.controller.look_at(CHAT)
            assert of(api, PATCH, GET) == [PATCH, GET, PATCH]
        assert stage(api) == "Cruising"
        assert api.body(FEATURES, "shop", "chat")["metadata"]["labels"]

    in_virtual_time(test)


def test_only_the_third_conflict_in_a_row_backs_off() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        api.put(FEATURES, feature_body())
        async with bench(loop, api) as operator:
            api.fault = lambda call: touched(api) if call == PATCH else None
            with pytest.raises(Conflict):
                await operator.controller.look_at(CHAT)
            assert of(api, PATCH, GET) == [PATCH, GET] * 3

    in_virtual_time(test)


def test_a_feature_that_was_deleted_unheard_is_forgotten_at_the_first_404() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        api.put(FEATURES, feature_body())
        async with bench(loop, api) as operator:
            await operator.controller.look_at(CHAT)
            assert b'feature="chat"' in operator.metrics.text()
            api.remove(FEATURES, "shop", "chat")
            operator.cache.store(FEATURES, _newer_spec(operator))
            await operator.controller.look_at(CHAT)
            assert operator.cache.get(FEATURES, "shop", "chat") is None
            assert b'feature="chat"' not in operator.metrics.text()

    in_virtual_time(test)


def _newer_spec(operator: Operator) -> Body:
    """The last that was heard: a kill in spec, which has to be written to status."""
    known = operator.cache.get(FEATURES, "shop", "chat")
    assert known is not None
    version = str(int(known["metadata"]["resourceVersion"]) + 1)
    meta = known["metadata"] | {"resourceVersion": version, "generation": 2}
    spec = known["spec"] | {"killSwitch": {"engaged": True}}
    return known | {"metadata": meta, "spec": spec}


def test_a_404_of_something_else_is_tried_again() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        api.put(FEATURES, feature_body())
        async with bench(loop, api) as operator:
            api.fault = lambda c: (
                NotFound("no such kind") if c.startswith("create events") else None
            )
            with pytest.raises(NotFound):
                await operator.controller.look_at(CHAT)
            assert operator.cache.get(FEATURES, "shop", "chat") is not None

    in_virtual_time(test)


def test_a_removed_feature_leaves_nothing_behind() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        body = api.put(FEATURES, feature_body())
        async with bench(loop, api) as operator:
            await operator.controller.look_at(CHAT)
            last = api.body(FEATURES, "shop", "chat")
            operator.controller.heard(FEATURES, last, removed=True)
            await operator.controller.look_at(CHAT)
            assert b'feature="chat"' not in operator.metrics.text()
            operator.controller.heard(FEATURES, body)
            assert operator.cache.get(FEATURES, "shop", "chat") is None

    in_virtual_time(test)


UNREADABLE: list[Json] = [
    {"spec": {"release": {}}},
    {"spec": None},
    {"metadata": {"labels": ["not", "a", "map"]}},
]


@pytest.mark.parametrize("wrong", UNREADABLE)
def test_an_object_that_cannot_be_read_is_told_in_the_log_and_left_alone(
    wrong: Json, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        body = feature_body()
        api.put(
            FEATURES,
            {**body, **wrong, "metadata": {**body["metadata"], **wrong.get("metadata", {})}},
        )
        async with bench(loop, api) as operator:
            await operator.controller.look_at(CHAT)
        assert api.calls == []

    with caplog.at_level(logging.ERROR):
        in_virtual_time(test)
    told = [r for r in caplog.records if r.getMessage() == "object cannot be read"]
    assert told
    assert vars(told[0])["object"] == "shop/chat"


def test_an_unreadable_kill_switch_stops_no_pass() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        api.put(FEATURES, feature_body())
        meta = {"name": "odd", "namespace": "shop"}
        api.put(KILL_SWITCHES, {"metadata": meta, "spec": {"featureRef": 3}})
        async with bench(loop, api) as operator:
            await operator.controller.look_at(CHAT)
        assert stage(api) == "Cruising"

    in_virtual_time(test)
