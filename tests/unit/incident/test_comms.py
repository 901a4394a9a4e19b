"""The ledger: what leaves by itself, what waits for people, and what became of it."""

from datetime import timedelta

import pytest

from goaround.api.aftermath import Bin, RootCause
from goaround.api.content import hash_of
from goaround.api.incident import RequestedPhase
from goaround.api.judgement import Channel, DataExposure
from goaround.api.names import message_key
from goaround.api.status import SignalStatus
from goaround.incident.audiences import Audience, Delivered, KnownChannel
from goaround.incident.planned import KeepTexts
from tests.unit.incident.build import AT
from tests.unit.incident.comms_kit import CLIENTS, HOUR, KNOWN_HARM, MINUTE, OPS, Told

EXTERNAL = "externalInitial-1"


def a_draft() -> Told:
    return Told("P2", impact=KNOWN_HARM).looks()


def test_a_second_look_at_the_same_changes_nothing_and_writes_nothing() -> None:
    told = a_draft()
    before = told.incident.status
    plan = told.looks().plan
    assert (plan.status, plan.first) == (before, ())


def test_status_has_the_hash_of_each_text_and_no_text() -> None:
    told = a_draft()
    assert all(hash_of(told.reads(name)) == m.hash for name, m in told.messages.items())
    assert "empty answer" not in str(told.incident.status.comms.wire())


def test_a_draft_is_written_anew_when_facts_change_and_keeps_its_name() -> None:
    told = a_draft()
    first = told.messages[EXTERNAL]
    told.says(impact=KNOWN_HARM.but(data_exposure=DataExposure.NONE)).looks()
    again = told.messages[EXTERNAL]
    assert (again.hash != first.hash, again.rendered_at) == (True, told.now)
    assert "No data of people was exposed" in told.reads(EXTERNAL)


def test_figures_that_move_write_no_draft_anew() -> None:
    told = a_draft()
    before = told.messages
    told.signals = [SignalStatus(name="errors", verdict="Good", message="0.4% (n=3,210)")]
    assert told.looks().messages == before


def test_nothing_leaves_the_house_without_approval() -> None:
    told = a_draft().looks(3 * HOUR)
    assert told.states[EXTERNAL] == "Draft"
    assert told.approves(EXTERNAL).looks().states[EXTERNAL] == "Sending"
    assert told.messages[EXTERNAL].to == [CLIENTS.name]


def test_what_was_approved_is_not_written_anew() -> None:
    told = a_draft().approves(EXTERNAL).looks()
    before = told.messages[EXTERNAL].hash
    told.says(root_cause=RootCause(bin=Bin.CONFIG, line="max_context was too large")).looks()
    assert told.messages[EXTERNAL].hash == before


def test_an_approval_of_another_text_does_not_count() -> None:
    told = a_draft()
    read = told.messages[EXTERNAL].hash
    told.says(impact=KNOWN_HARM.but(users="all of them")).approves(EXTERNAL, of=read).looks()
    assert told.states[EXTERNAL] == "Draft"
    now = told.messages[EXTERNAL].hash.removeprefix("sha256:")[:12]
    assert told.approves(EXTERNAL, of=now).looks().states[EXTERNAL] == "Sending"


def test_approved_without_a_channel_it_waits_for_people_who_say_that_they_sent_it() -> None:
    told = Told("P2", channels=(OPS,), impact=KNOWN_HARM).looks().approves(EXTERNAL).looks()
    assert told.states[EXTERNAL] == "Approved"
    told.sends(EXTERNAL, told.now + MINUTE).looks(2 * MINUTE)
    message = told.messages[EXTERNAL]
    assert (message.state, message.channels) == ("Sent", "by hand")
    assert message.sent_at == told.now - MINUTE


def test_an_update_sent_by_hand_starts_the_clock_again() -> None:
    told = Told("P2", channels=()).looks().looks(40 * MINUTE)
    told.sends("internalUpdate-1", told.now).looks()
    at = told.messages["internalUpdate-1"].sent_at
    assert at is not None
    assert told.incident.status.comms.next_internal_due == at + 30 * MINUTE


