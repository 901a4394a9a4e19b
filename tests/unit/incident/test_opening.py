"""What the operator writes into an incident's spec, once, at its creation."""

from datetime import timedelta

import pytest

from goaround.api.incident import AIIncidentSpec, Severity
from goaround.api.status import Latch, LatchCause
from goaround.api.trigger import TriggerSource
from goaround.incident.opening import opening
from tests.unit.incident.build import AT, FAILED, a_feature, a_kill, a_latch, a_release


def opened(latch: Latch, exposure_limit: int | None = None) -> AIIncidentSpec:
    return opening(a_feature(latch, exposure_limit=exposure_limit), latch)


def test_it_names_the_feature_the_cause_and_the_release() -> None:
    spec = opened(a_latch())
    digest = a_latch().digest
    assert digest is not None
    assert [f.name for f in spec.affects] == ["chat"]
    assert (spec.trigger.source, spec.trigger.digest) == (TriggerSource.ROLLBACK, digest)
    assert spec.trigger.key == f"Signal errors of {FAILED.title} ({digest[7:19]}), attempt 1"


def test_its_summary_says_what_who_how_many_and_since_when() -> None:
    summary = opened(a_latch()).summary
    assert summary.what_broke == a_latch().message
    assert summary.noticed_by == "GoAround"
    assert summary.scope == "10 % of the users of chat: support questions in English"
    assert summary.first_seen == a_latch().started_at


def test_without_a_first_bad_window_it_was_seen_when_it_was_decided() -> None:
    assert opened(a_latch(started_at=None)).summary.first_seen == AT


def test_a_kill_was_noticed_by_a_person() -> None:
    spec = opened(a_kill())
    assert (spec.trigger.source, spec.summary.noticed_by) == (TriggerSource.KILL, "a person")


def test_a_kill_of_nothing_names_no_release() -> None:
    spec = opened(a_kill(release=None, digest=None, weight=0))
    assert spec.trigger.digest is None
    assert "no release" in spec.trigger.key


@pytest.mark.parametrize(
    ("cause", "source"),
    [
        (LatchCause.SIGNAL, TriggerSource.ROLLBACK),
        (LatchCause.KILL, TriggerSource.KILL),
        (LatchCause.NO_PROOF, TriggerSource.INCONCLUSIVE),
        (LatchCause.OUTAGE, TriggerSource.OUTAGE),
    ],
)
def test_every_cause_has_a_source(cause: LatchCause, source: TriggerSource) -> None:
    assert opened(a_latch(cause=cause)).trigger.source is source


def test_the_limit_of_the_feature_grades_it() -> None:
    assert opened(a_latch(), exposure_limit=1000).severity is Severity.P2


def test_the_same_latch_writes_the_same_spec() -> None:
    assert opened(a_latch()) == opened(a_latch())


def test_the_longest_words_still_fit_the_schema() -> None:
    long = {"name": "m" * 128, "version": "v" * 128}
    release = a_release("v1", model=long, prompt=long, index=long, features=long)
    spec = opened(a_latch(release=release, message="x" * 512))
    assert AIIncidentSpec.model_validate(spec.wire()) == spec


def test_it_names_the_last_incident_of_the_same_cause() -> None:
    latch = a_latch()
    before, long_before = (
        a_latch(at=AT - timedelta(days=days), incident=f"chat-{days}") for days in (2, 9)
    )
    other = a_latch(at=AT - timedelta(days=1), signal="toxic", incident="chat-toxic")
    feature = a_feature(latch, other, long_before, before)
    assert opening(feature, latch).related_to == "chat-2"
    assert opening(a_feature(latch, other), latch).related_to is None
