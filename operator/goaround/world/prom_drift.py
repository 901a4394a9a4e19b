"""Reading the inputs of a drift watch: counts per bucket or class, sums of cosines and embeddings.

Decides how an input's window is asked in parts, as growth of counters that add up, and what an
answer must look like to be a sample. Refuses half an answer: all parts are read, or there is one
reason why not. Compares nothing.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from goaround.api.drift import DriftInput
from goaround.evidence.drift import Sample
from goaround.evidence.model import ImpossibleCounts
from goaround.evidence.samples import Likeness, Mix, from_cumulative
from goaround.world.prom_embeddings import COUNTS, NUMBERED, SERIES, SUM, Cells, embedding_sums
from goaround.world.prom_expression import lookbacks
from goaround.world.prom_matchers import (
    LE,
    PART_LABEL,
    FeatureKey,
    Labels,
    Matcher,
    SelectorError,
    SelectorTemplate,
    any_of,
    feature_pins,
)
from goaround.world.prom_matrix import Row, rows
from goaround.world.prom_types import Provider, Unreadable, UnreadableReason
from goaround.world.promql import parse_selector

Parts = Mapping[str, Mapping[int, Sample]]
"""Variant -> asked end -> its sample; an end at which it had no series is absent."""


class Queries(Protocol):
    """Whoever asks a provider, as `PrometheusHttp` does."""

    async def query_range(self, query: str, ends: range) -> bytes | Unreadable: ...


async def read_drift(
    http: Queries,
    provider: Provider,
    feature: FeatureKey,
    watched: DriftInput,
    *,
    ends: range,
    variants: Collection[str],
) -> Parts | Unreadable:
    """The input's samples in (end - step, end] for every one of `ends`, unix seconds."""
    try:
        query = drift_expression(watched, provider, feature, step=ends.step, variants=variants)
    except SelectorError as error:
        return Unreadable(UnreadableReason.BAD_QUERY, str(error))
    body = await http.query_range(query, ends)
    if isinstance(body, Unreadable):
        return body
    # in a thread of its own: a large answer delays nobody's kill
    found = await asyncio.to_thread(
        decode_drift, body, watched, provider.labels, ends=ends, variants=variants
    )
    return found.of(provider.name) if isinstance(found, Unreadable) else found


def drift_expression(
    watched: DriftInput,
    provider: Provider,
    feature: FeatureKey,
    *,
    step: int,
    variants: Collection[str],
) -> str:
    """One expression for the input's growth in the `step` seconds before now, by variant and class.

    As for signals: per series, from 0 where it restarted or was born in the window, and nothing of
    a feature that had no series at the window's start. Raises `SelectorError` for refused texts.
    """
    labels = provider.labels
    window = _Window(provider, feature, step, tuple(variants))
    selectors = {part: parse_selector(text, labels) for part, text in selectors_of(watched)}
    counter, summed = selectors[COUNTS], selectors.get(SUM)
    by = ", ".join((labels.variant, *_class_labels(watched)))
    asked = {COUNTS: f"sum by ({by}) ({window.growth(counter, counter)})"}
    if summed is not None and watched.centroid is not None:
        label = watched.centroid.dimension
        numbered = SelectorTemplate(summed.metric, (*summed.matchers, any_of(label, NUMBERED)))
        asked[SUM] = f"sum by ({by}) ({window.growth(numbered, counter, apart=label)})"
        asked[SERIES] = f"count by ({by}) ({window.series(numbered)})"
    elif summed is not None:
        asked[SUM] = f"sum by ({by}) ({window.growth(summed, counter)})"
    return " or ".join(
        f'label_replace({text}, "{PART_LABEL}", "{part}", "", "")' for part, text in asked.items()
    )


def selectors_of(watched: DriftInput) -> Iterator[tuple[str, str]]:
    """The texts of tenants that the input is read by, each with the part that it counts."""
    if watched.histogram is not None:
        yield COUNTS, watched.histogram
    elif watched.category is not None:
        yield COUNTS, watched.category.counter
    elif watched.similarity is not None:
        yield COUNTS, watched.similarity.count
        yield SUM, watched.similarity.sum
    elif watched.centroid is not None:
        yield COUNTS, watched.centroid.count
        yield SUM, watched.centroid.sum


