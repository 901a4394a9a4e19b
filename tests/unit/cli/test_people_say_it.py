"""What people type ends in spec, and nothing else of it changes."""

from enum import StrEnum

import pytest

from goaround.api import aftermath, judgement, risk, trigger
from goaround.api import incident as of_incident
from goaround.api.base import Json
from goaround.api.incident import AIIncidentSpec
from goaround.api.kinds import INCIDENTS
from goaround.cli import incident_edit
from goaround.cli.command import FAILED, OK
from goaround.cli.incident_verbs import VERBS, Kind
from tests.unit.cli.people_kit import NAME, Desk

SCHEMA: Json = AIIncidentSpec.model_json_schema(by_alias=True)


def say(desk: Desk, words: str, *more: str) -> int:
    return incident_edit.main([*words.split(), *more], desk.ask)


@pytest.fixture
def desk() -> Desk:
    return Desk().incident()


def test_a_commander_is_named_and_everything_else_stays(desk: Desk) -> None:
    before = desk.spec
    assert say(desk, f"assign {NAME} --commander ana -n shop") == OK
    assert desk.spec == before | {"roles": {"commander": "ana"}}


def test_it_prints_what_is_different_now(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    say(desk, f"classify {NAME} --severity P1 --reason", "people are harmed")
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"aiincident shop/{NAME}: 2 fields changed"
    assert "  severity: P2 -> P1" in told
    assert "  severityReason: customers wrote in -> people are harmed" in told


def test_saying_the_same_again_changes_nothing(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    say(desk, f"resolve {NAME}")
    version = desk.store.get(INCIDENTS, "shop", NAME)["metadata"]["resourceVersion"]
    capsys.readouterr()
    assert say(desk, f"resolve {NAME}") == OK
    assert "nothing changed" in capsys.readouterr().out
    assert desk.store.get(INCIDENTS, "shop", NAME)["metadata"]["resourceVersion"] == version


def test_what_somebody_else_wrote_in_between_is_kept(desk: Desk) -> None:
    others = {"spec": {"roles": {"responders": [{"who": "tom", "level": "Senior"}]}}}
    desk.meddle.append(lambda: desk.other(others))
    assert say(desk, f"assign {NAME} --responder ana") == OK
    assert desk.spec["roles"]["responders"] == [
        {"who": "tom", "level": "Senior"},
        {"who": "ana", "level": "Engineer"},
    ]


def test_a_person_named_twice_is_one_person(desk: Desk) -> None:
    say(desk, f"assign {NAME} --responder ana@example.com --responder tom")
    say(desk, f"assign {NAME} --responder ana@example.com:Senior")
    assert desk.spec["roles"]["responders"] == [
        {"who": "ana@example.com", "level": "Senior"},
        {"who": "tom", "level": "Engineer"},
    ]


def test_another_containment_leaves_nothing_of_the_one_before(desk: Desk) -> None:
    say(desk, f"contain {NAME} Throttle --percent 10")
    assert desk.spec["containment"] == {"action": "Throttle", "percent": 10}
    say(desk, f"contain {NAME} Rollback --reason worse")
    assert desk.spec["containment"] == {"action": "Rollback", "reason": "worse"}


def test_a_check_is_written_under_its_path(desk: Desk) -> None:
    say(desk, f"check {NAME} upstreamData Cause --note", "the feed is empty")
    expected = {"upstreamData": {"verdict": "Cause", "note": "the feed is empty"}}
    assert desk.spec["diagnosis"] == {"checks": expected}


def test_the_five_questions_are_answered_one_by_one(desk: Desk) -> None:
    say(desk, f"review {NAME} --question killSwitch=used --question promptsTested=no")
    say(desk, f"review {NAME} --question", "retrievalMonitored=yes = by us")
    answers = desk.spec["review"]["aiQuestions"]
    assert answers["retrievalMonitored"] == "yes = by us"
    assert set(answers) == {"killSwitch", "promptsTested", "retrievalMonitored"}


def test_an_action_item_is_added_once_and_then_done(desk: Desk) -> None:
    about = "--title alert --owner tom --due 2026-12-01 --kind Monitoring --prevents Class"
    say(desk, f"action add {NAME} watch {about}")
    say(desk, f"action add {NAME} watch {about}")
    say(desk, f"action done {NAME} watch")
    (item,) = desk.spec["actionItems"]
    assert item["due"] == "2026-12-01T23:59:59Z"
    assert item["done"] is True


def test_an_action_item_that_nobody_added_cannot_be_done(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(desk, f"action done {NAME} watch") == FAILED
    assert "actionItems has no watch: there is none" in capsys.readouterr().err


def test_a_message_that_was_sent_has_a_time(desk: Desk) -> None:
    say(desk, f"comms sent {NAME} brief-1 --at 2026-11-21T10:00:00Z")
    say(desk, f"comms approve {NAME} external-1")
    assert desk.spec["commsSent"] == [{"message": "brief-1", "at": "2026-11-21T10:00:00Z"}]
    assert desk.spec["commsApprovals"] == [{"message": "external-1"}]


def test_a_dry_run_asks_the_api_server_to_keep_nothing(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    before = desk.spec
    assert say(desk, f"close {NAME} --dry-run") == OK
    assert desk.where.dry_run
    assert "dry run: nothing was kept" in capsys.readouterr().out
    assert desk.spec == before


def test_an_incident_that_is_not_there_is_told(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(desk, "resolve nothing") == FAILED
    assert f"there is no AIIncident nothing in namespace shop; there is {NAME}" in (
        capsys.readouterr().err
    )


def test_a_verb_without_anything_to_say_says_so(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(desk, f"impact {NAME}") == FAILED
    assert "nothing is said" in capsys.readouterr().err


def test_namespace_context_and_user_are_passed_on(desk: Desk) -> None:
    say(desk, f"resolve {NAME} -n shop --context east --as ana --kubeconfig k")
    assert desk.where == type(desk.where)("shop", "k", "east", "ana")


@pytest.mark.parametrize("verb", VERBS)
def test_every_word_of_the_table_is_a_field_of_spec(verb: str) -> None:
    for option in VERBS[verb].options:
        if option.path:
            paths = [option.path]
            if option.kind is Kind.PAIR:
                paths = [f"{option.path}.{key}" for key in option.choices]
            for path in paths:
                assert _field(SCHEMA, path.replace("{path}", "model")) is not None, path
    for path in VERBS[verb].says:
        assert _field(SCHEMA, path) is not None, path


@pytest.mark.parametrize("verb", VERBS)
def test_the_choices_of_the_table_are_those_of_the_api(verb: str) -> None:
    kinds = [
        e
        for m in (aftermath, judgement, of_incident, risk, trigger)
        for e in vars(m).values()
        if _is_enum(e)
    ]
    allowed = [set(kind) for kind in kinds]
    for option in VERBS[verb].options:
        if option.choices and option.kind is not Kind.PAIR and option.path:
            assert set(option.choices) in allowed, option.flag


def _is_enum(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, StrEnum)


def _field(schema: Json, path: str) -> Json | None:
    """The schema of a field, by its path on the wire."""
    at = schema
    for step in path.replace("[", ".").replace("]", "").split("."):
        if step in ("name", "who", "message") and "items" in at:
            at = _resolved(schema, at["items"])
            continue
        at = _resolved(schema, at)
        if step not in at.get("properties", {}):
            return None
        at = at["properties"][step]
    return at


def _resolved(schema: Json, at: Json) -> Json:
    for one in at.get("anyOf", [at]):
        if "$ref" in one:
            found: Json = schema["$defs"][one["$ref"].rsplit("/", 1)[1]]
            return found
    return at
