"""What a tenant may write in a `query` signal: PromQL whose every selector is pinned.

The query is parsed, checked and printed anew from what was parsed, so that nothing reaches the
provider that was not understood. Refuses to move in time, to read recorded series, and to reach
back further than a day; runs nothing.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Final

import promql_parser

from goaround.world.prom_matchers import Labels, Matcher, SelectorError
from goaround.world.promql import MATCH, SENTINEL, metric_name

MAX_QUERY_LENGTH: Final = 1024
LONGEST_RANGE: Final = timedelta(days=1)
_MARK: Final = f'{SENTINEL}=""'
# Reads series that stand nowhere in the query.
_UNPINNED_FUNCTIONS: Final = frozenset({"info"})


@dataclass(frozen=True, slots=True)
class QueryTemplate:
    """A query after parsing; each of its selectors holds a mark where the pins go."""

    marked: str

    def pinned(self, pins: tuple[Matcher, ...]) -> str:
        """The query as PromQL, with `pins` in every selector."""
        return self.marked.replace(_MARK, ",".join(map(str, pins)))


@lru_cache(maxsize=1024)
def parse_query(promql: str, labels: Labels | None = None) -> QueryTemplate:
    """A tenant's query. Raises `SelectorError`, whose message stands on the object."""
    if len(promql) > MAX_QUERY_LENGTH:
        raise SelectorError(
            f"query has {len(promql)} characters, the limit is {MAX_QUERY_LENGTH}: shorten it"
        )
    if SENTINEL in promql:
        raise SelectorError(f"query uses {SENTINEL}, which is reserved: write {MATCH} alone")
    parsed = _parsed(promql.replace(MATCH, _MARK))
    found = _selectors(parsed)
    if not found:
        raise SelectorError(f"query reads no series: write at least one selector, name{{{MATCH}}}")
    for selector in found:
        _check(selector, labels or Labels())
    marked = parsed.prettify()
    # in a text, or in what the printer made of one, a mark would pin nothing
    if marked.count(SENTINEL) != len(found) or _parsed(marked).prettify() != marked:
        raise SelectorError(f"query holds {MATCH} where it pins nothing: write it in selectors")
    return QueryTemplate(" ".join(marked.split("\n")))


def _parsed(text: str) -> promql_parser.Expr:
    """The tree of a query that gives a vector; `max` around it makes the parser check that."""
    try:
        promql_parser.parse(f"max({text}\n)")
        return promql_parser.parse(text)
    except ValueError as error:
        reason = str(error).replace(_MARK, MATCH)
        raise SelectorError(f"query gives no vector ({reason}): write an instant query") from None


def _selectors(root: promql_parser.Expr) -> list[promql_parser.VectorSelector]:
    """Every selector of the query; refuses what moves in time or reaches too far back."""
    found: list[promql_parser.VectorSelector] = []

    def visit(node: promql_parser.Expr) -> bool:
        match node:
            case promql_parser.VectorSelector():
                found.append(node)
            case promql_parser.MatrixSelector():
                _check_reach(node.range)  # its selector is visited by itself
            case promql_parser.SubqueryExpr():
                _check_reach(node.range)
                _check_time(node.offset, node.at)
            case promql_parser.Call() if node.func.name in _UNPINNED_FUNCTIONS:
                raise SelectorError(f"query calls {node.func.name}(), which is not allowed")
        return True

    promql_parser.walk(root, visit)
    return found


def _check_reach(span: timedelta | None) -> None:
    if span is not None and span > LONGEST_RANGE:
        raise SelectorError(f"query reaches back {span}, the limit is a day: take a shorter range")


def _check_time(offset: timedelta | None, at: object) -> None:
    if offset is not None or at is not None:
        raise SelectorError("query moves in time with offset or @, which is not allowed: remove it")


def _check(selector: promql_parser.VectorSelector, labels: Labels) -> None:
    metric = metric_name(selector.name)
    _check_time(selector.offset, selector.at)
    names = [m.name for m in selector.matchers.matchers]
    if selector.matchers.or_matchers or names.count(SENTINEL) != 1:
        raise SelectorError(
            f"query reads {metric} unpinned: write {metric}{{{MATCH},…}}, with exactly one {MATCH} "
            "in every selector and without or"
        )
    for name in names:
        if name == "__name__" or name in labels.names:
            raise SelectorError(f"query matches on {name}, which {MATCH} pins: remove that matcher")
