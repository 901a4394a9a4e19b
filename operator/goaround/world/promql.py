"""Queries: what a tenant may write in a count field, and the one expression GoAround makes of it.

Decides which selectors are accepted and how counters are differenced so that windows add up.
Nothing of a tenant's text reaches Prometheus: the selector is parsed and written anew. Refuses
everything that is not one plain selector; sends nothing and knows no clock.
"""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import promql_parser

from goaround.world.prom_matchers import (
    IDENTIFIER,
    PART_LABEL,
    FeatureKey,
    Labels,
    Matcher,
    SelectorError,
    SelectorTemplate,
    any_of,
    feature_pins,
    quote,
)

__all__ = [
    "PART_LABEL",
    "FeatureKey",
    "Labels",
    "Matcher",
    "SelectorError",
    "SelectorTemplate",
    "count_expression",
    "lookbacks",
    "parse_selector",
    "quote",
]

MATCH: Final = "$match"
MAX_SELECTOR_LENGTH: Final = 512
LONG_LOOKBACK_EXTRA_SECONDS: Final = 900

# Stands in for `$match` while parsing: only if it comes back as a matcher, `$match` stood for one.
_SENTINEL: Final = "__goaround_match__"
# Pairs, because the parser's operators are not hashable.
_OPERATORS: Final = (
    (promql_parser.MatchOp.Equal, "="),
    (promql_parser.MatchOp.NotEqual, "!="),
    (promql_parser.MatchOp.Re, "=~"),
    (promql_parser.MatchOp.NotRe, "!~"),
)


# pure, asked in every pass, and each parse costs more than all else that a pass checks
@lru_cache(maxsize=4096)
def parse_selector(template: str, labels: Labels | None = None) -> SelectorTemplate:
    """A tenant's count field, accepted only as one plain selector `name{$match,…}`.

    Raises `SelectorError`; its message stands on the object: what is wrong and what to write.
    """
    if len(template) > MAX_SELECTOR_LENGTH:
        raise SelectorError(
            f"query has {len(template)} characters, the limit is {MAX_SELECTOR_LENGTH}: "
            "write one selector, and move what makes it long into a label of the metric"
        )
    _check_match_count(template)
    selector = _one_vector_selector(template)
    metric = _metric_name(selector.name)
    matchers = tuple(Matcher(m.name, _operator(m.op), m.value) for m in selector.matchers.matchers)
    if sum(m.name == _SENTINEL for m in matchers) != 1:
        raise SelectorError(
            f"query holds {MATCH} where it pins nothing: write it as a matcher of its own, "
            f"{metric}{{{MATCH},…}}"
        )
    own = tuple(m for m in matchers if m.name != _SENTINEL)
    _check_not_pinned(own, labels or Labels())
    return SelectorTemplate(metric, own)


def _check_match_count(template: str) -> None:
    match template.count(MATCH):
        case 0:
            name = IDENTIFIER.match(template.strip())
            metric = name.group() if name else "metric_name"
            raise SelectorError(f"query has no {MATCH}: write {metric}{{{MATCH},…}}")
        case 1 if _SENTINEL not in template:
            return
        case 1:
            raise SelectorError(f"query uses {_SENTINEL}, which is reserved: write {MATCH} alone")
        case n:
            raise SelectorError(
                f"query has {MATCH} {n} times, exactly one is allowed: "
                "write one selector for bad and one for total"
            )


def _one_vector_selector(template: str) -> promql_parser.VectorSelector:
    try:
        parsed = promql_parser.parse(template.replace(MATCH, f'{_SENTINEL}=""'))
    except ValueError as error:
        reason = str(error).replace(f'{_SENTINEL}=""', MATCH)
        raise SelectorError(
            f"query is not PromQL ({reason}): write one selector, name{{{MATCH},…}}"
        ) from None
    if not isinstance(parsed, promql_parser.VectorSelector):
        raise SelectorError(
            f"query is {_kind(parsed)}, exactly one selector is allowed: write name{{{MATCH},…}} "
            "without functions, operators, brackets or a range; GoAround takes the differences"
        )
    if parsed.offset is not None or parsed.at is not None:
        raise SelectorError(
            "query moves in time with offset or @, which is not allowed: remove it, "
            "GoAround reads the counter at the ends of its windows"
        )
    if parsed.matchers.or_matchers:
        raise SelectorError(
            "query joins matchers with or, which would leave some without its pins: "
            'write one matcher with a regular expression, label=~"a|b"'
        )
    return parsed


