"""Logs are JSON, one object per line, bounded whatever is logged."""

import json
import logging
import sys

import pytest

from goaround.api.base import Json
from goaround.runtime.logs import JsonLines

LIMIT = 8192


def line(message: str, *args: object, **extra: object) -> Json:
    record = logging.LogRecord("goaround", logging.INFO, __file__, 1, message, args, None)
    vars(record).update(extra)
    return read(record)


def read(record: logging.LogRecord) -> Json:
    text = JsonLines().format(record)
    assert "\n" not in text
    assert len(text) < LIMIT
    found: Json = json.loads(text)
    return found


def test_a_line_says_when_how_bad_who_and_what() -> None:
    told = line("ready after %d s", 3, feature="shop/chat")
    assert told["at"].endswith("+00:00")
    assert (told["level"], told["logger"]) == ("INFO", "goaround")
    assert (told["message"], told["feature"]) == ("ready after 3 s", "shop/chat")


@pytest.mark.parametrize("text", ["two\nlines", 'quo"te', "\x00\x1b[31m", "naïve → ü", "\ud800"])
def test_any_text_stays_one_line_of_json(text: str) -> None:
    assert line(text)["message"] == text


def test_a_long_message_and_long_fields_are_cut() -> None:
    told = line("m" * 10_000, error="e" * 10_000)
    assert len(told["message"]) == 1024
    assert len(told["error"]) == 1024


def test_only_plain_values_are_logged_never_bodies() -> None:
    told = line("wrote", body={"secret": "s"}, items=["s"], seconds=0.5, ok=True, none=None)
    assert "body" not in told
    assert "items" not in told
    assert (told["seconds"], told["ok"], told["none"]) == (0.5, True, None)


def test_an_exception_keeps_its_end_where_the_cause_stands() -> None:
    try:
        raise ValueError("x" * 10_000 + " the cause")
    except ValueError:
        info = sys.exc_info()
    record = logging.LogRecord("goaround", logging.ERROR, __file__, 1, "failed", (), info)
    told = read(record)
    assert told["exception"].endswith("the cause")
    assert len(told["exception"]) == 2048
