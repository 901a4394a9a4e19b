"""What the drift watch reads of a real Prometheus' past: every request once, in its class."""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from goaround.api.drift import Drift, DriftInput
from goaround.evidence.drift import DriftVerdict, Sample
from goaround.evidence.drift_watch import PARTS, References, look, whole
from goaround.evidence.embeddings import EmbeddingSum
from goaround.evidence.samples import Histogram, Likeness, Mix
from goaround.world.prom_drift import Parts, read_drift
from goaround.world.prom_http import PrometheusHttp
from goaround.world.prom_matchers import FeatureKey
from goaround.world.prom_types import Provider, Unreadable, UnreadableReason
from hack.controlplane import ControlPlane
from tests.cluster.prometheus_feed import remote_write

pytestmark = pytest.mark.cluster

SCRAPE, STEP = 15, 150
BEFORE = 4 * SCRAPE
WATCH = Drift.model_validate(
    {
        "inputs": [
            {"name": "length", "histogram": "tokens_bucket{$match}"},
            {
                "name": "language",
                "category": {"counter": "language_total{$match}", "label": "language"},
                "action": "Hold",
            },
            {
                "name": "meaning",
                "similarity": {"sum": "cosine_sum{$match}", "count": "cosine_count{$match}"},
            },
        ]
    }
)
LENGTH, LANGUAGE, MEANING = WATCH.inputs
CENTROID = DriftInput.model_validate(
    {
        "name": "centroid",
        "centroid": {
            "sum": "embedding_sum{$match}",
            "count": 'embedding_count{$match,dim="0"}',
            "dimension": "dim",
        },
    }
)


