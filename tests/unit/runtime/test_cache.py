"""What was last heard: never an older body, never a deletion undone, nothing kept that is gone."""

import pytest

from goaround.api.kinds import FEATURES, KILL_SWITCHES
from goaround.runtime.cache import Cache
from goaround.world.kube import Body


def body(name: str, version: int, **more: str) -> Body:
    return {"metadata": {"namespace": "shop", "name": name, "resourceVersion": str(version)} | more}


def held(cache: Cache, name: str = "chat") -> int | None:
    found = cache.get(FEATURES, "shop", name)
    return int(found["metadata"]["resourceVersion"]) if found is not None else None


def test_a_newer_body_is_news_and_replaces_the_older() -> None:
    cache = Cache()
    assert cache.store(FEATURES, body("chat", 9))
    assert cache.store(FEATURES, body("chat", 10))
    assert held(cache) == 10


@pytest.mark.parametrize("version", [9, 10])
def test_an_older_body_or_the_same_again_is_no_news(version: int) -> None:
    cache = Cache()
    cache.store(FEATURES, body("chat", 10))
    assert not cache.store(FEATURES, body("chat", version))
    assert held(cache) == 10


def test_what_was_removed_does_not_come_back_with_an_older_body() -> None:
    cache = Cache()
    cache.store(FEATURES, body("chat", 10))
    assert cache.remove(FEATURES, body("chat", 11))
    assert not cache.store(FEATURES, body("chat", 10))
    assert held(cache) is None
    assert cache.store(FEATURES, body("chat", 12, uid="another"))


def test_a_removal_older_than_what_is_known_is_of_a_former_object() -> None:
    cache = Cache()
    cache.store(FEATURES, body("chat", 20, uid="another"))
    assert not cache.remove(FEATURES, body("chat", 11))
    assert held(cache) == 20


def test_removing_what_was_never_known_is_no_news() -> None:
    assert not Cache().remove(FEATURES, body("chat", 5))


def test_what_a_live_read_does_not_find_is_dropped() -> None:
    cache = Cache()
    cache.store(FEATURES, body("chat", 10))
    assert cache.drop(FEATURES, ("shop", "chat"))
    assert not cache.drop(FEATURES, ("shop", "chat"))
    assert held(cache) is None


def test_a_list_prunes_what_it_lacks_and_says_what_changed() -> None:
    cache = Cache()
    for name, version in (("chat", 10), ("search", 11), ("gone", 12)):
        cache.store(FEATURES, body(name, version))
    asked_at = cache.newest(FEATURES)
    changed = cache.replace(
        FEATURES, [body("chat", 10), body("search", 15), body("new", 16)], asked_at
    )
    assert changed == {("shop", "search"), ("shop", "new"), ("shop", "gone")}
    assert held(cache, "gone") is None
    assert held(cache, "search") == 15


def test_an_object_heard_of_after_the_list_was_asked_for_stays() -> None:
    cache = Cache()
    cache.store(FEATURES, body("chat", 10))
    asked_at = cache.newest(FEATURES)
    cache.store(FEATURES, body("born-meanwhile", 11))
    assert cache.replace(FEATURES, [body("chat", 10)], asked_at) == set()
    assert held(cache, "born-meanwhile") == 11


def test_a_removal_heard_after_the_list_was_asked_for_outlives_the_list() -> None:
    cache = Cache()
    cache.store(FEATURES, body("chat", 10))
    asked_at = cache.newest(FEATURES)
    cache.remove(FEATURES, body("chat", 11))
    assert cache.replace(FEATURES, [body("chat", 10)], asked_at) == set()
    assert held(cache) is None


def test_a_list_does_not_turn_a_body_back() -> None:
    cache = Cache()
    cache.store(FEATURES, body("chat", 10))
    asked_at = cache.newest(FEATURES)
    cache.store(FEATURES, body("chat", 12))
    cache.replace(FEATURES, [body("chat", 10)], asked_at)
    assert held(cache) == 12


def test_kinds_and_namespaces_are_kept_apart() -> None:
    cache = Cache()
    cache.store(FEATURES, body("chat", 10))
    cache.store(KILL_SWITCHES, body("chat", 5))
    cache.store(FEATURES, body("chat", 11, namespace="bank"))
    assert cache.newest(KILL_SWITCHES) == 5
    assert len(list(cache.all(FEATURES))) == 2
    assert len(list(cache.all(FEATURES, "bank"))) == 1
    cache.replace(KILL_SWITCHES, [], 5)
    assert held(cache) == 10
