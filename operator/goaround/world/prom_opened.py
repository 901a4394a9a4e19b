"""How many replicas of apps have their circuit breaker open: one query for many features.

Decides how the gauge `ai_breaker_open` is asked, and what an answer must look like. Refuses half an
answer; judges nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Final, Protocol

from goaround.rollout.referred import Opened
from goaround.world.prom_matchers import PART_LABEL, FeatureKey, Labels, SelectorTemplate, any_of
from goaround.world.prom_matchers import feature_pins as pins
from goaround.world.prom_matrix import Row, rows
from goaround.world.prom_types import Unreadable, UnreadableReason

GAUGE: Final = SelectorTemplate("ai_breaker_open")
ARMS: Final = ("stable", "candidate")
OPEN, ALL = "open", "all"

ByFeature = Mapping[FeatureKey, Mapping[str, Opened]]
"""Feature -> variant -> its replicas; an arm without the gauge is absent."""


class Queries(Protocol):
    """Whoever asks a provider, as `FeatureSearch` does."""

    async def query_range(self, query: str, ends: range) -> bytes | Unreadable: ...


async def read_opened(
    http: Queries, labels: Labels, features: Collection[FeatureKey], at: int
) -> ByFeature | Unreadable:
    """The gauge of every feature at `at`, unix seconds."""
    body = await http.query_range(expression(labels, features), range(at, at + 1))
    return body if isinstance(body, Unreadable) else decode(body, labels)


def expression(labels: Labels, features: Collection[FeatureKey]) -> str:
    """One row for each arm and part: replicas that are open, and all that say anything."""
    by = ", ".join(labels.names)
    gauge = GAUGE.pinned((*pins(labels, features), any_of(labels.variant, ARMS)))
    asked = {OPEN: f"sum by ({by}) ({gauge} > bool 0)", ALL: f"count by ({by}) ({gauge})"}
    return " or ".join(
        f'label_replace({text}, "{PART_LABEL}", "{part}", "", "")' for part, text in asked.items()
    )


def decode(body: bytes, labels: Labels) -> ByFeature | Unreadable:
    """What an answer says, or why it is unusable as a whole."""
    answer = rows(body)
    if isinstance(answer, Unreadable):
        return answer
    found: defaultdict[FeatureKey, defaultdict[str, dict[str, int]]]
    found = defaultdict(lambda: defaultdict(dict))
    try:
        for row in answer:
            feature, arm, part = _of(row, labels)
            ((_, text),) = row.values
            found[feature][arm][part] = int(float(text))
    except (KeyError, ValueError, OverflowError):
        told = "the answer about ai_breaker_open has a row that was not asked for"
        return Unreadable(UnreadableReason.BAD_ANSWER, f"{told}: check the provider and the metric")
    return {
        feature: {arm: Opened(n.get(OPEN, 0), n.get(ALL, 0)) for arm, n in arms.items()}
        for feature, arms in found.items()
    }


def _of(row: Row, labels: Labels) -> tuple[FeatureKey, str, str]:
    said = row.metric
    feature = FeatureKey(said[labels.namespace], said[labels.feature])
    return feature, said[labels.variant], said[PART_LABEL]