def _class_labels(watched: DriftInput) -> tuple[str, ...]:
    if watched.histogram is not None:
        return (LE,)
    if watched.centroid is not None:
        return (watched.centroid.dimension,)
    return (watched.category.label,) if watched.category is not None else ()


@dataclass(frozen=True, slots=True)
class _Window:
    provider: Provider
    feature: FeatureKey
    step: int
    variants: tuple[str, ...]

    def growth(
        self, template: SelectorTemplate, counter: SelectorTemplate, *, apart: str = ""
    ) -> str:
        """Per series; `counter` tells restarts, because a sum of cosines may fall without one.
        apart: a label that the counter lacks."""
        labels, match = self.provider.labels, f" ignoring ({apart})" if apart else ""
        end, start = self._ends(template.pinned(self._arms))
        counter_end, counter_start = self._ends(counter.pinned(self._arms))
        _, known = self._ends(counter.pinned(self._pins))
        own = f"{labels.namespace}, {labels.feature}"
        grown = f"(({end} - {start}) unless{match} ({counter_end} - {counter_start} < 0)) or {end}"
        return f"({grown}) and on ({own}) group by ({own}) ({known})"

    def series(self, template: SelectorTemplate) -> str:
        """Those that count in the window."""
        return self._ends(template.pinned(self._arms))[0]

    @property
    def _pins(self) -> tuple[Matcher, ...]:
        return feature_pins(self.provider.labels, [self.feature])

    @property
    def _arms(self) -> tuple[Matcher, ...]:
        return *self._pins, any_of(self.provider.labels.variant, self.variants)

    def _ends(self, selector: str) -> tuple[str, str]:
        scrape = self.provider.scrape_seconds
        short, long = lookbacks(interval=self.step, scrape_seconds=scrape)
        end = f"last_over_time({selector}[{short}s])"
        return end, f"last_over_time({selector}[{long}s] offset {self.step}s)"


def decode_drift(
    body: bytes, watched: DriftInput, labels: Labels, *, ends: range, variants: Collection[str]
) -> Parts | Unreadable:
    """The samples of an answer to `drift_expression`, or why it is unusable as a whole."""
    answer = rows(body)
    if isinstance(answer, Unreadable):
        return answer
    try:
        cells = _cells(answer, watched, labels, ends)
        asked = {variant: cells[variant] for variant in variants if variant in cells}
        if watched.centroid is not None:
            return embedding_sums(asked, watched.centroid.dimension)
        return {
            variant: {end: _sample(watched, by_end[end]) for end in sorted(by_end)}
            for variant, by_end in asked.items()
        }
    except ImpossibleCounts as error:
        return _bad(f"{error}")


def _cells(answer: Collection[Row], watched: DriftInput, labels: Labels, ends: range) -> Cells:
    found: defaultdict[str, defaultdict[int, dict[tuple[str, str], float]]]
    found = defaultdict(lambda: defaultdict(dict))
    for row in answer:
        if not {labels.variant, PART_LABEL} <= row.metric.keys():
            raise ImpossibleCounts(f"a row lacks the label {labels.variant} or {PART_LABEL}")
        variant, part = row.metric[labels.variant], row.metric[PART_LABEL]
        names = [row.metric.get(label, "") for label in _class_labels(watched)]
        cell = (part, names[0] if names else "")
        for at, text in row.values:
            if at not in ends or cell in found[variant][int(at)]:
                raise ImpossibleCounts(f"a value at {at} was not asked for, or is there twice")
            found[variant][int(at)][cell] = _amount(text)
    return found


def _sample(watched: DriftInput, cell: Mapping[tuple[str, str], float]) -> Sample:
    """One part's sample. Raises `ImpossibleCounts`."""
    if watched.similarity is not None:
        return Likeness(cell.get((SUM, ""), 0.0), cell.get((COUNTS, ""), 0.0))
    if watched.category is not None:
        return Mix({name or "none": count for (_, name), count in cell.items()})
    return from_cumulative({_amount(le): count for (_, le), count in cell.items()})


def _amount(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ImpossibleCounts("a value or a bucket bound is no number") from error


def _bad(message: str) -> Unreadable:
    return Unreadable(UnreadableReason.BAD_ANSWER, f"{message}: check the provider and the metric")
