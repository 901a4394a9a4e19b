"""Incidents are opened, listed, shown and added up, and no text of theirs moves a cursor."""

import csv
import io
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from goaround.api.base import Json
from goaround.api.kinds import CONFIG_MAPS, INCIDENTS
from goaround.cli import incident, incident_open, incident_report, incident_show
from goaround.cli.command import FAILED, OK
from tests.unit.cli.people_kit import NAME, Desk

OPEN = ["chat", "--severity", "P2", "--reason", "customers wrote in"]
HOSTILE = "=cmd()\x1b[2J| <b>"


def status(desk: Desk, **said: object) -> None:
    """What the operator wrote."""
    version = desk.store.get(INCIDENTS, "shop", NAME)["metadata"]["resourceVersion"]
    patch: Json = {"metadata": {"resourceVersion": version}, "status": said}
    desk.store.patch(INCIDENTS, "shop", NAME, patch=patch, status=True, author="operator")


def test_a_person_opens_one_and_the_same_words_open_no_second(
    capsys: pytest.CaptureFixture[str],
) -> None:
    desk = Desk().feature()
    more = ["--what", "empty answers", "--noticed-by", "support", "--since", "2026-11-21T09:00:00Z"]
    assert incident_open.main([*OPEN, *more], desk.ask) == OK
    assert incident_open.main([*OPEN, *more], desk.ask) == OK
    (found,) = desk.store.list(INCIDENTS, "shop", None)
    assert found["spec"]["trigger"] == {"source": "Manual", "key": "customers wrote in"}
    assert found["spec"]["summary"]["whatBroke"] == "empty answers"
    assert "was opened before" in capsys.readouterr().out


def test_a_drill_is_opened_as_a_drill() -> None:
    desk = Desk().feature()
    assert incident_open.main([*OPEN, "--drill", "Tabletop"], desk.ask) == OK
    (found,) = desk.store.list(INCIDENTS, "shop", None)
    assert (found["spec"]["drill"], found["spec"]["trigger"]["source"]) == ("Tabletop", "Drill")


def test_an_incident_of_nobody_is_not_opened(capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk()
    assert incident_open.main(OPEN, desk.ask) == FAILED
    assert "there is no AIFeature chat" in capsys.readouterr().err
    assert desk.store.list(INCIDENTS, "shop", None) == []


def test_only_those_that_burn_are_listed_on_wish(capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk().incident()
    assert incident_show.list_main(["--open"], desk.ask) == OK
    assert NAME in capsys.readouterr().out
    status(desk, observedGeneration=1, phase="Resolved")
    incident_show.list_main(["--open"], desk.ask)
    assert capsys.readouterr().out == "no incident is open\n"
    incident_show.list_main([], desk.ask)
    assert "Resolved" in capsys.readouterr().out


def test_the_whiteboard_is_the_last_thing_shown(capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk().incident(actionItems=[])
    status(desk, observedGeneration=1, phase="Detected", whiteboard=["P2 chat", "NEXT   do it"])
    assert incident_show.show_main([NAME], desk.ask) == OK
    assert capsys.readouterr().out.endswith("WHITEBOARD\n  P2 chat\n  NEXT   do it\n")


def test_nothing_that_is_shown_moves_a_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk().incident(roles={"commander": HOSTILE}, impact={"business": HOSTILE})
    status(desk, observedGeneration=1, whiteboard=[HOSTILE], timeline=[HOSTILE], nextDue=HOSTILE)
    incident_show.list_main([], desk.ask)
    incident_show.show_main([NAME], desk.ask)
    incident_show.page_main([NAME], desk.ask)
    incident_report.main([], desk.ask)
    incident_report.main(["-o", "csv"], desk.ask)
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("form", ["md", "html", "json"])
def test_the_page_is_made_without_its_feature(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert incident_show.page_main([NAME, "-o", form], Desk().incident().ask) == OK
    assert "P2 incident of chat" in capsys.readouterr().out


def test_a_draft_is_read_from_its_config_map(capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk().incident()
    assert incident_show.comms_main(["draft", NAME], desk.ask) == FAILED
    body: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{NAME}-comms"}}
    texts = {"brief-1.abababab": "We switched it off.", "brief-1.efefefef": "Older words."}
    desk.store.create(CONFIG_MAPS, "shop", body | {"data": texts}, "operator")
    message: Json = {"kind": "brief", "state": "Draft", "renderedAt": "2026-11-21T10:00:00Z"}
    message |= {"hash": "sha256:" + "ab" * 32, "since": "2026-11-21T10:00:00Z"}
    status(desk, observedGeneration=1, comms={"messages": {"brief-1": message}})
    assert incident_show.comms_main(["draft", NAME], desk.ask) == OK
    assert incident_show.comms_main(["draft", NAME, "brief-1"], desk.ask) == OK
    assert capsys.readouterr().out == "brief-1: brief Draft\nWe switched it off.\n"
    assert incident_show.comms_main(["draft", NAME, "brief-2"], desk.ask) == FAILED


def test_a_message_is_approved_by_the_same_word() -> None:
    desk = Desk().incident()
    assert incident_show.comms_main(["approve", NAME, "external-1"], desk.ask) == OK
    assert desk.spec["commsApprovals"] == [{"message": "external-1"}]


def reported(desk: Desk, *words: str) -> int:
    status(
        desk,
        observedGeneration=1,
        phase="Resolved",
        exposedRequests=1210,
        milestones={"detectedAt": "2026-11-21T09:48:00Z", "containedAt": "2026-11-21T09:49:00Z"},
    )
    return incident_report.main(["--since", "36500d", *words], desk.ask)


def test_a_report_is_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert reported(Desk().incident(impact={"business": HOSTILE})) == OK
    told = capsys.readouterr().out
    assert "- incidents: 1" in told
    assert "- median time to contain: 60s" in told
    assert "| shop/chat | 1 |" in told
    assert "\\<b\\>" in told


def test_a_report_is_lines_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert reported(Desk().incident(), "-o", "jsonl") == OK
    (entry,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (entry["contain"], entry["exposed"]) == (60.0, 1210)


def test_no_text_of_a_report_is_a_formula(capsys: pytest.CaptureFixture[str]) -> None:
    assert reported(Desk().incident(impact={"business": HOSTILE}), "-o", "csv") == OK
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row["business"] == "'=cmd()?[2J| <b>"


def test_a_drawing_is_well_formed_and_names_the_feature(tmp_path: Path) -> None:
    drawing = tmp_path / "out.svg"
    assert reported(Desk().incident(), "--plot", str(drawing)) == OK
    texts = "".join(ElementTree.parse(drawing).getroot().itertext())
    assert "shop/chat: incidents by month" in texts
    assert f"{NAME} TTC 60s" in texts


def test_an_unknown_verb_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert incident.main(["clasify"]) == FAILED
    assert "classify" in capsys.readouterr().err


@pytest.mark.parametrize("verb", incident.VERBS)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    group = {"action": ["add"], "comms": ["sent"]}.get(verb, [])
    with pytest.raises(SystemExit) as left:
        incident.main([verb, *group, "--help"])
    assert left.value.code == OK
    assert "--kubeconfig" in capsys.readouterr().out
