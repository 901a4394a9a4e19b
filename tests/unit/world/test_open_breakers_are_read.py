"""The gauge of open breakers: one query for many features, and a whole answer or none."""

import json

import pytest

from goaround.api.base import Json
from goaround.rollout.observed import Opened
from goaround.world.prom_matchers import PART_LABEL, FeatureKey, Labels
from goaround.world.prom_opened import ByFeature, decode, expression
from goaround.world.prom_types import Unreadable, UnreadableReason

CHAT, MAIL = FeatureKey("shop", "chat"), FeatureKey("desk", "mail")


def row(feature: FeatureKey, part: str, value: str, arm: str = "candidate") -> Json:
    labels = {"namespace": feature.namespace, "ai_feature": feature.name, "ai_variant": arm}
    return {"metric": labels | {PART_LABEL: part}, "values": [[1_000, value]]}


def decoded(*rows: Json) -> ByFeature | Unreadable:
    data = {"resultType": "matrix", "result": list(rows)}
    return decode(json.dumps({"status": "success", "data": data}).encode(), Labels())


def test_replicas_are_counted_by_feature_and_arm() -> None:
    rows = [row(CHAT, "open", "2"), row(CHAT, "all", "5"), row(MAIL, "open", "0", "stable")]
    assert decoded(*rows, row(MAIL, "all", "3", "stable")) == {
        CHAT: {"candidate": Opened(2, 5)},
        MAIL: {"stable": Opened(0, 3)},
    }


def test_nobody_who_exports_it_is_no_open_breaker() -> None:
    assert decoded() == {}


@pytest.mark.parametrize("value", ["NaN", "+Inf", "many"])
def test_a_value_that_is_no_number_spoils_the_answer(value: str) -> None:
    found = decoded(row(CHAT, "open", value))
    assert isinstance(found, Unreadable)
    assert found.reason is UnreadableReason.BAD_ANSWER


def test_a_row_without_a_feature_spoils_the_answer() -> None:
    assert isinstance(decoded({"metric": {}, "values": [[1_000, "1"]]}), Unreadable)


def test_many_features_share_one_query() -> None:
    text = expression(Labels(), [CHAT, MAIL])
    assert text.count('namespace=~"desk|shop",ai_feature=~"chat|mail"') == 2
    assert text.count('ai_variant=~"stable|candidate"') == 2
