"""docs/troubleshooting.md explains every reason and every condition there is, and invents none."""

import re

import pytest

from goaround.api.reasons import ConditionType, EventReason, Reason
from tests.pages import DOCS, text

PAGE = text(DOCS / "troubleshooting.md")
ENTRIES = re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE, re.DOTALL | re.MULTILINE)
KNOWN = {str(reason) for reason in Reason} | {str(reason) for reason in EventReason}


def test_every_reason_has_one_entry_of_its_own_and_none_is_invented() -> None:
    names = [name for name, _ in ENTRIES]
    assert len(names) == len(set(names))
    assert set(names) == KNOWN


@pytest.mark.parametrize("part", [r"^\*.*\*", r"^- \*\*Look:\*\* \S", r"^- \*\*Do:\*\* \S"])
def test_every_entry_says_where_it_stands_what_to_look_at_and_what_to_do(part: str) -> None:
    lacking = [name for name, said in ENTRIES if not re.search(part, said, re.MULTILINE)]
    assert lacking == []


def test_events_are_told_apart_from_reasons_of_conditions() -> None:
    called = {name for name, said in ENTRIES if re.search(r"[Ee]vent", said.splitlines()[1])}
    assert called == {str(reason) for reason in EventReason}


def test_every_condition_is_in_the_table_and_none_is_invented() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (?:feature|incident|both)\b", PAGE, re.MULTILINE)
    assert sorted(rows) == sorted(ConditionType)
