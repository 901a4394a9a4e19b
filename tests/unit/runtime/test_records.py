"""Release records: what is written as a ControllerRevision is what is read back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goaround.api import names
from goaround.api.base import Json, rfc3339
from goaround.api.content import hash_of
from goaround.api.digest import release_digest
from goaround.rollout.observed import Record
from goaround.rollout.planned import WriteRecord
from goaround.runtime import records
from tests.unit.api.builders import NOW, a_release

RELEASE = a_release()
DIGEST = release_digest(RELEASE)
NAME = names.record_name("chat", DIGEST)


def written(**marks: str | None) -> Json:
    effect = WriteRecord(name=NAME, digest=DIGEST, release=RELEASE, marks=marks)
    return records.body("chat", effect)


def test_a_record_survives_the_round_trip_with_all_its_marks() -> None:
    marks = {
        names.ATTEMPTS: "3",
        names.TOOK_OFF_AT: rfc3339(NOW),
        names.OUTCOME: "Signal",
        names.QUARANTINED: "2",
        names.GOOD_SINCE: rfc3339(NOW),
    }
    assert records.record(written(**marks)) == Record(
        name=NAME,
        digest=DIGEST,
        release=RELEASE,
        attempts=3,
        took_off_at=NOW,
        outcome="Signal",
        quarantined_attempt=2,
        good_since=NOW,
    )


HELLO = "Answer politely.\n"


def with_text(text: str) -> Json:
    texts = {hash_of(HELLO): text}
    effect = WriteRecord(name=NAME, digest=DIGEST, release=RELEASE, marks={}, texts=texts)
    return records.body("chat", effect)


def test_a_record_holds_its_texts_word_for_word() -> None:
    body = with_text(HELLO)
    assert records.texts(body) == {hash_of(HELLO): HELLO}
    back = records.record(body)
    assert back is not None
    assert back.holds == {hash_of(HELLO)}


def test_a_text_that_does_not_have_its_hash_is_not_held() -> None:
    assert records.texts(with_text("Answer rudely.")) == {}


def test_a_record_without_marks_says_nothing_about_the_release() -> None:
    bare = records.record(written())
    assert bare == Record(name=NAME, digest=DIGEST, release=RELEASE)


def test_a_mark_that_is_to_be_removed_is_not_written() -> None:
    body = written(**{names.QUARANTINED: None, names.OUTCOME: "Good"})
    assert body["metadata"]["annotations"] == {names.OUTCOME: "Good"}


def test_a_record_is_found_by_the_label_of_its_feature_and_owned_by_nobody() -> None:
    meta = written()["metadata"]
    assert meta["labels"] == {names.FEATURE_LABEL: "chat"}
    assert "ownerReferences" not in meta


def changed(**parts: Any) -> Json:
    return written() | parts


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"metadata": {"name": "x"}, "data": None},
        changed(data={"digest": DIGEST}),
        changed(data={"digest": DIGEST, "release": {"prompt": "v1"}}),
        changed(data={"spec": {"template": {}}}),
        changed(metadata={}),
        changed(metadata={"name": NAME, "annotations": {names.ATTEMPTS: "three"}}),
        changed(metadata={"name": NAME, "annotations": {names.GOOD_SINCE: "yesterday"}}),
    ],
)
def test_what_is_no_record_of_ours_is_passed_over(raw: Json) -> None:
    assert records.record(raw) is None


@given(st.integers(0, 10**6), st.one_of(st.none(), st.sampled_from(["Good", "Signal", "Kill"])))
def test_any_marks_are_read_as_they_were_written(attempts: int, outcome: str | None) -> None:
    found = records.record(written(**{names.ATTEMPTS: str(attempts), names.OUTCOME: outcome}))
    assert found is not None
    assert (found.attempts, found.outcome) == (attempts, outcome)
