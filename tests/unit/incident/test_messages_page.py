"""The page on messages shows what the built-in templates say, word for word."""

from pathlib import Path

import yaml

from goaround.api.aftermath import Bin, Guardrail, GuardrailType, Remediation, Review, RootCause
from goaround.api.contacts import Contacts, IncidentContact
from goaround.api.incident import RequestedPhase
from goaround.api.judgement import Channel, DataExposure, Impact, Roles, Triage, TriageAnswers
from goaround.api.status import SignalStatus
from goaround.incident.audiences import Audience, MessageKind
from goaround.incident.message_facts import sample
from goaround.runtime.config import parse
from tests.unit.incident.comms_kit import CONTAINED, MINUTE, Told

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "incident-messages.md").read_text("utf-8")


def begun() -> Told:
    told = Told(
        "P2",
        latch=CONTAINED | {"weight": 50},
        roles=Roles(commander="ana", comms_lead="li", technical_lead="tom"),
        channel=Channel(provider="ops", id="#inc-chat"),
        impact=Impact(
            business="About one in twelve chats got an empty answer",
            users="People who asked long questions",
            advice="Use the telephone, or ask a shorter question",
            data_exposure=DataExposure.NONE,
        ),
    )
    contact = IncidentContact(name="Service desk", phone="+61 2 5550 1234")
    told.policy = {"contacts": Contacts(incident=contact)}
    return told.looks()


def rendered() -> dict[MessageKind, str]:
    """All of them, each at its time of one incident."""
    told = begun()
    first = (MessageKind.BRIEF, MessageKind.LEADERSHIP, MessageKind.CLIENT_TECHNICAL)
    early = (*first, MessageKind.EXTERNAL_INITIAL, MessageKind.DRILL_DRAFT)
    found = {kind: told.would_read(kind) for kind in early}
    told.says(
        root_cause=RootCause(bin=Bin.CONFIG, line="max_context was above the model's limit"),
        remediation=Remediation(line="max_context is back at 6,000"),
        guardrail=Guardrail(type=GuardrailType.TEST, ref="golden case long-question"),
        triage=Triage(answers=TriageAnswers(trend="nobody is affected any more")),
    )
    told.looks(30 * MINUTE)
    updates = (MessageKind.INTERNAL_UPDATE, MessageKind.EXTERNAL_UPDATE)
    found |= {kind: told.would_read(kind) for kind in updates}
    told.signals = [SignalStatus(name="errors", verdict="Good", message="0.4 %")]
    findings = "No test asked a long question; the limit stood in two places"
    over = told.incident.spec.impact.but(advice="Nothing; it works as before")
    told.says(requested_phase=RequestedPhase.RESOLVED, impact=over)
    told.says(review=Review(findings=findings)).looks(90 * MINUTE)
    late = (MessageKind.RESOLUTION, MessageKind.PIR_INVITE, MessageKind.CLIENT_FINDINGS)
    return found | {kind: told.would_read(kind) for kind in late}


def shown() -> str:
    texts = rendered()
    return "\n".join(f"### {kind}\n\n```text\n{texts[kind]}\n```\n" for kind in MessageKind)


def test_every_built_in_message_is_on_the_page_as_it_reads() -> None:
    assert shown() in PAGE


def test_every_name_that_a_template_may_use_is_on_the_page() -> None:
    assert [name for name in sample() if f"`{name}`" not in PAGE] == []


def test_the_channels_on_the_page_are_a_file_that_is_taken() -> None:
    (block,) = (b for b in PAGE.split("```yaml\n")[1:] if b.startswith("channels:"))
    raw = yaml.safe_load(block.split("```")[0])
    for channel in raw["channels"]:
        channel.pop("secretFile", None)  # there is none here
    config = parse(raw, source="page")
    assert [c.audience for c in config.channels] == list(Audience)
    assert config.incidents.templates.keys() == {"brief"}
