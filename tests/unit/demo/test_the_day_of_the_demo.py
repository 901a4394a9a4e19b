"""What the person of the demo types is understood, and no verb of it is missing."""

from datetime import UTC, datetime

import pytest

from goaround.cli.incident_edit import parser_of
from goaround.cli.incident_verbs import VERBS
from hack.demo.oncall import DAY

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(("verb", "words"), DAY)
def test_every_line_is_understood(verb: str, words: tuple[str, ...]) -> None:
    args = parser_of(verb, VERBS[verb], NOW).parse_args(["chat-1", *words])
    assert args.incident == "chat-1"


def test_the_day_ends_with_its_end() -> None:
    assert [verb for verb, _ in DAY][-1] == "close"