def test_what_was_sent_by_hand_tomorrow_was_sent_now() -> None:
    told = Told("P2", channels=()).looks().sends("brief-1", AT + timedelta(days=1)).looks()
    assert told.messages["brief-1"].sent_at == told.now


def test_a_draft_leaves_once_a_channel_is_there() -> None:
    told = Told("P2", channels=()).looks()
    assert told.states["brief-1"] == "Draft"
    told.settings = Told(channels=(OPS,)).settings
    assert told.looks().states["brief-1"] == "Sending"


def test_it_is_sent_when_every_channel_has_it() -> None:
    two = (OPS, KnownChannel("page", Audience.INTERNAL))
    told = Told("P3", channels=two).looks().taken("brief-1", "ops").looks()
    assert (told.states["brief-1"], told.messages["brief-1"].took) == ("Sending", ["ops"])
    assert told.delivered == ("Unknown", "Pending", "being sent: brief")
    message = told.taken("brief-1", "ops", "page").looks().messages["brief-1"]
    assert (message.state, message.channels) == ("Sent", "2/2 delivered")
    assert (message.to, message.took, message.sent_at) == ([], [], told.now)
    assert told.delivered == ("True", "Delivered", "what was sent was delivered")


def test_what_one_channel_has_is_remembered_by_status_alone() -> None:
    two = (OPS, KnownChannel("page", Audience.INTERNAL))
    told = Told("P3", channels=two).looks().taken("brief-1", "ops").looks()
    told.sent = {"brief-1": Delivered(("page",))}  # another process went on
    assert told.looks().messages["brief-1"].channels == "2/2 delivered"


def test_a_channel_that_refuses_is_named_with_its_reason() -> None:
    two = (OPS, KnownChannel("page", Audience.INTERNAL))
    told = Told("P3", channels=two).looks().taken("brief-1", "ops", refused={"page": "HTTP 404"})
    assert told.looks().messages["brief-1"].channels == "1/2 delivered; page: HTTP 404"
    assert told.states["brief-1"] == "Sent"
    assert told.delivered is not None
    assert told.delivered[:2] == ("False", "NotDelivered")
    assert "brief: 1/2 delivered; page: HTTP 404" in told.delivered[2]


def test_what_nobody_took_has_failed_and_can_be_sent_by_hand() -> None:
    told = Told("P3", channels=(OPS,)).looks().taken("brief-1", refused={"ops": "HTTP 410"}).looks()
    assert told.states["brief-1"] == "Failed"
    assert told.messages["brief-1"].sent_at is None
    assert told.sends("brief-1", told.now).looks().states["brief-1"] == "Sent"
    assert told.delivered is not None
    assert told.delivered[0] == "True"


def test_a_text_that_was_changed_is_not_sent_and_says_so() -> None:
    told = Told("P3", channels=(OPS,)).looks()
    told.sent = {"brief-1": Delivered(lost="nothing was sent: its text is gone")}
    told.looks()
    assert (told.states["brief-1"], told.messages["brief-1"].channels) == (
        "Failed",
        "nothing was sent: its text is gone",
    )


def test_the_incident_names_its_channel_then_the_feature_then_all_hear() -> None:
    three = tuple(KnownChannel(n, Audience.INTERNAL) for n in ("one", "two", "three"))
    told = Told("P3", channels=three).looks()
    assert told.messages["brief-1"].to == ["one", "two", "three"]
    told = Told("P3", channels=three)
    told.policy = {"channels": ["two", "clients"]}
    assert told.looks().messages["brief-1"].to == ["two"]
    told = Told("P3", channels=three, channel=Channel(provider="three"))
    told.policy = {"channels": ["two"]}
    assert told.looks().messages["brief-1"].to == ["three"]


def test_a_channel_of_other_namespaces_is_none() -> None:
    theirs = KnownChannel("theirs", Audience.INTERNAL, ("elsewhere",))
    told = Told("P3", channels=(theirs,), channel=Channel(provider="theirs")).looks()
    assert told.states["brief-1"] == "Draft"
    assert told.delivered is not None
    assert told.delivered[:2] == ("False", "UnknownChannel")
    assert "no channel theirs is configured for namespace shop" in told.delivered[2]


