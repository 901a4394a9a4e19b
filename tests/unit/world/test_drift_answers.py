"""Answers to the drift watch's questions: whole samples, or one reason why not."""

import asyncio
import json
from collections.abc import Mapping

import pytest
from aiohttp import web

from goaround.api.base import Json
from goaround.api.drift import DriftInput
from goaround.evidence.embeddings import EmbeddingSum
from goaround.evidence.samples import Histogram, Likeness, Mix
from goaround.world.prom_drift import Parts, decode_drift, drift_expression
from goaround.world.prom_embeddings import COUNTS, SERIES, SUM
from goaround.world.prom_matchers import PART_LABEL, FeatureKey, Labels, SelectorError
from goaround.world.prom_types import Provider, Unreadable, UnreadableReason
from goaround.world.prometheus import PrometheusReader
from tests.unit.world.provider_stub import Stub, grid, matrix, serving

ENDS = range(600, 901, 300)
LENGTH = DriftInput.model_validate({"name": "length", "histogram": "tokens_bucket{$match}"})
LANGUAGE = DriftInput.model_validate(
    {"name": "language", "category": {"counter": "language_total{$match}", "label": "language"}}
)
MEANING = DriftInput.model_validate(
    {"name": "meaning", "similarity": {"sum": "s{$match}", "count": "n{$match}"}}
)
CENTROID = DriftInput.model_validate(
    {
        "name": "centroid",
        "centroid": {"sum": "e_sum{$match}", "count": "e_total{$match}", "dimension": "dim"},
    }
)
PROVIDER = Provider("default", "http://prometheus.invalid")


def _row(*values: tuple[float, str], part: str = COUNTS, **labels: str) -> Json:
    return {
        "metric": {"ai_variant": "stable", PART_LABEL: part, **labels},
        "values": [list(pair) for pair in values],
    }


def _decoded(watched: DriftInput, *rows: Json, **more: object) -> Parts | Unreadable:
    data = {"resultType": "matrix", "result": list(rows)}
    body = json.dumps({"status": "success", "data": data, **more}).encode()
    return decode_drift(body, watched, Labels(), ends=ENDS, variants=("stable",))


def test_buckets_classes_and_sums_become_samples_by_end() -> None:
    le = [_row((600, "2"), (900, "4"), le="1"), _row((600, "5"), (900, "9"), le="+Inf")]
    assert _decoded(LENGTH, *le) == {
        "stable": {600: Histogram((1,), (2, 3)), 900: Histogram((1,), (4, 5))}
    }
    classes = [_row((600, "7"), language="en"), _row((600, "2"))]
    assert _decoded(LANGUAGE, *classes) == {"stable": {600: Mix({"en": 7, "none": 2})}}
    sums = [_row((900, "4"), part=COUNTS), _row((900, "-1.5"), part=SUM)]
    assert _decoded(MEANING, *sums) == {"stable": {900: Likeness(-1.5, 4)}}


def _embedded(
    n: str, *components: str, series: str = "1", arm: str = "stable", at: int = 600
) -> list[Json]:
    """What `drift_expression` answers for a centroid; a dimension without a number is missing."""
    rows = [_row((at, n), ai_variant=arm)]
    for dim, component in enumerate(components):
        if component:
            more = {"dim": f"{dim}", "ai_variant": arm}
            rows.append(_row((at, component), part=SUM, **more))
            rows.append(_row((at, series), part=SERIES, **more))
    return rows


def test_sums_by_dimension_become_one_sum_by_end_in_the_order_of_their_numbers() -> None:
    rows = [*_embedded("9", *map(str, range(12))), *_embedded("4", *["-1.5"] * 12, at=900)]
    assert _decoded(CENTROID, *reversed(rows)) == {
        "stable": {
            600: EmbeddingSum(tuple(map(float, range(12))), 9),
            900: EmbeddingSum((-1.5,) * 12, 4),
        }
    }


def test_before_the_first_embedding_there_is_no_sum_and_no_fault() -> None:
    assert _decoded(CENTROID, *_embedded("0"), *_embedded("4", "1", "2", at=900)) == {
        "stable": {900: EmbeddingSum((1, 2), 4)}
    }
    born = _embedded("0", "1", "2")[2::2]  # series are there, and their growth cannot be told yet
    assert _decoded(CENTROID, *born) == {"stable": {}}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (
            _embedded("4", "1", "", "3"),
            "dim=1 of stable is missing; export all dimensions from 0 on (the highest seen is 2)",
        ),
        (_embedded("4"), "the highest seen is None)"),
        (
            _embedded("4", "", "1", "2"),
            "dim=0 of stable is missing; export all dimensions from 0 on (the highest seen is 2)",
        ),
        (
            [*_embedded("4", "1", "2", "3"), *_embedded("4", "1", "2", at=900)],
            "dim=2 of stable is missing",
        ),
        (_embedded("4", *["1"] * 65), "dim=64 is there, but at most 64 dimensions are taken"),
        (_embedded("4", "1"), "2 to 64 dimensions, not 1"),
        (_embedded("4", "1", "2")[1:], "stable has sums of embeddings and no count"),
        ([*_embedded("4", "1", "2"), _row((600, "4"), dim="0")], 'for example dim="0"'),
        (
            [*_embedded("4", "1", "2")[:-1], _row((600, "2"), part=SERIES, dim="1")],
            "dim=1 of stable is there in 2 series and dim=0 in 1",
        ),
        (_embedded("4", "1", "NaN"), "no finite number"),
        (_embedded("NaN", "1", "2"), "no number of embeddings"),
    ],
)
def test_a_dimension_too_many_or_too_few_is_told(rows: list[Json], told: str) -> None:
    found = _decoded(CENTROID, *rows)
    assert isinstance(found, Unreadable)
    assert found.reason is UnreadableReason.BAD_ANSWER
    assert told in found.message


