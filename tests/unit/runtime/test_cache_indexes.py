"""What is looked up instead of searched for, and parsed once instead of in every pass."""

from goaround.api.kinds import FEATURES, KILL_SWITCHES
from goaround.runtime.cache import Cache, Index
from goaround.world.kube import Body


def body(name: str, version: int, *says: str, namespace: str = "shop") -> Body:
    meta = {"namespace": namespace, "name": name, "resourceVersion": str(version)}
    return {"metadata": meta, "says": list(says)}


def indexed(cache: Cache) -> Index:
    return cache.index(FEATURES, lambda found: found["says"])


def test_an_index_names_whoever_says_a_value_in_the_order_in_which_they_did() -> None:
    cache = Cache()
    index = indexed(cache)
    cache.store(FEATURES, body("b", 1, "x", "y"))
    cache.store(FEATURES, body("a", 2, "x"))
    cache.store(KILL_SWITCHES, body("another-kind", 3, "x"))
    assert index.names("shop", "x") == ["b", "a"]
    assert index.names("shop", "y") == ["b"]
    assert index.names("elsewhere", "x") == []


def test_an_index_begins_with_what_is_known_already() -> None:
    cache = Cache()
    cache.store(FEATURES, body("a", 1, "x"))
    assert indexed(cache).names("shop", "x") == ["a"]


def test_an_index_follows_changes_and_no_older_body() -> None:
    cache = Cache()
    index = indexed(cache)
    cache.store(FEATURES, body("a", 5, "x"))
    cache.store(FEATURES, body("a", 6, "y"))
    cache.store(FEATURES, body("a", 4, "x"))
    assert (index.names("shop", "x"), index.names("shop", "y")) == ([], ["a"])


def test_an_index_forgets_what_was_removed_dropped_or_is_missing_from_a_list() -> None:
    cache = Cache()
    index = indexed(cache)
    for name in ("removed", "dropped", "missing", "kept"):
        cache.store(FEATURES, body(name, 5, "x"))
    cache.remove(FEATURES, body("removed", 6))
    cache.drop(FEATURES, ("shop", "dropped"))
    cache.replace(FEATURES, [body("kept", 5, "x")], cache.newest(FEATURES))
    assert index.names("shop", "x") == ["kept"]


def test_a_body_is_parsed_once_and_a_newer_one_again() -> None:
    asked: list[Body] = []

    def parse(found: Body) -> int | None:
        asked.append(found)
        return None if found["says"] == ["nonsense"] else len(found["says"])

    cache = Cache()
    assert cache.parsed(FEATURES, ("shop", "a"), parse) is None
    cache.store(FEATURES, body("a", 1, "x"))
    assert [cache.parsed(FEATURES, ("shop", "a"), parse) for _ in range(3)] == [1, 1, 1]
    cache.store(FEATURES, body("a", 2, "nonsense"))
    assert [cache.parsed(FEATURES, ("shop", "a"), parse) for _ in range(3)] == [None] * 3
    cache.drop(FEATURES, ("shop", "a"))
    assert cache.parsed(FEATURES, ("shop", "a"), parse) is None
    assert len(asked) == 2


def test_bodies_of_one_namespace_are_found_without_the_others() -> None:
    cache = Cache()
    cache.store(FEATURES, body("a", 1))
    cache.store(FEATURES, body("a", 2, namespace="elsewhere"))
    assert [b["metadata"]["namespace"] for b in cache.all(FEATURES)] == ["shop", "elsewhere"]
    assert [b["metadata"]["resourceVersion"] for b in cache.all(FEATURES, "elsewhere")] == ["2"]
    assert list(cache.all(FEATURES, "nowhere")) == []
