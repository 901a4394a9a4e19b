"""Histories drawn for terminals and as SVG: narrow, readable, and safe against any name."""

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from goaround.cli import svg, terminal
from goaround.cli.replay import Replay
from tests.unit.cli.kit import a_flight, a_signal, told, windows

HOSTILE = (
    '</text><script>alert("x")</script>',
    "]]>&quot;<![CDATA[",
    "\x00\x1b[31mred\x07",
    "\ud800 half a pair",
    "' onload='x",
)


def a_replay(**shares: float) -> Replay:
    return told(
        a_flight(),
        errors=windows(shares.get("errors", 0.005)),
        refusals=windows(0.01),
    )


def test_every_plot_stands_below_its_line() -> None:
    lines = terminal.as_text(a_replay()).splitlines()
    assert lines[0].startswith("errors 0.5% within max 2% (n=900): accepted, e-value ")
    assert lines[2] == "  harm: ln e, rolls back at 4.6"
    assert lines[3].startswith("      4.6 |┄┄")
    assert lines[8] == "  health: ln e, climbs at its level (marked)"
    assert lines[14].split() == ["weight", "|10%", "|50%"]
    assert lines[15].split() == ["UTC", "09:00:10", "09:15:00"]


def test_no_line_is_wider_than_a_hundred_columns() -> None:
    long = told(a_flight(), errors=windows(0.005, count=400), refusals=windows(0.01, count=400))
    assert max(map(len, terminal.as_text(long).splitlines())) <= 100


def test_a_peak_is_not_lost_where_windows_share_a_column() -> None:
    replayed = told(a_flight(), errors=windows(0.005, count=264), refusals=windows(0.01, count=264))
    replayed.histories[0].harm[133] = 4.5
    plot = terminal.as_text(replayed).splitlines()[3:8]
    assert any("█" in row or "▇" in row for row in plot[:2])


def test_a_terminal_without_unicode_gets_plain_characters() -> None:
    assert terminal.as_text(a_replay(), plain=True).isascii()


def test_nothing_but_text_reaches_the_terminal() -> None:
    replayed = a_replay()
    replayed.histories[0].line = HOSTILE[2]
    text = terminal.as_text(replayed)
    assert "\x1b" not in text
    assert "\x00" not in text


def test_a_breach_is_drawn_up_to_the_limit() -> None:
    replayed = told(a_flight(), errors=windows(0.005, worse_from=40), refusals=windows(0.01))
    first = terminal.as_text(replayed).splitlines()[3]
    assert first.endswith("█")


def test_the_svg_is_well_formed_and_holds_every_line() -> None:
    replayed = a_replay()
    root = ElementTree.fromstring(svg.as_svg("shop/chat", replayed))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = "".join(root.itertext())
    for history in replayed.histories:
        assert history.line in texts


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_stays_text(name: str) -> None:
    replayed = a_replay()
    replayed.histories[0].line = name
    document = svg.as_svg(name, replayed)
    root = ElementTree.fromstring(document.encode())
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "title", "style", "text", "g", "path", "polyline"}
    attributes = {key for element in root.iter() for key in element.attrib}
    assert not [key for key in attributes if key.startswith("on")]


def test_the_svg_needs_nothing_from_anywhere() -> None:
    document = svg.as_svg("shop/chat", a_replay())
    assert document.count("http") == 1  # the name of the format itself
    assert "href" not in document
    assert "url(" not in document


def test_the_svg_can_be_read_on_dark_ground() -> None:
    assert "prefers-color-scheme: dark" in svg.as_svg("shop/chat", a_replay())


def test_every_point_lies_in_the_picture() -> None:
    root = ElementTree.fromstring(svg.as_svg("shop/chat", a_replay()))
    for line in root.iter("{http://www.w3.org/2000/svg}polyline"):
        for point in line.attrib["points"].split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= svg.WIDTH
            assert 0 <= y <= svg.PANEL


def test_a_hard_guard_is_a_line_without_a_plot() -> None:
    feature = a_flight(a_signal("errors", max="0.02"), a_signal("leaks", max="0"))
    replayed = told(feature, errors=windows(0.005), leaks=windows(0.0))
    only = replace(replayed, histories=replayed.histories[1:])
    assert terminal.as_text(only) == "leaks no bad event (n=900): accepted (hard guard)"
