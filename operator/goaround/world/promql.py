"""What a tenant may write in a count field, and in the matchers of an arm.

Nothing of a tenant's text reaches Prometheus: the selector is parsed and written anew. Refuses
everything that is not one plain selector; sends nothing and knows no clock.
"""

from collections.abc import Iterable
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
    quote,
)

__all__ = [
    "PART_LABEL",
    "FeatureKey",
    "Labels",
    "Matcher",
    "SelectorError",
    "SelectorTemplate",
    "parse_matchers",
    "parse_selector",
    "quote",
]

MATCH: Final = "$match"
MAX_SELECTOR_LENGTH: Final = 512
# Stands in for `$match` while parsing: only if it comes back as a matcher, `$match` stood for one.
SENTINEL: Final = "__goaround_match__"
# Servers that export raw metrics with a colon, which everybody else keeps for recorded series.
_RAW_PREFIXES: Final = ("vllm:", "sglang:")
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
    metric = metric_name(selector.name)
    matchers = _matchers(selector)
    if sum(m.name == SENTINEL for m in matchers) != 1:
        raise SelectorError(
            f"query holds {MATCH} where it pins nothing: write it as a matcher of its own, "
            f"{metric}{{{MATCH},…}}"
        )
    own = tuple(m for m in matchers if m.name != SENTINEL)
    _check_not_pinned(own, labels or Labels())
    return SelectorTemplate(metric, own)


@lru_cache(maxsize=4096)
def parse_matchers(text: str, labels: Labels | None = None) -> tuple[Matcher, ...]:
    """A tenant's matchers of one arm, `pod=~"cand-.*"`. Raises `SelectorError`."""
    try:
        parsed = promql_parser.parse(f"arm{{{text}}}")
    except ValueError as error:
        raise SelectorError(
            f'matchers cannot be read ({error}): write label="value", joined by commas'
        ) from None
    if not isinstance(parsed, promql_parser.VectorSelector) or not _is_plain(parsed):
        raise SelectorError('matchers are more than that: write label="value", joined by commas')
    own = _matchers(parsed)
    if not own:
        raise SelectorError('matchers are empty: write label="value", joined by commas')
    _check_not_pinned(own, labels or Labels())
    return own


def _is_plain(selector: promql_parser.VectorSelector) -> bool:
    moves = selector.offset is not None or selector.at is not None
    return selector.name == "arm" and not selector.matchers.or_matchers and not moves


def _matchers(selector: promql_parser.VectorSelector) -> tuple[Matcher, ...]:
    return tuple(Matcher(m.name, _operator(m.op), m.value) for m in selector.matchers.matchers)


def _check_match_count(template: str) -> None:
    match template.count(MATCH):
        case 0:
            name = IDENTIFIER.match(template.strip())
            metric = name.group() if name else "metric_name"
            raise SelectorError(f"query has no {MATCH}: write {metric}{{{MATCH},…}}")
        case 1 if SENTINEL not in template:
            return
        case 1:
            raise SelectorError(f"query uses {SENTINEL}, which is reserved: write {MATCH} alone")
        case n:
            raise SelectorError(
                f"query has {MATCH} {n} times, exactly one is allowed: "
                "write one selector for bad and one for total"
            )


def _one_vector_selector(template: str) -> promql_parser.VectorSelector:
    try:
        parsed = promql_parser.parse(template.replace(MATCH, f'{SENTINEL}=""'))
    except ValueError as error:
        reason = str(error).replace(f'{SENTINEL}=""', MATCH)
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


def metric_name(name: str | None) -> str:
    """The name of a counter, as it is written into a query. Raises `SelectorError`."""
    if name is None:
        raise SelectorError(
            "query has no metric name before the braces: "
            f"write it out, name{{{MATCH},…}}, not as a matcher on __name__"
        )
    raw = next((p for p in _RAW_PREFIXES if name.startswith(p)), "")
    if ":" in name.removeprefix(raw):
        raise SelectorError(
            f"query reads {name}, a recorded series (its name has a colon), whose labels and "
            "resets are not the counter's: write the counter that it is recorded from"
        )
    if not IDENTIFIER.fullmatch(name.removeprefix(raw)):
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
