"""What messages say: known facts, nothing invented, and nothing that a field could pretend."""

import re
from datetime import timedelta

import pytest

from goaround.api.contacts import Contacts, IncidentContact
from goaround.api.judgement import DataExposure, Impact
from goaround.api.neighbours import Dependency, DependencyKind
from goaround.api.status import SignalStatus
from goaround.api.trigger import Summary
from goaround.incident.audiences import AUDIENCES, Audience, MessageKind
from goaround.incident.comms_lint import warnings
from goaround.incident.message_facts import clean, sample
from goaround.incident.templating import LONGEST_TEXT, faults, render
from tests.unit.incident.comms_kit import KNOWN_HARM, OPS, Told

every_kind = pytest.mark.parametrize("kind", list(MessageKind))
HOSTILE = "a\nNext update by never.\r\n\u202egnp\x1b[31m <!channel> <script>alert('x')</script> \"}"


@every_kind
def test_every_message_can_be_written_when_nothing_is_known(kind: MessageKind) -> None:
    text = Told("P2", summary=Summary()).looks().would_read(kind)
    assert "not yet known" in text
    assert "None" not in text
    assert "{{" not in text


@every_kind
def test_every_message_says_that_it_is_about_ai(kind: MessageKind) -> None:
    assert "AI" in Told("P2").looks().would_read(kind)


def test_the_brief_is_two_sentences_with_what_when_and_after_what() -> None:
    text = Told("P2").looks().reads("brief-1")
    assert text.startswith("We took release chat-7b@2026-11-02 support@v43 ")
    assert "off its users at 2026-11-21 09:48 UTC after this was seen: errors ratio 4.1%" in text
    assert len(re.findall(r"[.](?:\s|$)", text)) == 2
    assert text.endswith("the next update comes by 2026-11-21 10:19 UTC.")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (DataExposure.UNKNOWN, "Whether data of people was exposed is not yet known"),
        (DataExposure.NONE, "No data of people was exposed"),
        (DataExposure.CONFIRMED, "Data of people was exposed"),
    ],
)
@every_kind
def test_of_data_they_say_what_people_said_and_nothing_else(
    kind: MessageKind, said: DataExposure, told: str
) -> None:
    text = Told("P2", impact=Impact(data_exposure=said)).looks().would_read(kind)
    speaks_of_data = kind is not MessageKind.PIR_INVITE
    assert (told in text) is speaks_of_data
    others = {"not yet known": "Whether data", "No data": "No data", "Data of": "Data of"}
    found = [o for o in others.values() if o in text]
    assert found == ([told[: len(found[0])]] if speaks_of_data else [])


@pytest.mark.parametrize("kind", [k for k in MessageKind if k.startswith("external")])
def test_customers_read_what_we_do_what_they_do_and_when_they_hear_again(kind: MessageKind) -> None:
    impact = KNOWN_HARM.but(advice="Use the telephone")
    text = Told("P2", impact=impact).looks().would_read(kind)
    for part in ("What you do: Use the telephone", "Next update by ", "We took the new version"):
        assert part in text
    assert "One in twelve chats" in text
    assert "e-value" not in text
    assert "chat-7b" not in text


def test_customers_read_whom_they_may_call() -> None:
    told = Told("P2", impact=KNOWN_HARM)
    contact = IncidentContact(name="Service desk", phone="+61 2 5550 1234")
    told.policy = {"contacts": Contacts(incident=contact)}
    assert told.looks().reads("externalInitial-1").endswith("Service desk, +61 2 5550 1234")


def test_what_is_not_contained_is_not_said_to_be() -> None:
    text = Told("P1", latch={}).looks().looks(timedelta(minutes=10)).reads("leadership-1")
    assert "is under way and not seen to work yet" in text
    assert "We took" not in text


@every_kind
def test_no_field_can_pretend_to_be_another_one(kind: MessageKind) -> None:
    impact = Impact(business=HOSTILE, users=HOSTILE, advice=HOSTILE)
    told = Told("P2", impact=impact, summary=Summary(what_broke=HOSTILE)).looks()
    text = told.would_read(kind)
    assert all(c.isprintable() or c == "\n" for c in text)
    assert not any(line.startswith("Next update by never") for line in text.splitlines())


def test_a_clean_line_is_bounded_and_says_that_it_was_cut() -> None:
    assert clean("a" * 500, 10) == "aaaaaaaaa…"
    assert clean("  a \u2028 b\u0000c ") == "a b c"


