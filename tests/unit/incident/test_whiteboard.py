"""The whiteboard: plain lines, the worst first, what to do next always last."""

from datetime import timedelta

import pytest

from goaround.api.incident import AIIncidentStatus
from goaround.api.status import Latch, LatchCause, SignalStatus
from tests.unit.incident.build import (
    AT,
    FAILED,
    NAME,
    SERVING,
    a_feature,
    a_kill,
    a_latch,
    a_release,
    an_incident,
    decided,
    known,
)


def whiteboard(latch: Latch) -> list[str]:
    status = decided(an_incident(latch), a_feature(latch)).status
    return AIIncidentStatus.model_validate(status.wire()).whiteboard


def test_a_rollback_reads_like_this() -> None:
    failed, serving = known(FAILED).digest, known(SERVING).digest
    latch = a_latch(
        delivered_at=AT + timedelta(milliseconds=300), contained_at=AT + timedelta(seconds=20)
    )
    assert whiteboard(latch) == [
        "P3 chat: 10 % of users were on the release (below 50 %)",
        "What broke: errors ratio 4.1% vs 2.0% (n=1,210): e-value 312 >= 100 -> breach",
        "State: no request reached it any more, seen 2026-11-21T09:48:28.123Z",
        f"Serving now: chat-7b@2026-11-02 support@v42 ({serving[7:19]})",
        f"Failed: chat-7b@2026-11-02 support@v43 ({failed[7:19]}), attempt 1, at 10 % of users",
        "Change: prompt: support v43 (failed), support v42 (serves)",
        "Signal errors Bad: 4.1% bad (n=1,210)",
        "Time: 2026-11-21T09:47:27.123Z first bad window began",
        "Time: 2026-11-21T09:48:07.123Z harm proven",
        "Time: 2026-11-21T09:48:08.123Z decided",
        "Time: 2026-11-21T09:48:08.423Z delivered",
        "Time: 2026-11-21T09:48:28.123Z contained",
        "Exposed: 1,210 requests were served by the failed release",
        "Next: nothing is on fire: users are on what is named under 'Serving now'",
        "Next: put the release of 'Serving now' back into Git, or a fixed one with new versions",
        "Next: to fly the same release again: an AISignOff Retry, attempt 1, digest",
        f"Next:   {failed}",
    ]


def test_a_kill_reads_like_this() -> None:
    serving = known(SERVING).digest
    assert whiteboard(a_kill()) == [
        "P2 chat: the release was Live at 100 % of users",
        "What broke: killed by AIKillSwitch stop: it swears",
        "State: decided 2026-11-21T09:48:08.123Z; not seen on every flag replica yet",
        "Serving now: the fallback",
        f"Failed: chat-7b@2026-11-02 support@v42 ({serving[7:19]}), attempt 0, at 100 % of users",
        "Time: 2026-11-21T09:48:08.123Z decided",
        "Exposed: not known",
        "Next: the fallback serves until every kill source is gone: kubectl get aikillswitches",
        "Next: watch it come back: kubectl get aifeature chat -w",
        "Next: new releases wait for requestedPhase Recovering (a fix may fly) or Resolved (it is "
        "over):",
        f"Next:   kubectl patch aii {NAME} --type=merge -p "
        '\'{"spec":{"requestedPhase":"Resolved"}}\'',
    ]


@pytest.mark.parametrize("delivered", [None, AT])
def test_nobody_is_told_that_nothing_burns_before_it_was_seen(delivered: object) -> None:
    told = "\n".join(whiteboard(a_latch(delivered_at=delivered)))
    assert "nothing is on fire" not in told


def test_what_went_back_to_the_fallback_is_not_to_be_put_into_git() -> None:
    told = "\n".join(whiteboard(a_latch(back_to=None)))
    assert "put the release of 'Serving now' back" not in told
    assert "Serving now: the fallback" in told


@pytest.mark.parametrize("cause", list(LatchCause))
def test_no_line_is_longer_than_a_terminal_shows(cause: LatchCause) -> None:
    long = {"name": "m" * 128, "version": "v" * 128}
    release = a_release("v1", model=long, index=long, parameters={"tools": "t" * 512})
    latch = a_latch(cause=cause, release=release, message="x" * 512)
    assert max(map(len, whiteboard(latch))) <= 160


def test_what_to_do_next_is_never_crowded_out() -> None:
    release = a_release("v43", parameters={f"p{n:02d}": "x" for n in range(32)})
    signals = [SignalStatus(name=f"s{n}", verdict="Bad", message="bad") for n in range(20)]
    lines = whiteboard(a_latch(release=release, signals=signals))
    assert len(lines) == 40
    assert [line.split(":")[0] for line in lines[-4:]] == ["Next"] * 4


def test_an_outage_asks_nobody_to_fly_a_release_again() -> None:
    latch = a_latch(cause=LatchCause.OUTAGE, digest=None, release=None, signal=None)
    told = "\n".join(whiteboard(latch))
    assert "AISignOff" not in told