def test_approving_what_there_is_not_is_told() -> None:
    told = Told("P3").looks().approves("externalInitial-7").looks()
    said = "message externalInitial-7 is not in status.comms.messages: nothing was done about it"
    assert said in told.incident.status.proposals


def test_the_end_is_not_told_of_what_was_opened_again() -> None:
    told = Told("P2", impact=KNOWN_HARM, requested_phase=RequestedPhase.RESOLVED).looks()
    told.says(requested_phase=RequestedPhase.RECOVERING).looks()
    assert told.approves("resolution-1").looks().states["resolution-1"] == "Draft"


def test_a_ledger_of_another_release_is_left_out_and_breaks_nothing() -> None:
    told = a_draft()
    odd = told.messages["brief-1"].but(kind="poem")
    comms = told.incident.status.comms
    comms = comms.but(messages={**comms.messages, "poem-1": odd, "brief-x": odd})
    told.incident = told.incident.but(status=told.incident.status.but(comms=comms))
    assert told.looks().states.keys() == a_draft().states.keys()


def test_a_month_of_updates_leaves_the_newest_twenty_and_numbers_never_repeat() -> None:
    told = Told("P1", impact=KNOWN_HARM).looks().all_taken()
    for _ in range(25):
        told.looks(31 * MINUTE).all_taken()
    numbers = [int(n.rpartition("-")[2]) for n in told.messages if n.startswith("internalUpdate")]
    assert (max(numbers), len(told.messages)) == (25, 20)
    assert {"brief-1", "leadership-1", EXTERNAL} <= told.messages.keys()
    assert {message_key(n, m.hash) for n, m in told.messages.items()} == told.texts.keys()
    assert len(str(told.incident.status.comms.wire())) < 6 * 1024


def test_a_pass_that_missed_its_own_write_takes_no_text_away() -> None:
    told = Told("P3", channels=(OPS,))
    told.now += MINUTE
    first = told.decided()
    told.now += MINUTE
    second = told.decided()  # status has the first one, and this pass does not know
    for effect in (*first.first, *second.first):
        if isinstance(effect, KeepTexts):
            told.keeps(effect)
    told.incident = told.incident.but(status=first.status)
    assert hash_of(told.reads("brief-1")) == first.status.comms.messages["brief-1"].hash
    assert len([key for key in told.texts if key.startswith("brief-1.")]) == 2


def test_old_texts_of_a_draft_go_when_it_was_sent_or_when_there_are_too_many() -> None:
    told = a_draft()
    for number in range(10):
        told.says(impact=KNOWN_HARM.but(users=f"{number} people")).looks()
    assert len(told.texts) > len(told.messages)
    told.approves(EXTERNAL).looks().says(impact=KNOWN_HARM.but(users="10 people")).looks()
    assert len([key for key in told.texts if key.startswith(EXTERNAL)]) == 1
    for number in range(100):
        told.says(impact=KNOWN_HARM.but(users=f"{number + 20} people")).looks()
        assert len(told.texts) <= 60
    assert all(told.reads(name) for name in told.messages)


def test_channels_that_all_fail_keep_the_ledger_below_eight_kilobytes() -> None:
    dead = tuple(KnownChannel(f"{i}".ljust(40, "c"), Audience.INTERNAL) for i in range(6))
    told = Told("P1", channels=dead, impact=KNOWN_HARM).looks()
    for _ in range(20):
        told.looks(31 * MINUTE)
        for name, message in told.messages.items():
            told.taken(name, refused=dict.fromkeys(message.to, "no answer within 10 s"))
    assert len(told.messages["brief-1"].channels or "") <= 120
    assert len(str(told.incident.status.comms.wire())) < 8 * 1024


@pytest.mark.parametrize("state", ["Draft", "Sending"])
def test_the_ledger_fits_the_schema_it_is_stored_under(state: str) -> None:
    told = Told("P2", channels=() if state == "Draft" else (OPS,)).looks()
    status = told.incident.status
    assert type(status).model_validate(status.wire()) == status
