"""The ledger keeps lines for days, says where it dropped some, and survives its ConfigMap."""

from datetime import UTC, datetime, timedelta

from goaround.api.changes import MOST_TOLD, Change
from goaround.api.status import Transition
from goaround.ledger import book as books
from goaround.ledger.book import Book, looked, own, read, recent, status_of, with_lines, written
from goaround.ledger.facts import Look

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TITLE = "ConfigMap texts"
MINUTE = timedelta(minutes=1)


def seen(value: str) -> dict[str, Look]:
    return {TITLE: Look({"key a": value})}


def line(at: datetime, what: str = "key a") -> Change:
    return Change(at=at, object=TITLE, what=what, was="1", now="2", by="kubectl")


def test_the_first_look_starts_the_ledger_without_a_line() -> None:
    assert looked(Book(), seen("1"), [], NOW) == Book(seen=seen("1"))


def test_a_change_is_one_line_however_often_it_is_looked_at() -> None:
    book = looked(Book(), seen("1"), [], NOW)
    book = looked(book, seen("2"), [], NOW + MINUTE)
    book = looked(book, seen("2"), [], NOW + 2 * MINUTE)
    assert [(c.was, c.now) for c in book.lines] == [("1", "2")]


def test_one_change_found_by_two_is_one_line() -> None:
    assert len(with_lines(Book(), [line(NOW), line(NOW)]).lines) == 1


def test_it_survives_its_config_map() -> None:
    book = looked(Book(seen=seen("1")), seen("2"), [line(NOW, "ümläute")], NOW)
    assert read(written(book)) == book


def test_what_people_wrote_into_it_by_hand_breaks_nothing() -> None:
    data = written(with_lines(Book(seen=seen("1")), [line(NOW)]))
    data["changes.jsonl"] += 'no json\n{"object": 7}\n[]\n{"dropped": "many"}\n'
    assert read(data).lines == (line(NOW),)
    assert read({"changes.jsonl": "", "seen.json": '{"a": 1, "b": {"facts": 2}}'}) == Book()


def test_the_oldest_lines_make_way_and_leave_a_mark() -> None:
    many = [line(NOW + n * MINUTE, f"key {n:05}" + "x" * 290) for n in range(800)]
    book = looked(with_lines(Book(), many), {}, [], NOW + timedelta(days=1))
    assert len(written(book)["changes.jsonl"]) <= books.MOST_BYTES + 100
    assert book.dropped is not None
    assert book.dropped.lines + len(book.lines) == 800
    assert book.dropped.until == many[book.dropped.lines - 1].at
    assert written(book)["changes.jsonl"].startswith('{"dropped":')
    assert read(written(book)) == book


def test_lines_are_kept_for_a_week_and_more() -> None:
    book = with_lines(Book(), [line(NOW)])
    assert looked(book, {}, [], NOW + timedelta(days=13)).lines == (line(NOW),)
    assert looked(book, {}, [], NOW + timedelta(days=15)).lines == ()


def test_what_the_feature_did_stands_beside_what_others_did() -> None:
    told = Transition(at=NOW, reason="Promoted", type="Normal", message="release abc serves " * 30)
    book = looked(Book(), seen("1"), own("chat", [told]), NOW)
    (mine,) = book.lines
    assert (mine.object, mine.what, len(mine.now)) == ("AIFeature chat", "Promoted", MOST_TOLD)
    assert status_of(book, "chat", NOW).last_day == 0
    later = NOW + timedelta(days=20)
    assert looked(book, seen("1"), own("chat", [told]), later).lines == ()


def test_an_old_transition_that_was_dropped_does_not_come_back() -> None:
    told = Transition(at=NOW, reason="Promoted", type="Normal", message="serves")
    book = Book(dropped=books.Dropped(3, NOW + MINUTE))
    assert looked(book, {}, own("chat", [told]), NOW + 2 * MINUTE) == book


def test_recent_changes_are_those_of_the_time_that_is_asked_about() -> None:
    lines = [line(NOW + n * MINUTE, f"key {n}") for n in (3, 0, 2, 1, 1)]
    found = recent(lines, NOW + MINUTE, NOW + 3 * MINUTE)
    assert [c.what for c in found] == ["key 1", "key 2"]


def test_status_says_how_many_there_were_today_and_the_last_one() -> None:
    book = with_lines(Book(), [line(NOW - timedelta(hours=30)), line(NOW - MINUTE)])
    status = status_of(book, "chat", NOW)
    assert (status.last_day, status.ledger) == (1, "chat-changes")
    assert status.last == "11-21 08:59 ConfigMap texts: key a 1 -> 2 (by kubectl)"
