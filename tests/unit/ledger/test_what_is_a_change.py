"""A change is told by parts, as hashes and small facts; what is no change leaves no line."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from goaround.api.base import Json, rfc3339
from goaround.api.changes import WatchedKind
from goaround.ledger.facts import GONE, MOST_KEYS, Facts, changes, look

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TITLE = "Deployment app"


def workload(image: str = "registry.test/team/app:1.4", **spec: object) -> Json:
    container = {"name": "app", "image": image, "env": [{"name": "LEVEL", "value": "info"}]}
    return {"spec": {"replicas": 2, "template": {"spec": {"containers": [container]}}} | spec}


def owned(part: Json, manager: str, at: datetime, subresource: str = "") -> Json:
    entry = {"manager": manager, "time": rfc3339(at), "fieldsV1": part}
    return entry | ({"subresource": subresource} if subresource else {})


def told(kind: WatchedKind, before: Json, after: Json) -> list[tuple[str, str, str]]:
    found = changes(TITLE, look(kind, before), look(kind, after), NOW)
    return [(c.what, c.was, c.now) for c in found]


def facts(kind: WatchedKind, body: Json) -> Facts:
    found = look(kind, body).facts
    assert found is not None
    return found


def test_a_new_image_is_told_by_its_tag_and_nothing_else_is() -> None:
    after = workload("registry.test/team/app:1.5")
    assert told(WatchedKind.DEPLOYMENT, workload(), after) == [
        ("image of app", "app:1.4", "app:1.5")
    ]


def test_an_image_by_digest_is_told_by_the_beginning_of_it() -> None:
    found = facts(WatchedKind.DEPLOYMENT, workload("registry.test:5000/app@sha256:" + "ab" * 32))
    assert found["image of app"] == "app@sha256:abababababab"


def test_scaling_is_no_change() -> None:
    assert told(WatchedKind.STATEFUL_SET, workload(), workload(replicas=9)) == []


def test_another_environment_is_told_as_the_template() -> None:
    after = workload()
    after["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "debug"
    ((what, was, now),) = told(WatchedKind.DAEMON_SET, workload(), after)
    assert what == "pod template"
    assert was != now


@pytest.mark.parametrize("part", ["data", "binaryData"])
def test_a_config_map_is_told_by_key_and_never_by_content(part: str) -> None:
    before, after = {part: {"a": "one", "b": "two"}}, {part: {"a": "one", "b": "three", "c": "4"}}
    found = told(WatchedKind.CONFIG_MAP, before, after)
    assert [(what, was == "absent") for what, was, _ in found] == [
        ("key b", False),
        ("key c", True),
    ]
    assert "three" not in json.dumps(found)


def test_keys_over_the_limit_have_one_hash_together() -> None:
    data = {f"k{n:03}": "x" for n in range(MOST_KEYS + 5)}
    found = facts(WatchedKind.CONFIG_MAP, {"data": data})
    assert len(found) == MOST_KEYS + 1
    other = {"data": data | {f"k{MOST_KEYS + 4:03}": "y"}}
    ((what, _, _),) = told(WatchedKind.CONFIG_MAP, {"data": data}, other)
    assert "after the first" in what


def test_many_parts_at_once_are_one_line() -> None:
    before = {"data": {f"k{n}": "x" for n in range(20)}}
    after = {"data": {f"k{n}": "y" for n in range(20)}}
    ((what, _, _),) = told(WatchedKind.CONFIG_MAP, before, after)
    assert what == "20 parts"


def test_what_is_deleted_and_made_again_is_told_once_each() -> None:
    there = look(WatchedKind.DEPLOYMENT, workload())
    (gone,) = changes(TITLE, there, GONE, NOW)
    (back,) = changes(TITLE, GONE, there, NOW)
    assert (gone.what, gone.was, gone.now) == ("object", "present", "absent")
    assert (back.was, back.now) == ("absent", "present")
    assert changes(TITLE, GONE, GONE, NOW) == []


def test_the_api_server_says_when_and_who() -> None:
    at = NOW - timedelta(seconds=40)
    template: Json = {"f:spec": {"f:template": {}}}
    status: Json = {"f:status": {}}
    after = workload("app:2") | {
        "metadata": {
            "managedFields": [
                owned(template, "helm", at),
                owned({"f:spec": {"f:replicas": {}}}, "autoscaler", NOW),
                owned(status, "kube-controller-manager", NOW, "status"),
            ]
        }
    }
    before, seen = look(WatchedKind.DEPLOYMENT, workload()), look(WatchedKind.DEPLOYMENT, after)
    (change,) = changes(TITLE, before, seen, NOW)
    assert (change.at, change.by) == (at, "helm")


@pytest.mark.parametrize("at", [NOW - timedelta(hours=1), NOW + timedelta(hours=1)])
def test_a_date_that_is_older_than_the_last_look_or_to_come_is_not_believed(at: datetime) -> None:
    owner = {"metadata": {"managedFields": [owned({"f:data": {}}, "kubectl", at)]}}
    before = look(WatchedKind.CONFIG_MAP, {"data": {"a": "1"}} | owner)
    after = look(WatchedKind.CONFIG_MAP, {"data": {"a": "2"}} | owner)
    (change,) = changes("ConfigMap a", before, after, NOW)
    assert change.at == NOW
