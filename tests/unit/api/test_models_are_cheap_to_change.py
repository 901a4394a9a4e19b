"""Copies and digests of frozen models: cheap, and the same as if they were made the long way."""

import gc

import pytest
from pydantic import ValidationError

from goaround.api.digest import plan_digest, release_digest
from goaround.api.feature import AIFeatureSpec, Release
from goaround.api.remembered import Remembered
from goaround.api.status import AIFeatureStatus, Split
from tests.unit.api.builders import DIGEST, a_release, a_spec, a_status


def test_a_changed_copy_is_what_pydantic_makes_of_it() -> None:
    changes = {"split": Split(stable=100), "hold": "we look into it"}
    mine, theirs = a_status().but(**changes), a_status().model_copy(update=changes)
    assert mine == theirs
    assert mine.model_fields_set == theirs.model_fields_set
    assert mine.wire() == theirs.wire()
    assert repr(mine) == repr(theirs)


def test_a_changed_copy_leaves_the_original_alone() -> None:
    status = a_status()
    named = set(status.model_fields_set)
    assert status.but(revision=8, live=None).revision == 8
    assert (status, status.model_fields_set) == (a_status(), named)


def test_a_changed_copy_can_be_changed_again_and_by_nothing_else() -> None:
    again = a_status().but(revision=8).but(hold="no")
    assert (again.revision, again.hold, again.latches) == (8, "no", a_status().latches)
    assert hash(Split(stable=100).but(stable=0, candidate=100)) == hash(Split(candidate=100))
    with pytest.raises(ValidationError, match="frozen"):
        again.revision = 9


def test_a_changed_release_has_a_digest_of_its_own() -> None:
    release = a_release()
    first = release_digest(release)
    assert release.prompt is not None
    other = release.but(prompt=release.prompt.but(version="another"))
    assert release_digest(other) == release_digest(Release.model_validate(other.wire()))
    assert release_digest(other) != first == release_digest(release)


def test_a_plan_has_one_digest_for_each_golden_set() -> None:
    spec = a_spec(preflight={"goldenSet": {"configMapRef": {"name": "golden", "key": "cases"}}})
    one, other = (plan_digest(spec, golden) for golden in (DIGEST, None))
    again = AIFeatureSpec.model_validate(spec.wire())
    assert one != other
    assert (plan_digest(again, None), plan_digest(again, DIGEST)) == (other, one)


def test_what_is_remembered_is_asked_for_once_per_object_and_goes_with_it() -> None:
    asked: list[int] = []

    def told(status: AIFeatureStatus) -> int:
        asked.append(status.revision)
        return status.revision

    revision = Remembered(told)
    status, equal = a_status(), a_status()
    assert [revision(status), revision(status), revision(equal)] == [status.revision] * 3
    assert (len(asked), len(revision)) == (2, 2)
    del status
    gc.collect()
    assert len(revision) == 1
