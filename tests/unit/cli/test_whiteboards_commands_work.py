"""What the whiteboard says to type next works when it is pasted."""

import shlex
from collections.abc import Iterator
from datetime import timedelta

import pytest

from goaround.api.incident import RequestedPhase
from goaround.api.kinds import AIIncident
from goaround.api.latches import Latch
from goaround.cli import incident_edit, kill
from goaround.cli.command import OK
from tests.unit.cli.people_kit import Desk
from tests.unit.incident.build import AT, NAME, a_feature, a_kill, a_latch, an_incident, decided

CONTAINED = {"delivered_at": AT, "contained_at": AT + timedelta(seconds=9)}


def boards() -> Iterator[list[str]]:
    """At its first look, contained, commanded, and over; of a P2 and of a kill."""
    for latch in (a_latch(weight=50), a_latch(weight=50, **CONTAINED), a_kill(**CONTAINED)):
        incident = an_incident(latch)
        for asked in (None, RequestedPhase.RESOLVED):
            said = incident.but(spec=incident.spec.but(requested_phase=asked))
            yield _after_two_looks(said, latch)


def _after_two_looks(incident: AIIncident, latch: Latch) -> list[str]:
    feature = a_feature(latch)
    for minutes in (1, 2):
        plan = decided(incident, feature, at=AT + timedelta(minutes=minutes))
        incident = incident.but(status=plan.status)
    return list(incident.status.whiteboard)


COMMANDS = sorted(
    {
        line[7:].partition("   #")[0]
        for board in boards()
        for line in board
        if line.startswith(("NEXT   kubectl goaround", "WORSE? kubectl goaround"))
    }
)


def test_there_is_something_to_type() -> None:
    assert {"kill", "incident"} == {line.split()[2] for line in COMMANDS}
    assert len(COMMANDS) >= 6


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_it_is_done(line: str) -> None:
    desk = Desk().feature().incident()
    _, plugin, command, *words = shlex.split(line)
    assert plugin == "goaround"
    if command == "kill":
        assert kill.kill_main([*words, "--wait", "0"], desk.ask) == OK
    elif "--help" in words:
        with pytest.raises(SystemExit) as left:
            incident_edit.main(words, desk.ask)
        assert left.value.code == OK
    else:
        assert NAME in words
        assert incident_edit.main(words, desk.ask) == OK