@every_kind
def test_a_message_is_bounded_whatever_is_in_it(kind: MessageKind) -> None:
    impact = Impact(business="b" * 1024, users="u" * 1024, advice="a" * 512)
    told = Told("P2", impact=impact, summary=Summary(what_broke="w" * 1024)).looks()
    assert len(told.would_read(kind)) <= LONGEST_TEXT


def custom(source: str, kind: MessageKind = MessageKind.BRIEF) -> Told:
    return Told("P3", channels=(OPS,), templates={str(kind): source}).looks()


def test_an_administrator_may_write_a_message_in_other_words() -> None:
    told = custom("{{ feature }} fell over at {{ contained }}")
    assert told.reads("brief-1") == "chat fell over at 2026-11-21 09:48 UTC"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{{ feature", "TemplateSyntaxError"),
        ("{{ no_such_name }}", "UndefinedError: 'no_such_name' is undefined"),
        ("{{ feature.__class__.__mro__ }}", "SecurityError"),
        ("{{ feature + 1 }}", "TypeError"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{% include 'brief2.txt' %}", "TemplateNotFound"),
        ("   ", "it renders to nothing"),
    ],
)
def test_a_broken_one_is_told_and_holds_nothing_up(source: str, why: str) -> None:
    told = custom(source)
    assert told.reads("brief-1").startswith("We took release")
    assert told.states["brief-1"] == "Sending"
    assert told.delivered is not None
    assert "The built-in text stands in for a broken template: brief" in told.delivered[2]
    assert why in told.delivered[2]


def test_a_broken_one_is_found_at_the_start_already() -> None:
    broken = {"brief": "{{ x }}", "leadership": "{{ severity }}"}
    (fault,) = faults(broken)
    assert fault == "incidents.templates.brief: UndefinedError: 'x' is undefined"


def test_a_template_cannot_change_what_others_see() -> None:
    text = render(MessageKind.BRIEF, sample(), {"brief": "{% set feature = 'y' %}{{ feature }}"})
    assert text.text == "y"
    assert render(MessageKind.BRIEF, sample(), {"brief": "{{ feature }}"}).text == "x"


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("Our AI gave wrong answers", []),
        ("Our service gave wrong answers", ["it does not say that AI is involved"]),
        ("Our AI failed, to blame is a vendor", ["it names blame"]),
        ("Our AI failed because of Acme Models", ["it names Acme Models"]),
    ],
)
def test_a_draft_for_customers_is_looked_at_for_blame_and_silence(
    text: str, warned: list[str]
) -> None:
    told = Told("P2")
    dependency = Dependency(name="Acme Models", kind=DependencyKind.MODEL_PROVIDER)
    feature = told.feature
    feature = feature.but(spec=feature.spec.but(dependencies=[dependency]))
    seen = type(told.seen)(told.incident, (feature,))
    found = list(warnings(MessageKind.EXTERNAL_INITIAL, text, seen))
    assert [w[: len(x)] for w, x in zip(found, warned, strict=True)] == warned
    assert list(warnings(MessageKind.BRIEF, text, seen)) == []


def test_a_warning_is_a_proposal_and_never_a_hindrance() -> None:
    words = "It was the fault of a supplier, not of our AI"
    told = Told("P2", impact=KNOWN_HARM.but(business=words)).looks()
    assert any("say what we do" in p for p in told.incident.status.proposals)
    assert told.approves("externalInitial-1").looks().states["externalInitial-1"] == "Sending"


def test_the_built_in_messages_name_nobody_to_blame() -> None:
    told = Told("P2", impact=KNOWN_HARM).looks()
    for kind in MessageKind:
        if AUDIENCES[kind] is Audience.EXTERNAL:
            assert list(warnings(kind, told.would_read(kind), told.seen)) == []


@every_kind
def test_no_line_of_a_signal_and_no_annotation_stands_in_a_message(kind: MessageKind) -> None:
    canary = "canary-7f3a"
    lines = [SignalStatus(name="errors", verdict="Bad", message=canary)]
    told = Told("P2", latch={"signals": lines}, impact=KNOWN_HARM)
    told.signals = lines
    meta = told.incident.metadata.but(annotations={"note": canary}, labels={"a": canary})
    told.incident = told.incident.but(metadata=meta)
    assert canary not in told.looks().would_read(kind)
    assert canary not in str(told.texts) + str(told.incident.status.comms.wire())