@dataclass(frozen=True, slots=True)
class Past:
    """An hour that ended at `end`; `key` is the feature that wrote it."""

    provider: Provider
    key: FeatureKey
    end: int

    @property
    def ends(self) -> range:
        return range(self.end - (PARTS - 1) * STEP, self.end + 1, STEP)

    def grow(
        self, metric: str, variant: str, per_scrape: float, *, since: int = 0, **more: str
    ) -> None:
        """A counter that grows evenly through the hour; from second `since` on it starts anew."""
        begin = self.end - PARTS * STEP
        values, samples = -BEFORE // SCRAPE * per_scrape, []
        for second in range(-BEFORE, PARTS * STEP + 1, SCRAPE):
            value = second // SCRAPE * per_scrape - values
            reset = (since // SCRAPE - 1) * per_scrape - values if since and second >= since else 0
            samples.append((begin + second, value - reset))
        labels = {
            "__name__": metric,
            "namespace": self.key.namespace,
            "ai_feature": self.key.name,
            "ai_variant": variant,
            "pod": "a",
            **more,
        }
        remote_write(self.provider.url, [(labels, samples)])

    def read(self, watched: DriftInput) -> Parts | Unreadable:
        async def ask() -> Parts | Unreadable:
            http = PrometheusHttp(self.provider)
            try:
                arms = ("stable", "candidate")
                return await read_drift(
                    http, self.provider, self.key, watched, ends=self.ends, variants=arms
                )
            finally:
                await http.aclose()

        return asyncio.run(ask())

    def parts(self, watched: DriftInput) -> Parts:
        found = self.read(watched)
        assert not isinstance(found, Unreadable), found
        return found


@pytest.fixture
def past(plane: ControlPlane) -> Past:
    provider = Provider("default", plane.prometheus, scrape_seconds=SCRAPE)
    key = FeatureKey(f"drift-{uuid.uuid4().hex[:8]}", "chat")
    return Past(provider, key, int(time.time()) // 300 * 300 - 600)


def total(parts: Mapping[int, Sample]) -> Sample | None:
    return whole(list(parts.values()))


def _write(past: Past) -> None:
    """1,200 requests of stable, in classes; 240 of the candidate, in others."""
    for le, stable, candidate in (("64", 3.0, 0.25), ("256.0", 4.0, 0.75), ("+Inf", 5.0, 1.0)):
        past.grow("tokens_bucket", "stable", stable, le=le)
        past.grow("tokens_bucket", "candidate", candidate, le=le)
    for language, stable, candidate in (("en", 4.5, 0.5), ("de", 0.5, 0.5)):
        past.grow("language_total", "stable", stable, language=language)
        past.grow("language_total", "candidate", candidate, language=language)
    past.grow("cosine_sum", "stable", -2.0)
    past.grow("cosine_count", "stable", 5.0)


def test_every_request_is_read_once_in_its_class(past: Past) -> None:
    _write(past)
    length, language, meaning = (past.parts(watched) for watched in WATCH.inputs)
    assert {arm: len(parts) for arm, parts in length.items()} == {
        "stable": PARTS,
        "candidate": PARTS,
    }
    assert total(length["stable"]) == Histogram((64, 256), (720, 240, 240))
    assert total(length["candidate"]) == Histogram((64, 256), (60, 120, 60))
    assert total(language["stable"]) == Mix({"en": 1080, "de": 120})
    assert total(language["candidate"]) == Mix({"en": 120, "de": 120})
    assert total(meaning["stable"]) == Likeness(-480, 1200)  # a sum that falls is no restart
    assert "candidate" not in meaning


def test_a_look_at_what_was_read_finds_the_drift(past: Past) -> None:
    _write(past)
    seen = {watched.name: past.parts(watched) for watched in WATCH.inputs}
    found = look(WATCH, seen, References(), arm="candidate", now=float(past.end))
    print(*(finding.line for finding in found), sep="\n")
    assert [f.verdict for f in found] == [
        DriftVerdict.ALERT,
        DriftVerdict.HOLD,
        DriftVerdict.UNKNOWN,
    ]


def test_a_restart_is_counted_from_zero(past: Past) -> None:
    past.grow("language_total", "stable", 5.0, since=1515, language="en")
    sample = total(past.parts(LANGUAGE)["stable"])
    assert sample == Mix({"en": 1200})


def _embed(past: Past, variant: str, n: float, *components: float, since: int = 0) -> None:
    """A summary by dimension, of so many embeddings a scrape with these sums."""
    for dim, component in enumerate(components):
        past.grow("embedding_sum", variant, component, since=since, dim=str(dim))
        past.grow("embedding_count", variant, n, since=since, dim=str(dim))


def test_sums_of_embeddings_are_read_by_dimension_and_may_fall(past: Past) -> None:
    _embed(past, "stable", 5.0, *(0.25 * i - 4.0 for i in range(64)))
    _embed(past, "candidate", 1.0, *[-0.5] * 64)
    found = past.parts(CENTROID)
    assert {arm: len(parts) for arm, parts in found.items()} == {
        "stable": PARTS,
        "candidate": PARTS,
    }
    assert total(found["stable"]) == EmbeddingSum(tuple(60.0 * i - 960 for i in range(64)), 1200)
    assert total(found["candidate"]) == EmbeddingSum((-120.0,) * 64, 240)


def test_a_sum_of_embeddings_starts_anew_when_its_count_does(past: Past) -> None:
    _embed(past, "stable", 5.0, -2.0, 3.0, since=1515)
    assert total(past.parts(CENTROID)["stable"]) == EmbeddingSum((-480, 720), 1200)


def test_a_count_of_its_own_tells_restarts_of_all_dimensions(past: Past) -> None:
    for dim, component in enumerate((-2.0, 3.0)):
        past.grow("embedding_sum", "stable", component, since=1515, dim=str(dim))
    past.grow("embeddings_total", "stable", 5.0, since=1515)
    assert CENTROID.centroid is not None
    alone = CENTROID.centroid.but(count="embeddings_total{$match}")
    found = past.parts(CENTROID.but(centroid=alone))
    assert total(found["stable"]) == EmbeddingSum((-480, 720), 1200)


def _arms_differ(past: Past) -> None:
    _embed(past, "stable", 5.0, *[1.0] * 3)
    _embed(past, "candidate", 5.0, *[1.0] * 4)


def _instances_differ(past: Past) -> None:
    _embed(past, "stable", 5.0, 1.0, 2.0)
    past.grow("embedding_sum", "stable", 1.0, dim="2")
    past.grow("embedding_sum", "stable", 1.0, dim="0", pod="b")


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda past: _embed(past, "stable", 5.0, *[1.0] * 70), "at most 64 dimensions"),
        (_arms_differ, "dim=3 of stable is missing"),
        (_instances_differ, "dim=1 of stable is there in 1 series and dim=0 in 2"),
    ],
    ids=["too-many", "arms-differ", "instances-differ"],
)
def test_dimensions_that_do_not_match_make_a_centroid_unreadable(
    past: Past, write: Callable[[Past], object], told: str
) -> None:
    write(past)
    found = past.read(CENTROID)
    assert isinstance(found, Unreadable)
    assert told in found.message


def test_a_label_that_is_filled_with_anything_makes_no_answer_longer(past: Past) -> None:
    _embed(past, "stable", 5.0, 1.0, 2.0)
    for name in ("65", "1000", "user-7", "007"):
        past.grow("embedding_sum", "stable", 1.0, dim=name)
    assert total(past.parts(CENTROID)["stable"]) == EmbeddingSum((240, 480), 1200)


def test_a_feature_without_series_reads_as_nothing(past: Past) -> None:
    assert past.parts(LENGTH) == past.parts(CENTROID) == {}


def test_a_histogram_without_its_last_bucket_is_unreadable(past: Past) -> None:
    past.grow("tokens_bucket", "stable", 3.0, le="64")
    found = past.read(LENGTH)
    assert isinstance(found, Unreadable)
    assert found.reason is UnreadableReason.BAD_ANSWER
    assert "+Inf" in found.message


@pytest.mark.parametrize(
    "selector", ["tokens_bucket", 'x{ai_feature="other",$match}', "a or b{$match}"]
)
def test_selectors_that_reach_further_are_refused(past: Past, selector: str) -> None:
    found = past.read(LENGTH.but(histogram=selector))
    assert isinstance(found, Unreadable)
    assert found.reason is UnreadableReason.BAD_QUERY