def _operator(op: promql_parser.MatchOp) -> str:
    return next(text for known, text in _OPERATORS if known == op)


def _kind(parsed: object) -> str:
    match parsed:
        case promql_parser.MatrixSelector():
            return "a range selector"
        case promql_parser.SubqueryExpr():
            return "a subquery"
        case promql_parser.Call() | promql_parser.AggregateExpr():
            return "a function"
        case promql_parser.BinaryExpr():
            return "an operation on two selectors"
        case promql_parser.ParenExpr():
            return "an expression in brackets"
        case _:
            return "not a selector"


def _metric_name(name: str | None) -> str:
    if name is None:
        raise SelectorError(
            "query has no metric name before the braces: "
            f"write it out, name{{{MATCH},…}}, not as a matcher on __name__"
        )
    if ":" in name:
        raise SelectorError(
            f"query reads {name}, a recorded series (its name has a colon), whose labels and "
            "resets are not the counter's: write the counter that it is recorded from"
        )
    if not IDENTIFIER.fullmatch(name):
        raise SelectorError(
            f"metric name {name!r} is not usable: it must match [a-zA-Z_][a-zA-Z0-9_]*"
        )
    return name


def _check_not_pinned(matchers: Iterable[Matcher], labels: Labels) -> None:
    for matcher in matchers:
        if matcher.name == "__name__":
            raise SelectorError("query matches on __name__, which is not allowed: remove it")
        if matcher.name in labels.names:
            raise SelectorError(
                f"query matches on {matcher.name}, which {MATCH} pins "
                f"(with {', '.join(labels.names)}): remove that matcher"
            )


def lookbacks(*, interval: int, scrape_seconds: float) -> tuple[int, int]:
    """The look-back at a window's end and the longer one at its start, both in whole seconds.

    The first must reach the last scrape of a pod that died in the window, also when one scrape was
    missed; the half scrape on top is for jitter. The second tells newborn from silent series.
    """
    lookback = math.ceil(interval + 2.5 * scrape_seconds)
    return lookback, lookback + LONG_LOOKBACK_EXTRA_SECONDS


def count_expression(
    bad: SelectorTemplate,
    total: SelectorTemplate,
    *,
    labels: Labels,
    features: Collection[FeatureKey],
    variants: Collection[str],
    interval: int,
    lookback: int,
    long_lookback: int,
) -> str:
    """One expression that counts bad and total of `features` in the `interval` seconds before now.

    Rows carry the three pinned labels and `goaround_part` = bad | total. Evaluated with
    `query_range` at step = interval its windows are disjoint and their sums telescope
    (notes/statistics.md 2). Pairs of namespace and name that were not asked for may appear in the
    answer: both are matched by themselves. All times in seconds; `features`, `variants` not empty.
    """
    pins = feature_pins(labels, features)
    window = _Window(interval, lookback, long_lookback)
    arm = any_of(labels.variant, variants)
    # The guard asks for the feature in whatever variant, and for its total: a candidate's first
    # series, or a series born with its first error, must not look like a feature never seen before.
    own = f"{labels.namespace}, {labels.feature}"
    guard = f"on ({own}) group by ({own}) ({window.at_start(total.pinned(pins))})"
    parts = (
        f"label_replace({_part(selector.pinned((*pins, arm)), labels, window)} and {guard}, "
        f'"{PART_LABEL}", "{name}", "", "")'
        for name, selector in (("bad", bad), ("total", total))
    )
    return " or ".join(parts)


@dataclass(frozen=True, slots=True)
class _Window:
    interval: int
    lookback: int
    long_lookback: int

    def at_end(self, selector: str) -> str:
        return f"last_over_time({selector}[{self.lookback}s])"

    def at_start(self, selector: str) -> str:
        return f"last_over_time({selector}[{self.long_lookback}s] offset {self.interval}s)"


def _part(selector: str, labels: Labels, window: _Window) -> str:
    """Growth per series, then the sum: summing first would turn one restart into a global reset."""
    end, start = window.at_end(selector), window.at_start(selector)
    return f"sum by ({', '.join(labels.names)}) (({end} - {start}) >= 0 or {end})"
