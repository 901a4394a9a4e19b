"""The evidence binder is a chain: whatever was altered, left out or slipped in is named."""

import json
from collections.abc import Callable

import pytest

from goaround.api.base import Json
from goaround.api.canonical import BEGINNING
from goaround.api.evidence_log import EvidenceLog
from goaround.rollout.chain import (
    KEPT,
    Segment,
    end_of,
    faults,
    hash_of,
    segment,
    surplus,
)


def a_chain(length: int, *, first: int = 1) -> list[Json]:
    """The data of segments `first` to `length`."""
    found: list[Json] = []
    prev = BEGINNING
    for number in range(1, length + 1):
        data = {"number": number, "prev": prev, "flight": f"f{number}", "outcome": "Live"}
        found.append(data)
        prev = hash_of(data)
    return found[first - 1 :]


def read(chain: list[Json]) -> list[Segment]:
    found = [segment(f"chat-evidence-{data['number']}", data) for data in chain]
    assert None not in found
    return [s for s in found if s is not None]


def anchor(length: int) -> EvidenceLog:
    return EvidenceLog(length=length, head=hash_of(a_chain(length)[-1]))


def first_fault(chain: list[Json], length: int = 5) -> str:
    return faults(read(chain), anchor(length))[0][0]


def test_a_whole_chain_has_no_fault() -> None:
    assert faults(read(a_chain(5)), anchor(5)) == []


def test_the_hash_does_not_depend_on_who_stored_it_in_between() -> None:
    data = {"number": 1, "prev": BEGINNING, "flight": "f1", "said": "Straße \u2028 <b>"}
    shuffled = dict(reversed(list(json.loads(json.dumps(data)).items())))
    assert hash_of(shuffled) == hash_of(data)


@pytest.mark.parametrize("number", [1, 3, 5])
def test_an_altered_segment_is_named(number: int) -> None:
    chain = a_chain(5)
    chain[number - 1] = chain[number - 1] | {"outcome": "RolledBack"}
    assert first_fault(chain) == f"chat-evidence-{number}"


@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_segment_that_is_gone_is_named(number: int) -> None:
    chain = [data for data in a_chain(5) if data["number"] != number]
    assert first_fault(chain) == f"segment {number}"


def test_a_chain_that_was_written_anew_throughout_is_found_by_the_anchor() -> None:
    forged, prev = [], BEGINNING
    for data in a_chain(5):
        forged.append(data | {"prev": prev, "outcome": "RolledBack"})
        prev = hash_of(forged[-1])
    assert first_fault(forged) == "chat-evidence-5"


def test_a_segment_that_status_has_not_heard_of_may_go_on() -> None:
    assert faults(read(a_chain(6)), anchor(5)) == []


def test_one_that_does_not_go_on_is_named() -> None:
    stray = {"number": 6, "prev": BEGINNING, "flight": "x"}
    assert first_fault([*a_chain(5), stray]) == "chat-evidence-6"


def test_one_that_was_passed_over_is_named_and_the_chain_goes_on_without_it() -> None:
    chain = a_chain(5)
    stray: Json = {"number": 6, "prev": BEGINNING, "flight": "x"}
    after: Json = {"number": 7, "prev": hash_of(chain[-1]), "flight": "f7"}
    log = EvidenceLog(length=7, head=hash_of(after))
    assert [name for name, _ in faults(read([*chain, stray, after]), log)] == ["chat-evidence-6"]


def test_old_segments_that_were_dropped_are_no_fault() -> None:
    whole = KEPT + 3
    assert faults(read(a_chain(whole, first=4)), anchor(whole)) == []


def test_a_beginning_that_was_taken_away_is_a_fault_while_there_was_room_for_it() -> None:
    assert first_fault(a_chain(5, first=3)) == "segment 2"


def test_without_a_head_in_status_nothing_vouches_for_the_chain() -> None:
    assert faults(read(a_chain(2)), None)[0][0] == "status"
    assert faults([], None) == []


def test_only_the_oldest_over_the_limit_are_dropped() -> None:
    assert [s.number for s in surplus(read(a_chain(KEPT + 2)))] == [1, 2]
    assert surplus(read(a_chain(KEPT))) == []


@pytest.mark.parametrize(
    ("known", "log", "end"),
    [
        (a_chain(3), None, 3),
        (a_chain(5, first=4), None, 5),
        (a_chain(5), anchor(3), 5),
        ([], anchor(3), 3),
        (a_chain(2), anchor(3), 3),
    ],
)
def test_the_end_is_what_goes_on_from_the_anchor(
    known: list[Json], log: EvidenceLog | None, end: int
) -> None:
    assert end_of(read(known), log) == (end, hash_of(a_chain(end)[-1]))


def test_an_empty_chain_begins_at_nothing() -> None:
    assert end_of([], None) == (0, BEGINNING)


@pytest.mark.parametrize("ended", [None, "yesterday", "2026-11-21T09:00:00", 7])
def test_a_time_that_cannot_be_read_is_none(ended: object) -> None:
    (found,) = read([a_chain(1)[0] | {"endedAt": ended}])
    assert found.ended is None


def strings(data: Json) -> None:
    data["number"] = "1"


def headless(data: Json) -> None:
    del data["prev"]


@pytest.mark.parametrize("damage", [strings, headless])
def test_what_is_no_segment_is_not_read_as_one(damage: Callable[[Json], None]) -> None:
    data = a_chain(1)[0]
    damage(data)
    assert segment("chat-evidence-1", data) is None
    assert segment("chat-evidence-1", None) is None
