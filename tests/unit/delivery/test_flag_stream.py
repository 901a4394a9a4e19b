"""The flag stream with the real OpenFeature provider, in process with an in-memory source."""

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import grpc
import pytest
from openfeature.schemas.protobuf.flagd.sync.v1 import sync_pb2

from goaround.api.base import Json
from tests.unit.delivery import builders as b
from tests.unit.delivery.live import Live, app, error_code, eventually, live, variant


def revisions(here: Live) -> Json:
    with urllib.request.urlopen(f"http://127.0.0.1:{here.http}/revisions") as answer:
        found: Json = json.load(answer)
    return found


def test_an_app_sees_a_new_split() -> None:
    with live() as here:
        here.list([b.feature_body(split=(100, 0, 0))])
        with app(here.port, "shop/chat") as client:
            assert {variant(client, key) for key in b.KEYS[:200]} == {"stable"}
            here.see(b.feature_body(split=(0, 100, 0), revision=101))
            eventually(lambda: variant(client, "user-1") == "candidate")
            assert {variant(client, key) for key in b.KEYS[:200]} == {"candidate"}


def test_a_kill_switch_flips_every_user_and_its_answer_flips_them_back() -> None:
    with live() as here:
        here.list([b.feature_body()])
        with app(here.port, "shop/chat") as client:
            here.do(lambda: here.state.see_switch("ADDED", b.switch_body()))
            eventually(lambda: variant(client) == "fallback")
            assert {variant(client, key) for key in b.KEYS[:200]} == {"fallback"}
            here.do(lambda: here.state.see_switch("DELETED", b.switch_body(latched=100)))
            assert variant(client) == "fallback"
            here.see(b.feature_body(revision=101))
            eventually(lambda: variant(client) == "stable")


def test_a_namespace_stream_carries_all_of_its_features() -> None:
    with live() as here:
        here.list([b.feature_body(), b.feature_body("search"), b.feature_body(namespace="lab")])
        with app(here.port, "shop") as client:
            assert variant(client) == variant(client, None, "search.release") == "stable"


def test_nothing_is_sent_on_unrelated_changes() -> None:
    with live() as here:
        here.list([b.feature_body(), b.feature_body("search")])
        with app(here.port, "shop/chat") as client:
            eventually(lambda: here.sent() == 1)
            for n in range(20):
                body = b.feature_body(stage="Holding" if n % 2 else "Ramping")
                body["status"]["summary"] = f"pass {n}"
                here.see(body, b.feature_body("search", revision=200 + n))
            here.see(b.feature_body(split=(0, 0, 100), revision=101))
            eventually(lambda: variant(client) == "fallback" and here.sent() > 1)
            assert here.sent() == 2


def test_an_unknown_feature_is_an_empty_set_that_fills_when_it_comes() -> None:
    with live() as here:
        here.list()
        with app(here.port, "shop/chat") as client:
            assert error_code(client) == "FLAG_NOT_FOUND"
            here.see(b.feature_body())
            eventually(lambda: variant(client) == "stable")


def test_a_deleted_feature_leaves_the_app_on_its_code_default() -> None:
    with live() as here:
        here.list([b.feature_body()])
        with app(here.port, "shop/chat") as client:
            here.do(lambda: here.state.see_feature("DELETED", b.feature_body()))
            eventually(lambda: error_code(client) == "FLAG_NOT_FOUND")


def test_nothing_is_sent_before_features_and_switches_are_listed() -> None:
    with live() as here, app(here.port, "shop/chat", wait=False) as client:
        eventually(lambda: len(here.streams) == 1)
        here.do(lambda: here.state.list_features([b.feature_body()]))
        here.see(b.feature_body(revision=101))
        assert here.sent() == 0
        assert revisions(here) == {"listed": False, "replica": "r", "revisions": {}}
        here.do(lambda: here.state.list_switches([b.switch_body()]))
        eventually(lambda: variant(client) == "fallback" and here.sent() > 0)
        assert here.sent() == 1


@pytest.mark.parametrize("selector", ["", "  ", "shop/", "shop/chat/x", "Shop/Chat", "/chat"])
def test_an_empty_or_malformed_selector_is_refused_with_what_to_write(selector: str) -> None:
    with live() as here:
        here.list([b.feature_body()])
        error = here.refused(selector)
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "write <namespace>/<feature>" in error.details()


def test_the_selector_may_come_in_the_header_alone() -> None:
    with live() as here:
        here.list([b.feature_body()])
        channel, stub = here.stub()
        with channel:
            request = sync_pb2.SyncFlagsRequest()
            stream = stub.SyncFlags(request, metadata=(("flagd-selector", "shop/chat"),), timeout=5)
            assert "chat.release" in json.loads(next(stream).flag_configuration)["flags"]


