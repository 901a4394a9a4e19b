"""Flag keys are unique in a namespace: the older object keeps its key."""

from goaround.delivery.flagset import key_owners, owns_its_keys
from tests.unit.delivery import builders as b

OLD, NEW = "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z"


def test_every_feature_owns_its_release_and_bucket_key() -> None:
    assert key_owners([b.feature("chat")]) == {
        ("shop", "chat.release"): ("shop", "chat"),
        ("shop", "chat.bucket"): ("shop", "chat"),
    }


def test_the_older_feature_keeps_a_key_that_two_declare() -> None:
    old = b.feature("zebra", created=OLD, flag={"key": "assistant"})
    new = b.feature("ant", created=NEW, flag={"key": "assistant"})
    owners = key_owners([new, old])
    assert owners["shop", "assistant"] == ("shop", "zebra")
    assert owns_its_keys(old, owners)
    assert not owns_its_keys(new, owners)
    assert ("shop", "ant.bucket") not in owners


def test_of_two_equally_old_features_the_lower_uid_keeps_the_key() -> None:
    one = b.feature("one", uid="b", flag={"key": "k"})
    two = b.feature("two", uid="a", flag={"key": "k"})
    assert key_owners([one, two])["shop", "k"] == ("shop", "two")


def test_the_same_key_in_two_namespaces_is_no_conflict() -> None:
    here, there = b.feature("chat"), b.feature("chat", namespace="lab")
    owners = key_owners([here, there])
    assert owns_its_keys(here, owners)
    assert owns_its_keys(there, owners)


def test_a_declared_key_can_take_another_features_bucket_key() -> None:
    old = b.feature("thief", created=OLD, flag={"key": "chat.bucket"})
    new = b.feature("chat", created=NEW)
    owners = key_owners([old, new])
    assert not owns_its_keys(new, owners)
    assert ("shop", "chat.release") not in owners


def test_a_feature_that_lost_a_key_blocks_nobody_else() -> None:
    first = b.feature("first", created="2026-01-01T00:00:00Z", flag={"key": "k"})
    loser = b.feature("loser", created="2026-02-01T00:00:00Z", flag={"key": "k"})
    third = b.feature("third", created="2026-03-01T00:00:00Z", flag={"key": "loser.bucket"})
    assert owns_its_keys(third, key_owners([first, loser, third]))


def test_a_release_key_equal_to_the_own_bucket_key_is_a_conflict() -> None:
    feature = b.feature("chat", flag={"key": "chat.bucket"})
    assert not owns_its_keys(feature, key_owners([feature]))
