"""What is written is what is read back: nothing lost, nothing invented, times exact."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goaround.api.base import Json, Model, rfc3339
from goaround.api.feature import AIFeatureSpec, Release
from goaround.api.incident import AIIncidentSpec, AIIncidentStatus
from goaround.api.incident_status import Milestones
from goaround.api.killswitch import AIKillSwitchSpec, AIKillSwitchStatus
from goaround.api.kinds import AIFeature, AIKillSwitch
from goaround.api.signoff import AISignOffSpec
from goaround.api.status import AIFeatureStatus
from tests.unit.api.builders import DIGEST, NOW, SPEC, a_spec, a_status

instants = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
)


SAMPLES: list[Model] = [
    a_spec(),
    a_status(),
    AIFeatureStatus(),
    AIIncidentSpec.model_validate(
        {
            "affects": [{"name": "chat"}],
            "trigger": {"source": "Manual", "key": "users call"},
            "severity": "P2",
            "severityReason": "many users",
        }
    ),
    AIIncidentStatus(milestones=Milestones(detected_at=NOW), whiteboard=["Serving now: v41"]),
    AIKillSwitchSpec.model_validate({"selector": {"matchLabels": {"team": "a"}}, "reason": "x"}),
    AIKillSwitchStatus(latched_at=NOW, latched_revision=7),
    AISignOffSpec.model_validate(
        {"featureRef": {"name": "chat"}, "decision": "Retry", "digest": DIGEST, "attempt": 1}
    ),
]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: type(sample).__name__)
def test_a_model_reads_back_as_it_was_written(sample: Model) -> None:
    stored = json.loads(json.dumps(sample.wire()))
    assert type(sample).model_validate(stored) == sample


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: type(sample).__name__)
def test_no_null_and_nothing_empty_is_written(sample: Model) -> None:
    def holes(value: object) -> list[object]:
        match value:
            case dict():
                return [x for v in value.values() for x in holes(v)] if value else [value]
            case list():
                return [x for v in value for x in holes(v)] if value else [value]
            case _:
                return [value] if value is None else []

    assert holes(sample.wire()) == []


def test_zero_false_and_empty_text_are_facts_and_stay() -> None:
    written = a_status().wire()
    assert written["split"] == {"stable": 0, "candidate": 0, "fallback": 100}
    assert written["candidate"]["adopted"] is False
    assert written["conditions"][0]["message"] == ""


def test_an_empty_member_of_a_list_keeps_its_place() -> None:
    class Item(Model):
        value: int | None = None

    class Row(Model):
        items: list[Item]

    written = Row(items=[Item(), Item(value=1)]).wire()
    assert written == {"items": [{}, {"value": 1}]}
    assert Row.model_validate(written) == Row(items=[Item(), Item(value=1)])


@given(at=instants)
def test_a_time_survives_to_the_millisecond(at: datetime) -> None:
    exact = at.replace(microsecond=at.microsecond // 1000 * 1000)
    written = AIKillSwitchStatus(latched_at=exact)
    assert AIKillSwitchStatus.model_validate(written.wire()).latched_at == exact
    assert rfc3339(at) == rfc3339(exact)


def test_a_time_is_written_in_utc_and_without_needless_decimals() -> None:
    berlin = timezone(timedelta(hours=1))
    assert rfc3339(datetime(2026, 11, 21, 10, 0, tzinfo=berlin)) == "2026-11-21T09:00:00Z"
    assert rfc3339(NOW) == "2026-11-21T09:48:08.123Z"


def test_an_older_operator_survives_a_newer_status() -> None:
    newer: Json = {"observedGeneration": 4, "invention": {"of": "tomorrow"}}
    assert AIFeatureStatus.model_validate(newer) == AIFeatureStatus(observed_generation=4)


def test_the_defaults_of_the_design_apply_to_a_minimal_spec() -> None:
    spec = AIFeatureSpec.model_validate(SPEC)
    assert [step.weight_percent for step in spec.ramp.steps] == [10, 50, 100]
    assert {(s.hold_seconds, s.min_samples) for s in spec.ramp.steps} == {(600, 100)}
    assert spec.ramp.interval_seconds == 10
    assert (spec.ramp.cruise_seconds, spec.ramp.step_deadline_seconds) == (3600, 21600)
    assert spec.ramp.deadline_seconds == 172800
    assert (spec.acceptance.alpha, spec.acceptance.beta) == ("0.01", "0.05")
    assert (spec.acceptance.provider, spec.acceptance.signals[0].cluster_size) == ("default", 1)
    assert (spec.first_release, spec.flag.bucket_by) == ("Adopt", "Session")
    assert spec.fallback.landing.type == "Disabled"
    assert spec.fallback.landing.says


def test_the_title_of_the_largest_release_fits_where_incidents_show_it() -> None:
    part = {"name": "n" * 128, "version": "v" * 128}
    release = Release.model_validate(dict.fromkeys(("model", "prompt", "index", "features"), part))
    shown = f"{release.title} ({'a' * 12})"
    told = AIIncidentStatus(failed_release=shown, serving_release=shown)
    assert told.wire()["failedRelease"] == shown


def switch(spec: Json, namespace: str = "shop") -> AIKillSwitch:
    return AIKillSwitch.model_validate(
        {"metadata": {"name": "stop", "namespace": namespace}, "spec": {"reason": "x", **spec}}
    )


def a_feature(**labels: str) -> AIFeature:
    return AIFeature.model_validate(
        {"metadata": {"name": "chat", "namespace": "shop", "labels": labels}, "spec": SPEC}
    )


def test_a_switch_kills_by_name_or_by_all_its_labels_in_its_own_namespace() -> None:
    by_name = {"featureRef": {"name": "chat"}}
    by_label = {"selector": {"matchLabels": {"team": "a", "tier": "1"}}}
    both = a_feature(team="a", tier="1", more="x").metadata
    assert switch(by_name).matches(both)
    assert not switch(by_name, namespace="elsewhere").matches(both)
    assert not switch({"featureRef": {"name": "search"}}).matches(both)
    assert switch(by_label).matches(both)
    assert not switch(by_label).matches(a_feature(team="a").metadata)
