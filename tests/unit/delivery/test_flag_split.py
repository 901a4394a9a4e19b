"""Every flag we write is evaluated by flagd-core for 2,000 users: shares, order, salts, guard."""

import math

import pytest

from goaround.api.base import Json
from goaround.delivery.flagset import BUCKETS, feature_flags
from tests.unit.delivery import builders as b

SPLITS = [(100, 0, 0), (90, 10, 0), (50, 50, 0), (2, 98, 0), (0, 100, 0), (0, 10, 90), (33, 33, 34)]


@pytest.mark.parametrize("split", SPLITS)
def test_each_variant_gets_its_share_of_users(split: tuple[int, int, int]) -> None:
    seen = b.counted(feature_flags(b.feature(split=split), ()))
    for variant, percent in zip(("stable", "candidate", "fallback"), split, strict=True):
        share, n = percent / 100, len(b.KEYS)
        assert abs(seen[variant] - n * share) <= 4 * math.sqrt(n * share * (1 - share)), variant


def test_nobody_leaves_the_candidate_when_its_share_rises() -> None:
    steps = [(99, 1, 0), (90, 10, 0), (50, 50, 0), (2, 98, 0), (0, 100, 0)]
    before: set[str] = set()
    for split in steps:
        got = b.variants(feature_flags(b.feature(split=split), ()))
        on_candidate = {key for key, variant in zip(b.KEYS, got, strict=True) if variant[0] == "c"}
        assert before <= on_candidate
        before = on_candidate
    assert len(before) == len(b.KEYS)


def test_nobody_leaves_the_candidate_when_it_rises_against_the_fallback() -> None:
    low = b.variants(feature_flags(b.feature(split=(0, 10, 90), good=None), ()))
    high = b.variants(feature_flags(b.feature(split=(0, 50, 50), good=None), ()))
    assert all(after == "candidate" for a, after in zip(low, high, strict=True) if a == "candidate")


def test_another_attempt_meets_other_users() -> None:
    def on_candidate(attempt: int) -> set[str]:
        flying = b.candidate("v42", attempt=attempt)
        got = b.variants(feature_flags(b.feature(split=(50, 50, 0), flying=flying), ()))
        return {key for key, variant in zip(b.KEYS, got, strict=True) if variant == "candidate"}

    first, second = on_candidate(1), on_candidate(2)
    assert 0.44 < len(first & second) / len(first) < 0.56


def test_another_release_meets_other_users() -> None:
    def on_candidate(version: str) -> set[str]:
        flags = feature_flags(b.feature(split=(50, 50, 0), flying=b.candidate(version)), ())
        got = b.variants(flags)
        return {key for key, variant in zip(b.KEYS, got, strict=True) if variant == "candidate"}

    first, second = on_candidate("v42"), on_candidate("v43")
    assert 0.44 < len(first & second) / len(first) < 0.56


@pytest.mark.parametrize("key", [None, ""])
def test_traffic_without_a_key_is_stable_by_default_whatever_the_salt(key: str | None) -> None:
    for attempt in range(1, 60):
        flying = b.candidate("v42", attempt=attempt)
        core = b.core_with(feature_flags(b.feature(split=(10, 90, 0), flying=flying), ()))
        got = b.evaluated(core, key)
        assert (got.variant, got.reason) == ("stable", "DEFAULT")


@pytest.mark.parametrize("more", [{"good": None, "split": (0, 10, 90)}, {"split": (0, 10, 90)}])
def test_traffic_without_a_key_falls_back_where_nobody_may_be_on_stable(more: Json) -> None:
    got = b.evaluated(b.core_with(feature_flags(b.feature(**more), ())), None)
    assert (got.variant, got.reason) == ("fallback", "DEFAULT")


def test_buckets_are_equally_likely() -> None:
    counts = [0] * len(BUCKETS)
    core = b.core_with(feature_flags(b.feature(), ()))
    keys = [f"session-{n}" for n in range(4000)]
    for key in keys:
        counts[BUCKETS.index(_bucket(core, key))] += 1
    expected = len(keys) / len(BUCKETS)
    # chi-square with 19 degrees of freedom exceeds 43.8 once in a thousand
    assert sum((n - expected) ** 2 / expected for n in counts) < 43.8


def test_buckets_say_nothing_about_the_split() -> None:
    core = b.core_with(feature_flags(b.feature(split=(50, 50, 0)), ()))
    table = {bucket: [0, 0] for bucket in BUCKETS}
    keys = [f"session-{n}" for n in range(4000)]
    for key in keys:
        table[_bucket(core, key)][b.evaluated(core, key).variant == "candidate"] += 1
    on_candidate = sum(row[1] for row in table.values()) / len(keys)
    distance = 0.0
    for row in table.values():
        for seen, share in zip(row, (1 - on_candidate, on_candidate), strict=True):
            distance += (seen - sum(row) * share) ** 2 / (sum(row) * share)
    assert distance < 43.8


def test_buckets_stay_when_the_attempt_changes_and_when_killed() -> None:
    first = feature_flags(b.feature(), ())
    later = feature_flags(b.feature(flying=b.candidate("v43", attempt=4), stage="Killed"), ())
    assert [_bucket(b.core_with(first), k) for k in b.KEYS[:200]] == [
        _bucket(b.core_with(later), k) for k in b.KEYS[:200]
    ]


def test_the_bucket_without_a_key_is_the_default() -> None:
    core = b.core_with(feature_flags(b.feature(), ()))
    for context in (None, ""):
        got = core.resolve_string_value("chat.bucket", "?", b.context(context))
        assert (got.variant, got.reason) == ("b00", "DEFAULT")


def _bucket(core: b.FlagdCore, key: str) -> str:
    return core.resolve_string_value("chat.bucket", "?", b.context(key)).value
