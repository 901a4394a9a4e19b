"""The expressions that GoAround asks, made of parsed selectors.

Decides how counters are differenced so that windows add up, and which parts each kind of shape is
made of. Refuses to sum before it takes differences; sends nothing and knows no clock.
"""

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, assert_never

from goaround.world.prom_matchers import (
    LE,
    PART_LABEL,
    FeatureKey,
    Labels,
    Matcher,
    SelectorTemplate,
    any_of,
    feature_pins,
    quote,
)
from goaround.world.prom_query import parse_query
from goaround.world.prom_scores import BY_BOUND, SCORES, SERIES
from goaround.world.prom_types import Kind, Shape
from goaround.world.promql import parse_matchers, parse_selector

LONG_LOOKBACK_EXTRA_SECONDS: Final = 900
ALL: Final = Matcher(LE, "=", "+Inf")

Pins = tuple[Matcher, ...]
Growth = Callable[[Pins], str]


def lookbacks(*, interval: int, scrape_seconds: float) -> tuple[int, int]:
    """The look-back at a window's end and the longer one at its start, both in whole seconds.

    The first must reach the last scrape of a pod that died in the window, also when one scrape was
    missed; the half scrape on top is for jitter. The second tells newborn from silent series.
    """
    lookback = math.ceil(interval + 2.5 * scrape_seconds)
    return lookback, lookback + LONG_LOOKBACK_EXTRA_SECONDS


def expression(
    shape: Shape,
    *,
    labels: Labels,
    features: Sequence[FeatureKey],
    variants: Collection[str],
    scrape_seconds: float,
) -> str:
    """One expression that reads `shape` of `features` in the `interval` seconds before now.

    Rows carry the three pinned labels, the bucket's where the series do, and `goaround_part`, which
    is one of `parts`; or one of `BY_BOUND` with `le` for the bucket, where a mean has a histogram.
    Evaluated with `query_range` at step = interval its windows are disjoint and their sums
    telescope (notes/statistics.md 2). Pairs of namespace and name that were not asked
    for may appear in the answer: both are matched by themselves. `features`, `variants` not empty.
    Raises `SelectorError` when the shape's texts are refused.
    """
    window = _Window(shape, *lookbacks(interval=shape.interval, scrape_seconds=scrape_seconds))
    parse_all(shape, labels)
    if shape.kind is Kind.QUERY:
        found = _queries(shape, labels, features, variants)
    elif shape.arms:
        found = _by_arms(shape, labels, window, features=features, variants=variants)
    else:
        found = _shared(shape, labels, window, features=features, variants=variants)
    return " or ".join(found)


def parse_all(shape: Shape, labels: Labels) -> None:
    """Raises `SelectorError` unless every text of the shape is acceptable."""
    if shape.kind is Kind.QUERY:
        parse_query(shape.bad, labels)
    else:
        for text in filter(None, (shape.bad, shape.total, shape.buckets)):
            parse_selector(text, labels)
    for _, text in shape.arms:
        parse_matchers(text, labels)


def parts(kind: Kind) -> tuple[str, ...]:
    """Values of `goaround_part` in the answer to a shape of this kind; those of a mean's buckets
    come on top."""
    match kind:
        case Kind.RATIO | Kind.COUNT:
            return "bad", "total"
        case Kind.LATENCY:
            return "fast", "total", "odd"
        case Kind.MEAN:
            return "sum", "total"
        case Kind.QUERY:
            return ("value",)
        case _:
            assert_never(kind)


def bounds_expression(shape: Shape, *, labels: Labels, feature: FeatureKey) -> str:
    """Which bucket bounds (`le`) the histogram of a Latency shape has, whatever the arm."""
    template = parse_selector(shape.bad, labels)
    pins = (_namespace(labels, feature),) if shape.arms else feature_pins(labels, [feature])
    selector = template.pinned((*pins, *_only(shape)))
    return f"group by ({LE}) (last_over_time({selector}[{LONG_LOOKBACK_EXTRA_SECONDS}s]))"


