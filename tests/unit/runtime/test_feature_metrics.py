"""Conditions as figures: 1 is True, 0 is False, Unknown is nothing."""

from typing import Any

import pytest

from goaround.api.conditions import condition, settled
from goaround.api.reasons import ConditionType, Reason
from goaround.api.status import AIFeatureStatus, KnownRelease
from goaround.runtime.feature_metrics import TOLD
from goaround.runtime.metrics import Metrics
from tests.unit.api.builders import NOW
from tests.unit.incident.build import SERVING, known

CHAT = {"namespace": "shop", "feature": "chat"}
FROZEN = ConditionType.CHANGE_FROZEN


def a_status(kind: ConditionType, value: Any = "True", **more: Any) -> AIFeatureStatus:
    wanted = [condition(kind, value, Reason.PENDING, "told")]
    return AIFeatureStatus(conditions=settled([], wanted, generation=1, now=NOW), **more)


def told(name: str, status: AIFeatureStatus, **labels: str) -> float | None:
    metrics = Metrics()
    metrics.show("shop", "chat", status)
    return metrics.registry.get_sample_value(f"goaround_feature_{name}", CHAT | labels)


@pytest.mark.parametrize("name", TOLD)
def test_a_condition_that_is_true_is_1(name: str) -> None:
    assert told(name, a_status(TOLD[name][0])) == 1


def test_a_condition_that_is_false_is_0_and_one_that_is_unknown_is_not_there() -> None:
    ready = ConditionType.FALLBACK_READY
    assert told("fallback_ready", a_status(ready, "False")) == 0
    assert told("fallback_ready", a_status(ready, "Unknown")) is None
    assert told("fallback_ready", AIFeatureStatus()) is None


def test_a_condition_that_is_there_only_while_true_is_0_without_it() -> None:
    assert told("change_frozen", AIFeatureStatus()) == 0
    assert told("change_frozen_since_timestamp_seconds", AIFeatureStatus()) is None


def test_a_freeze_tells_since_when() -> None:
    assert told("change_frozen_since_timestamp_seconds", a_status(FROZEN)) == NOW.timestamp()


@pytest.mark.parametrize(("good", "value"), [(known(SERVING), 1), (None, 0)])
def test_whether_there_is_a_release_to_go_back_to(good: KnownRelease | None, value: int) -> None:
    assert told("last_known_good_available", AIFeatureStatus(last_known_good=good)) == value


@pytest.mark.parametrize(
    ("hold", "reason"),
    [
        ("Braked: ConfigMap goaround-brake exists", "Braked"),
        ("mode Observe moves nothing", "Other"),
    ],
)
def test_a_hold_is_told_by_its_published_reason(hold: str, reason: str) -> None:
    assert told("hold", AIFeatureStatus(hold=hold), reason=reason) == 1


@pytest.mark.parametrize(("reason", "value"), [(Reason.NO_DATA, 1), (Reason.UNDECIDED, 0)])
def test_signals_that_read_nothing_are_no_evidence(reason: Reason, value: int) -> None:
    wanted = [condition(ConditionType.SIGNALS_HEALTHY, "Unknown", reason, "told")]
    found = AIFeatureStatus(conditions=settled([], wanted, generation=1, now=NOW))
    assert told("no_evidence", found) == value


def test_a_feature_that_is_gone_leaves_nothing() -> None:
    metrics = Metrics()
    metrics.show("shop", "chat", a_status(FROZEN, hold="Braked: why"))
    metrics.forget("shop", "chat")
    assert 'feature="chat"' not in metrics.text().decode()
