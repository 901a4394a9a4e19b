"""What is frozen when an incident is opened: bounded, whole, and of figures only."""

import json
from datetime import timedelta

import pytest

from goaround.api.base import rfc3339
from goaround.incident.decide import decide
from goaround.incident.evidence import (
    MOST_BYTES,
    POINTS,
    STEP_SECONDS,
    Figures,
    Point,
    began,
    content,
    ends,
    frozen,
    is_wanted,
    with_began,
)
from goaround.incident.seen import Seen
from tests.unit.incident.build import AT, NAME, a_feature, a_kill, a_latch, an_incident

LAST = ends(AT, 10)[-1]


def points(*shares: float) -> dict[str, list[Point]]:
    """The newest last, 100 requests each."""
    return {
        "candidate": [
            (LAST - STEP_SECONDS * n, 100.0, 100 * share)
            for n, share in reversed(list(enumerate(reversed(shares))))
        ]
    }


def test_it_holds_both_releases_the_split_the_proof_and_an_hour_of_figures() -> None:
    feature = a_feature(a_latch())
    text = content(an_incident(), feature, {"errors": Figures(points(0.0, 0.04))}, AT)
    told = json.loads(text)
    assert told["failed"]["title"] == a_latch().release.title  # type: ignore[union-attr]
    assert (told["incident"], told["takenAt"]) == (NAME, rfc3339(AT))
    assert told["proof"].startswith("errors ratio 4.1%")
    assert told["signals"]["errors"]["points"]["candidate"][-1] == [LAST, 100.0, 4.0]


def test_an_hour_is_read_in_at_most_forty_windows_that_can_be_read_at_once() -> None:
    asked = ends(AT, 10)
    assert len(asked) == POINTS <= 40
    assert (asked[-1] - asked[0] + STEP_SECONDS) == 3600
    assert asked[-1] <= AT.timestamp() - 10


def test_a_provider_that_is_dead_is_said_to_be() -> None:
    text = content(an_incident(), a_feature(), {"errors": Figures(message="no figures: dead")}, AT)
    assert json.loads(text)["signals"]["errors"]["message"] == "no figures: dead"


def test_too_many_figures_are_left_out_and_the_rest_stays() -> None:
    many = Figures({f"arm{n}": points(*[0.123456789] * 36)["candidate"] for n in range(40)})
    text = content(
        an_incident(), a_feature(a_latch()), dict.fromkeys(map(str, range(20)), many), AT
    )
    assert len(text.encode()) <= MOST_BYTES
    assert "left out" in json.loads(text)["signals"]["0"]["message"]


@pytest.mark.parametrize(
    ("shares", "windows"),
    [((0.0, 0.0, 0.3), 1), ((0.3, 0.0, 0.3, 0.3), 2), ((0.3, 0.0), None), ((), None)],
)
def test_harm_began_with_the_last_run_of_windows_beyond_the_bound(
    shares: tuple[float, ...], windows: int | None
) -> None:
    found = began(a_feature(), {"errors": Figures(points(*shares))})
    wanted = None if windows is None else LAST - windows * STEP_SECONDS
    assert (found.timestamp() if found is not None else None) == wanted


def test_what_was_written_is_read_again_with_hash_time_and_beginning() -> None:
    text = with_began(content(an_incident(), a_feature(), {}, AT), AT - timedelta(minutes=9))
    found = frozen("x-evidence", text)
    assert (found.ref.taken_at, found.began) == (AT, AT - timedelta(minutes=9))
    assert found.ref.hash.startswith("sha256:")
    assert frozen("x-evidence", text) == found


@pytest.mark.parametrize("text", ["", "{}", "[]", "hello"])
def test_a_text_of_somebody_else_is_no_evidence(text: str) -> None:
    with pytest.raises(ValueError, match=r"Expecting value|not written by GoAround"):
        frozen("x-evidence", text)


def test_the_incident_notes_it_once_and_when_a_kill_began_where_nothing_else_says() -> None:
    latch = a_kill()
    incident = an_incident(latch)
    incident = incident.but(
        spec=incident.spec.but(summary=incident.spec.summary.but(first_seen=None))
    )
    text = with_began(content(incident, a_feature(latch), {}, AT), AT - timedelta(minutes=9))
    found = frozen(f"{NAME}-evidence", text)
    status = decide(Seen(incident, (a_feature(latch),), frozen=found), AT).status
    assert status.evidence == found.ref
    assert status.milestones.started_at == AT - timedelta(minutes=9)
    assert not is_wanted(incident.but(status=status))


def test_what_changed_before_is_kept_and_takes_the_place_of_the_features_own_history() -> None:
    """A hundred lines are kept, and status shows the newest twenty, each cut to its bound."""
    incident, feature = an_incident(), a_feature(a_latch())
    changed = [f"line {n} {'漢' * 400}" for n in range(300)]
    text = content(incident, feature, {}, AT, changed=changed)
    assert len(json.loads(text)["recentChanges"]) == 100
    assert len(text.encode()) <= MOST_BYTES
    first = decide(Seen(incident, (feature,)), AT).status
    told = Seen(incident.but(status=first), (feature,), frozen=frozen("chat-evidence", text))
    found = decide(told, AT).status
    assert [line.split()[1] for line in found.recent_changes] == [str(n) for n in range(20)]
    assert {len(line) for line in found.recent_changes} == {200}
    again = decide(Seen(incident.but(status=found), (feature,), frozen=told.frozen), AT).status
    assert again.recent_changes == found.recent_changes


def test_where_no_line_was_found_the_features_own_history_stays() -> None:
    incident, feature = an_incident(), a_feature(a_latch())
    before = incident.status.but(recent_changes=["its own"])
    text = content(incident, feature, {}, AT)
    seen = Seen(incident.but(status=before), (feature,), frozen=frozen("chat-evidence", text))
    assert decide(seen, AT).status.recent_changes == ["its own"]