def le_texts(bound: str) -> tuple[str, ...]:
    """The ways in which exporters write a bound: `1`, `1.0`, `1e+06`; the server may rewrite it."""
    number = Decimal(bound)
    plain = f"{number.normalize():f}"
    digits, exponent = f"{number.normalize():e}".split("e")
    short = f"{digits}e{exponent[0]}{int(exponent[1:]):02d}"
    whole = (f"{plain}.0",) if "." not in plain else ()
    return tuple(sorted({plain, *whole, short, repr(float(number))}))


@dataclass(frozen=True, slots=True)
class _Window:
    shape: Shape
    lookback: int
    long_lookback: int

    def at_end(self, selector: str) -> str:
        late = f" offset {self.shape.offset}s" if self.shape.offset else ""
        return f"last_over_time({selector}[{self.lookback}s]{late})"

    def at_start(self, selector: str) -> str:
        late = self.shape.interval + self.shape.offset
        return f"last_over_time({selector}[{self.long_lookback}s] offset {late}s)"

    def growth(self, selector: str) -> str:
        """Per series; from 0 where it restarted, or was born in the window."""
        end = self.at_end(selector)
        return f"({end} - {self.at_start(selector)}) >= 0 or {end}"

    def growth_with(self, selector: str, counter: str) -> str:
        """As `growth`, but `counter` tells restarts: a sum of scores may fall without one."""
        end = self.at_end(selector)
        return f"(({end} - {self.at_start(selector)}) unless ({self._fallen(counter)})) or {end}"

    def growth_by_bound(self, selector: str, counter: str) -> str:
        """As `growth`, but `counter` tells restarts as well: not all buckets fall in one."""
        end, fallen = self.at_end(selector), self._fallen(counter)
        grown = f"({end} - {self.at_start(selector)}) >= 0"
        return f"(({grown}) unless ignoring ({LE}) ({fallen})) or {end}"

    def _fallen(self, counter: str) -> str:
        return f"{self.at_end(counter)} - {self.at_start(counter)} < 0"


def _growths(shape: Shape, labels: Labels, window: _Window) -> Iterator[tuple[str, str, Growth]]:
    """Per part: its name, how series are put together, and what each of them contributes. Those in
    `BY_BOUND` are put together for each bound of a bucket, whatever the users' bucket."""
    bad, total = _template(shape, shape.bad, labels), _template(shape, shape.total, labels)
    match shape.kind:
        case Kind.RATIO | Kind.COUNT:
            yield "bad", "sum", lambda pins: window.growth(bad.pinned(pins))
            yield "total", "sum", lambda pins: window.growth(total.pinned(pins))
        case Kind.LATENCY:
            fast = any_of(LE, le_texts(shape.slower_than))
            yield "fast", "sum", lambda pins: window.growth(bad.pinned((*pins, fast)))
            yield "total", "sum", lambda pins: window.growth(bad.pinned((*pins, ALL)))
            # series that count, but not to the bound that was asked for
            yield (
                "odd",
                "count",
                lambda pins: (
                    f"(({window.growth(bad.pinned((*pins, ALL)))}) > 0) "
                    f"unless ignoring ({LE}) {window.at_end(bad.pinned((*pins, fast)))}"
                ),
            )
        case Kind.MEAN:
            yield (
                "sum",
                "sum",
                lambda pins: window.growth_with(bad.pinned(pins), total.pinned(pins)),
            )
            yield "total", "sum", lambda pins: window.growth(total.pinned(pins))
            if shape.buckets:
                held = _template(shape, shape.buckets, labels)
                yield (
                    SCORES,
                    "sum",
                    lambda pins: window.growth_by_bound(held.pinned(pins), total.pinned(pins)),
                )
                yield SERIES, "count", lambda pins: window.at_end(held.pinned(pins))
        case Kind.QUERY:
            raise ValueError("a query has no counters")
        case _:
            assert_never(shape.kind)