def test_all_flags_can_be_fetched_once_when_everything_is_listed() -> None:
    with live() as here:
        channel, stub = here.stub()
        request = sync_pb2.FetchAllFlagsRequest(selector="shop/chat")
        with channel:
            with pytest.raises(grpc.RpcError) as early:
                stub.FetchAllFlags(request, timeout=5)
            assert early.value.code() is grpc.StatusCode.UNAVAILABLE
            here.list([b.feature_body()])
            answer = stub.FetchAllFlags(request, timeout=5)
            assert "chat.release" in json.loads(answer.flag_configuration)["flags"]


def test_metadata_is_not_implemented_as_providers_expect() -> None:
    with live() as here:
        channel, stub = here.stub()
        with channel, pytest.raises(grpc.RpcError) as refused:
            stub.GetMetadata(sync_pb2.GetMetadataRequest(), timeout=5)
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


def heavy(name: str) -> Json:
    flying = b.candidate("v42")
    flying["release"]["parameters"] = {f"p{n}": "x" * 500 for n in range(32)}
    return b.feature_body(name, flying=flying)


def test_a_set_over_the_limit_is_refused_while_single_features_are_served() -> None:
    with live() as here:
        here.list([heavy(f"f{n:03d}") for n in range(200)])
        error = here.refused("shop")
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "the limit is 3,145,728" in error.details()
        with app(here.port, "shop/f001") as client:
            assert variant(client, None, "f001.release") == "stable"


def test_streams_over_the_cap_are_refused_until_one_ends() -> None:
    with live(limit=2) as here:
        here.list([b.feature_body()])
        with app(here.port, "shop/chat"):
            with app(here.port, "shop/chat"):
                error = here.refused("shop/chat")
                assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
                assert "holds 2 streams" in error.details()
            eventually(lambda: len(here.streams) == 1)
            with app(here.port, "shop/chat") as client:
                assert variant(client) == "stable"


def test_revisions_count_the_streams_of_a_feature_and_of_its_namespace() -> None:
    with live() as here:
        here.list([b.feature_body(), b.feature_body("search", revision=7)])
        with app(here.port, "shop/chat") as client, app(here.port, "shop"):
            here.see(b.feature_body(split=(0, 0, 100), revision=101))
            eventually(lambda: variant(client) == "fallback")
            eventually(lambda: revisions(here)["revisions"]["uid-chat"]["revision"] == 101)
            assert revisions(here)["revisions"] == {
                "uid-chat": {"revision": 101, "streams": 2},
                "uid-search": {"revision": 7, "streams": 1},
            }


def test_a_slow_consumer_gets_only_the_newest_set() -> None:
    with live() as here:
        here.list([b.feature_body()])
        channel, stub = here.stub()
        with channel, ThreadPoolExecutor(1) as pool:
            request = sync_pb2.SyncFlagsRequest(selector="shop/chat")
            stream = stub.SyncFlags(request, timeout=20)
            assert '"revision":100' in next(stream).flag_configuration

            def burst() -> None:
                for n in range(101, 151):
                    here.state.see_feature("MODIFIED", b.feature_body(revision=n))

            newest = pool.submit(next, stream)
            here.do(burst)
            assert '"revision":150' in newest.result(10).flag_configuration
            eventually(lambda: here.sent() == 2)
            stream.cancel()


def test_an_app_that_takes_nothing_is_cut_off_and_holds_back_nobody() -> None:
    with live(slowest=0.3) as here:
        here.list([heavy(f"f{n:03d}") for n in range(100)])
        channel, stub = here.stub()
        with channel, app(here.port, "shop/f001"):
            stuck = stub.SyncFlags(sync_pb2.SyncFlagsRequest(selector="shop"), timeout=60)
            eventually(lambda: len(here.streams) == 2)
            revision = count(101)

            def cut_off() -> bool:
                here.see(heavy("f000") | {"status": decided(next(revision))})
                return len(here.streams) == 1

            eventually(cut_off)
            assert revisions(here)["revisions"]["uid-f001"] == {"revision": 100, "streams": 1}
            stuck.cancel()


def decided(revision: int) -> Json:
    status: Json = heavy("f000")["status"] | {"revision": revision}
    return status


def test_a_closing_replica_ends_its_streams_in_order() -> None:
    with live() as here:
        here.list([b.feature_body()])
        channel, stub = here.stub()
        with channel:
            stream = stub.SyncFlags(sync_pb2.SyncFlagsRequest(selector="shop"), timeout=20)
            next(stream)
            here.do(here.streams.close)
            assert list(stream) == []
            assert stream.code() is grpc.StatusCode.OK
            assert revisions(here)["listed"] is False