def test_both_arms_need_the_same_dimensions() -> None:
    rows = [*_embedded("4", "1", "2"), *_embedded("4", "1", "2", "3", arm="candidate")]
    data = {"resultType": "matrix", "result": rows}
    body = json.dumps({"status": "success", "data": data}).encode()
    arms = ("stable", "candidate")
    found = decode_drift(body, CENTROID, Labels(), ends=ENDS, variants=arms)
    assert isinstance(found, Unreadable)
    assert (
        "dim=2 of stable is missing; export all dimensions from 0 on (the highest seen is 2)"
        in found.message
    )


def test_one_question_asks_for_all_dimensions_and_no_more_than_one_beyond() -> None:
    key = FeatureKey("shop", "chat")
    text = drift_expression(CENTROID, PROVIDER, key, step=150, variants=("stable",))
    assert text.count('|63|64"') == text.count("e_sum{") == 4
    assert "|65" not in text


def _all_dimensions(form: Mapping[str, str]) -> list[Json]:
    """The longest answer there is: 64 dimensions of both arms, with numbers of all digits."""
    ends, found = grid(form), []
    for arm in ("stable", "candidate"):
        found.append(_row(*((end, "12345") for end in ends), ai_variant=arm))
        for i in range(64):
            dim = {"dim": str(i), "ai_variant": arm}
            found.append(_row(*((end, f"{-12345 / 7}") for end in ends), part=SUM, **dim))
            found.append(_row(*((end, "20") for end in ends), part=SERIES, **dim))
    return found


def test_a_window_of_all_dimensions_takes_one_query_and_a_quarter_of_the_bytes_allowed() -> None:
    sizes = []

    async def answer(_: web.Request, form: Mapping[str, str]) -> web.Response:
        body = matrix(_all_dimensions(form))
        sizes.append(len(body))
        return web.Response(body=body)

    async def ask() -> tuple[Parts | Unreadable, Stub]:
        async with serving(answer) as stub:
            reader = PrometheusReader(stub.provider())
            ends, arms = range(600, 600 + 24 * 150, 150), ("stable", "candidate")
            try:
                return await reader.drift(FeatureKey("shop", "chat"), CENTROID, ends, arms), stub
            finally:
                await reader.aclose()

    found, stub = asyncio.run(ask())
    assert not isinstance(found, Unreadable), found
    assert [len(found[arm]) for arm in ("stable", "candidate")] == [24, 24]
    print(f"{sizes} bytes")
    assert len(stub.forms) == 1
    assert sizes[0] < stub.provider().max_bytes / 4


def test_other_variants_are_passed_over() -> None:
    assert _decoded(LANGUAGE, _row((600, "7"), language="en", ai_variant="golden")) == {}


@pytest.mark.parametrize(
    ("watched", "rows"),
    [
        (LANGUAGE, [_row((600, "NaN"), language="en")]),
        (LANGUAGE, [_row((600, "+Inf"), language="en")]),
        (LANGUAGE, [_row((600, "-1"), language="en")]),
        (LANGUAGE, [_row((600, "many"), language="en")]),
        (LANGUAGE, [_row((601, "1"), language="en")]),
        (LANGUAGE, [_row((600, "1"), language="en"), _row((600, "1"), language="en")]),
        (LANGUAGE, [{"metric": {"language": "en"}, "values": [[600, "1"]]}]),
        (LENGTH, [_row((600, "1"), le="1")]),
        (LENGTH, [_row((600, "1"), le="one"), _row((600, "2"), le="+Inf")]),
        (LENGTH, [_row((600, "3"), le="1"), _row((600, "2"), le="+Inf")]),
        (MEANING, [_row((600, "9"), part=SUM), _row((600, "2"), part=COUNTS)]),
    ],
)
def test_what_is_no_sample_makes_the_input_unreadable(
    watched: DriftInput, rows: list[Json]
) -> None:
    found = _decoded(watched, *rows)
    assert isinstance(found, Unreadable)
    assert found.reason is UnreadableReason.BAD_ANSWER


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'{"status":"error"}', b"\xff"])
def test_what_is_no_answer_is_unreadable(body: bytes) -> None:
    found = decode_drift(body, LANGUAGE, Labels(), ends=ENDS, variants=("stable",))
    assert isinstance(found, Unreadable)


def test_a_partial_answer_is_none() -> None:
    found = _decoded(LANGUAGE, _row((600, "7"), language="en"), warnings=["half of it"])
    assert isinstance(found, Unreadable)
    assert found.reason is UnreadableReason.PARTIAL
    assert "half" not in found.message


def test_the_question_pins_every_selector_to_the_feature() -> None:
    for watched in (LENGTH, LANGUAGE, MEANING, CENTROID):
        key, arms = FeatureKey("shop", 'cha"t'), ("stable", "candidate")
        text = drift_expression(watched, PROVIDER, key, step=150, variants=arms)
        assert text.count("last_over_time(") == text.count('namespace="shop"')
        assert text.count("last_over_time(") == text.count(r'ai_feature="cha\"t"')


def test_a_selector_that_cannot_be_pinned_is_refused() -> None:
    with pytest.raises(SelectorError):
        drift_expression(
            LENGTH.but(histogram="tokens_bucket"),
            PROVIDER,
            FeatureKey("shop", "chat"),
            step=150,
            variants=("stable",),
        )
