"""The merge patch between two objects: applied, it gives the second; between equals it is empty."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goaround.api.base import Json
from goaround.world.kube import merge_patch
from tests.unit.api.builders import a_status
from tests.unit.runtime.bench import patched

NAMES = st.sampled_from(["a", "b", "c", "stage", "split"])
SCALARS = st.one_of(st.integers(-3, 3), st.text("ab\u00fc\u20ac ", max_size=3), st.booleans())
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=5)


@settings(max_examples=50)
@given(OBJECTS, OBJECTS)
def test_applying_the_patch_gives_the_second_object(before: Json, after: Json) -> None:
    assert patched(before, merge_patch(before, after)) == after


@settings(max_examples=50)
@given(OBJECTS)
def test_there_is_nothing_to_do_between_equals(same: Json) -> None:
    assert merge_patch(same, same) == {}


@settings(max_examples=50)
@given(OBJECTS, OBJECTS)
def test_making_a_patch_changes_neither_object(before: Json, after: Json) -> None:
    copies = repr(before), repr(after)
    merge_patch(before, after)
    assert (repr(before), repr(after)) == copies


@pytest.mark.parametrize(
    ("before", "after", "patch"),
    [
        (
            {"hold": "x", "stage": "Holding"},
            {"stage": "Ramping"},
            {"hold": None, "stage": "Ramping"},
        ),
        ({"split": {"stable": 90, "x": 1}}, {"split": {"stable": 90}}, {"split": {"x": None}}),
        ({"split": 1}, {"split": {"stable": 90}}, {"split": {"stable": 90}}),
        ({"steps": [{"a": 1}, {"a": 2}]}, {"steps": [{"a": 2}]}, {"steps": [{"a": 2}]}),
    ],
    ids=["a field goes", "an inner field goes", "a scalar becomes an object", "lists are whole"],
)
def test_a_patch_says_no_more_than_what_changed(before: Json, after: Json, patch: Json) -> None:
    assert merge_patch(before, after) == patch


def test_a_whole_status_is_reached_from_nothing_and_from_itself() -> None:
    status = a_status().wire()
    assert patched({}, merge_patch({}, status)) == status
    assert merge_patch(status, status) == {}