def _shared(
    shape: Shape,
    labels: Labels,
    window: _Window,
    *,
    features: Collection[FeatureKey],
    variants: Collection[str],
) -> Iterator[str]:
    pins = feature_pins(labels, features)
    arm = any_of(labels.variant, variants)
    # The guard asks for the feature in whatever variant, and for its total: a candidate's first
    # series, or a series born with its first error, must not look like a feature never seen before.
    own = f"{labels.namespace}, {labels.feature}"
    known = f"on ({own}) group by ({own}) ({window.at_start(_guard(shape, labels).pinned(pins))})"
    for name, aggregate, growth in _growths(shape, labels, window):
        by = ", ".join((*labels.names, LE if name in BY_BOUND else labels.bucket))
        summed = f"{aggregate} by ({by}) ({growth((*pins, arm))})"
        yield _labelled(f"{summed} and {known}", (PART_LABEL, name))


def _by_arms(
    shape: Shape,
    labels: Labels,
    window: _Window,
    *,
    features: Collection[FeatureKey],
    variants: Collection[str],
) -> Iterator[str]:
    """Metrics that know the namespace only: feature and variant are written into the answer."""
    own = labels.namespace
    for feature in features:
        where = _namespace(labels, feature)
        arms = [(variant, (where, *parse_matchers(text, labels))) for variant, text in shape.arms]
        starts = (window.at_start(_guard(shape, labels).pinned(pins)) for _, pins in arms)
        known = f"on ({own}) group by ({own}) ({' or '.join(starts)})"
        for variant, pins in arms:
            for name, aggregate, growth in _growths(shape, labels, window):
                if variant in variants:
                    by = f"{own}, {LE}" if name in BY_BOUND else own
                    summed = f"{aggregate} by ({by}) ({growth(pins)}) and {known}"
                    yield _labelled(
                        summed,
                        (labels.feature, feature.name),
                        (labels.variant, variant),
                        (PART_LABEL, name),
                    )


def _queries(
    shape: Shape, labels: Labels, features: Collection[FeatureKey], variants: Collection[str]
) -> Iterator[str]:
    """The worst result of the query, for each arm of each feature."""
    query, worst = parse_query(shape.bad, labels), "min" if shape.lower_is_worse else "max"
    arms = dict(shape.arms)
    for feature in features:
        for variant in variants:
            pins: Pins = (*feature_pins(labels, [feature]), Matcher(labels.variant, "=", variant))
            if arms:
                if variant not in arms:
                    continue
                pins = (_namespace(labels, feature), *parse_matchers(arms[variant], labels))
            yield _labelled(
                f"{worst} ({query.pinned(pins)})",
                (labels.namespace, feature.namespace),
                (labels.feature, feature.name),
                (labels.variant, variant),
                (PART_LABEL, "value"),
            )


def _template(shape: Shape, text: str, labels: Labels) -> SelectorTemplate:
    template = parse_selector(text, labels)
    return SelectorTemplate(template.metric, (*template.matchers, *_only(shape)))


def _guard(shape: Shape, labels: Labels) -> SelectorTemplate:
    """What tells that the feature was known at the start: its events, of whatever slice."""
    total = parse_selector(shape.total, labels)
    if shape.kind is not Kind.LATENCY:
        return total
    return SelectorTemplate(total.metric, (*total.matchers, ALL))


def _only(shape: Shape) -> Pins:
    return (Matcher(shape.only[0], "=", shape.only[1]),) if shape.only else ()


def _namespace(labels: Labels, feature: FeatureKey) -> Matcher:
    return Matcher(labels.namespace, "=", feature.namespace)


def _labelled(text: str, *pairs: tuple[str, str]) -> str:
    """`text` with labels set to values, in which $ would stand for a group."""
    for label, value in pairs:
        text = f'label_replace({text}, "{label}", {quote(value.replace("$", "$$"))}, "", "")'
    return text
