"""`goaround status`: a table of all features, a page of one, and again after every change."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from goaround.api.kinds import FEATURES, Kind
from goaround.cli import status, status_page
from goaround.cli.command import FAILED, OK
from goaround.cli.connection import Where
from goaround.cli.output import is_coloured, painted
from goaround.world.kube import Body
from tests.unit.cli.flown_kit import AT, came_down, desk_with, ramping
from tests.unit.cli.people_kit import NAME, Desk

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def told(desk: Desk, *words: str) -> int:
    return status.main(words, desk.ask)


def test_without_a_name_every_feature_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    desk = desk_with(ramping()).feature("search").incident()
    assert told(desk) == OK
    heads, chat, search = capsys.readouterr().out.splitlines()
    assert heads.split()[:3] == ["NAME", "STAGE", "SPLIT"]
    assert chat.split()[:6] == ["chat", "Holding", "90/10/0", "v41", "Unknown", "1"]
    assert "has not looked at it yet" in search


def test_an_empty_namespace_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(Desk()) == OK
    assert "goaround init" in capsys.readouterr().out


def test_a_page_tells_signals_with_their_bounds_and_what_is_next(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert told(desk_with(ramping()).incident(), "chat") == OK
    text = capsys.readouterr().out
    assert text.startswith("chat  Holding  stable 90 %  candidate 10 %  fallback 0 %")
    assert "errors Good [max " in text
    assert "agreed: ann" in text
    assert "chat-7b@1 p@v42 (aaaaaaaaaaaa, attempt 2)" in text
    assert f"{NAME}: P2" in text
    assert text.rstrip().splitlines()[-1].strip().startswith("people decide: goaround approve chat")


@pytest.mark.parametrize(
    ("state", "act"),
    [
        ({}, "goaround doctor"),
        ({"stage": "Live"}, "nothing: it is watched"),
        ({"stage": "Ramping"}, "it goes on by itself"),
        ({"stage": "Killed", "kill": {"sources": []}}, "goaround revive chat"),
        ({"stage": "Inconclusive"}, "goaround retry chat"),
        ({"stage": "Holding", "hold": "Suspended: x"}, "goaround resume chat"),
        ({"stage": "Holding", "hold": "NoData: x"}, "every way down stays open"),
    ],
)
def test_what_is_next_follows_from_the_state(state: Body, act: str) -> None:
    feature = {"metadata": {"name": "chat"}, "status": state}
    assert act in " ".join(status_page.next_acts(feature))


def test_a_page_tells_why_a_release_was_sent_back() -> None:
    feature = {"metadata": {"name": "chat"}, "status": came_down()}
    text = "\n".join(status_page.lines(feature, [], NOW))
    assert "Signal aaaaaaaaaaaa at 10 %, 30 min ago, contained: errors 9% > 2%" in text


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (AT, "30 min ago"),
        ("2026-11-21T15:30:00Z", "in 6 h"),
        ("2026-11-11T09:30:00Z", "10 d ago"),
        ("2026-11-21T09:29:50Z", "10 s ago"),
        ("soon", "soon"),
    ],
)
def test_times_are_told_from_now(at: str, words: str) -> None:
    assert status_page.ago(at, NOW) == words


@pytest.mark.parametrize(("form", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_programs_get_the_whole_object(
    capsys: pytest.CaptureFixture[str], form: str, read: Callable[[str], Any]
) -> None:
    desk = desk_with(ramping())
    assert told(desk, "chat", "-o", form) == OK
    assert read(capsys.readouterr().out)["status"]["stage"] == "Holding"
    assert told(desk, "-o", form) == OK
    assert len(read(capsys.readouterr().out)) == 1


def test_a_name_that_is_alike_is_proposed(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(Desk().feature(), "chta") == FAILED
    assert "did you mean chat?" in capsys.readouterr().err


def test_what_others_wrote_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(desk_with(ramping(summary="\x1b[2J gone")), "chat") == OK
    assert "\x1b" not in capsys.readouterr().out


def test_a_watch_shows_each_state_and_ends_when_the_object_is_gone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    desk = desk_with(ramping())
    states = [[desk.store.get(FEATURES, "shop", "chat")], []]

    def follow(
        where: Where, kind: Kind, name: str | None, *, every: bool = False
    ) -> Iterator[list[Body]]:
        assert (kind, name, every) == (FEATURES, "chat", False)
        yield from states

    assert status.main(["chat", "-w"], desk.ask, follow) == OK
    first, second = capsys.readouterr().out.split("---\n")[1:]
    assert "Holding" in first
    assert second == "deleted\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert is_coloured(Terminal())
    assert not is_coloured(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not is_coloured(Terminal())
    assert painted("chat Killed now", coloured=True) == "chat \033[31mKilled\033[0m now"
    assert painted("chat Killed now", coloured=False) == "chat Killed now"
