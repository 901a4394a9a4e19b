"""The note says what is known, in one order, and invents nothing."""

import json
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

from goaround.api.aftermath import Bin, Detail, Review, RootCause
from goaround.api.base import ObjectMeta
from goaround.api.incident import RequestedPhase
from goaround.api.incident_status import Phase
from goaround.api.judgement import Impact
from goaround.incident.note import page
from goaround.incident.note_page import UNKNOWN
from goaround.incident.note_text import as_html, as_json, as_markdown
from goaround.incident.planned import Plan, WriteText
from tests.unit.incident.build import AT, a_feature, a_latch, an_incident, decided

HOSTILE = "<script>alert(1)</script> | `x` [a](javascript:b) \x1b[2J\nnext"


def note_of(**spec: Any) -> str:
    incident = an_incident()
    return as_markdown(page(incident.but(spec=incident.spec.but(**spec)), a_feature()))


def test_sections_stand_in_their_order() -> None:
    titles = [line[3:] for line in note_of().splitlines() if line.startswith("## ")]
    assert titles == [
        "In one paragraph",
        "The incident",
        "Clocks",
        "Timeline",
        "Review",
        "Action items",
        "What the AI does",
        "For supervisors",
    ]


def test_the_first_paragraph_has_what_who_whom_and_when() -> None:
    told = json.loads(as_json(page(an_incident(), a_feature())))["headline"]
    assert told.startswith("chat: errors ratio 4.1%")
    for part in ("Noticed by GoAround.", "Affected: 10 % of the users", "First seen 2026-11-21T"):
        assert part in told


def test_what_nobody_said_is_not_yet_known() -> None:
    told = json.loads(as_json(page(an_incident(), None)))
    for name in ("Business", "Data of people exposed", "Cause", "Next review", "New guardrail"):
        assert told["fields"][name] == UNKNOWN
    assert told["explainability"] == UNKNOWN


def test_no_data_got_out_only_when_a_person_says_so() -> None:
    said = Impact.model_validate({"dataExposure": "None"})
    assert "| Data of people exposed | none |" in note_of(impact=said)
    assert f"| Data of people exposed | {UNKNOWN} |" in note_of()


def test_cause_and_next_review_are_told_as_they_were_said() -> None:
    cause = RootCause(bin=Bin.CONFIG, detail=Detail.TOKEN_LIMITS, line="limit too low")
    review = Review(next_review_at=AT + timedelta(days=30), reviewers=["ana", "tom"])
    told = note_of(root_cause=cause, review=review)
    assert "| Cause | Config / TokenLimits: limit too low |" in told
    assert "| Next review | 2026-12-21T09:48:08Z |" in told
    assert "| Reviewers | ana; tom |" in told


def test_hostile_text_is_no_markup_in_markdown() -> None:
    (line,) = [x for x in note_of(impact=Impact(business=HOSTILE)).splitlines() if "Business" in x]
    assert line.replace("\\|", "").count("|") == 3
    assert "\\<script\\>" in line
    assert "\x1b" not in line
    assert "[a](" not in line


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts += data


def test_hostile_text_is_no_markup_in_html() -> None:
    incident = an_incident()
    bad = incident.spec.but(impact=Impact(business=HOSTILE, users=HOSTILE))
    meta = ObjectMeta(name="<b>", namespace='"><img src=x>')
    document = as_html(page(incident.but(spec=bad, metadata=meta), a_feature()))
    found = Tags()
    found.feed(document)
    assert not found.tags & {"script", "img", "a", "b"}
    assert "<script>alert(1)</script>" in found.texts
    assert "\x1b" not in document
    assert "http" not in document


def notes_of(plan: Plan) -> list[WriteText]:
    return [e for e in plan.first if isinstance(e, WriteText) and e.name.endswith("-note")]


def test_it_is_written_before_the_status_that_names_its_hash() -> None:
    plan = decided(an_incident(), a_feature(a_latch()))
    (effect,) = notes_of(plan)
    assert set(effect.data) == {"note.md", "note.html", "note.json"}
    assert plan.status.note_hash is not None


def test_it_is_written_again_only_when_something_happened() -> None:
    incident, feature = an_incident(), a_feature(a_latch())
    incident = incident.but(status=decided(incident, feature).status)
    later = AT + timedelta(minutes=1)  # before any clock is missed
    assert notes_of(decided(incident, feature, at=later)) == []
    said = incident.but(spec=incident.spec.but(impact=Impact(business="queues are long")))
    assert len(notes_of(decided(said, feature, at=later))) == 1


def test_once_closed_it_stays_as_it_was() -> None:
    incident, feature = an_incident(), a_feature(a_latch())
    status = decided(incident, feature).status
    closed = status.milestones.but(closed_at=AT, resolved_at=AT)
    incident = incident.but(status=status.but(phase=Phase.CLOSED, milestones=closed))
    spec = incident.spec.but(
        requested_phase=RequestedPhase.CLOSED, impact=Impact(business="later words")
    )
    plan = decided(incident.but(spec=spec), feature, at=AT + timedelta(days=1))
    assert notes_of(plan) == []
    assert plan.status.note_hash == status.note_hash
