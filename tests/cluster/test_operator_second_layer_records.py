"""What outlives status, and what becomes of one that was lost or forged.

Restored from release records, held under a time that cannot be, judged on new evidence where the
old one cannot be read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from goaround.api import names
from goaround.api.base import Json, rfc3339
from goaround.api.kinds import FEATURES, RECORDS, AIFeature
from goaround.api.reasons import Stage
from goaround.api.status import Split
from tests.cluster.operator_kit import Stack, free_ports, operator
from tests.cluster.operator_shop import Shop, a_feature, acceptance, digest, eventually, is_live

pytestmark = pytest.mark.cluster

GOOD, BETTER, BAD = "v41", "v42", "v43-bad"
PHOENIX, SKEWED, AMNESIAC = "phoenix", "skewed", "amnesiac"
SICK = "bad500"
HOLD_SECONDS = 8
FORGED = "not a state"


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Shop:
    """Three features that serve v41."""
    shop = stack.shop()
    plans = {PHOENIX: with_step(PHOENIX, 1)}
    plans |= {name: with_step(name, HOLD_SECONDS) for name in (SKEWED, AMNESIAC)}
    plans[AMNESIAC]["spec"]["acceptance"] = acceptance(provider=SICK)
    shop.apply(*plans.values())
    for name in plans:
        shop.until_live(name)
    return shop


def with_step(name: str, seconds: int, version: str = GOOD) -> Json:
    """One step at 10 %, then everybody."""
    first = {"weightPercent": 10, "holdSeconds": seconds, "minSamples": 50}
    plan = a_feature(name, version)
    plan["spec"]["ramp"] |= {"steps": [first, {"weightPercent": 100}], "cruiseSeconds": 1}
    return plan


@dataclass(frozen=True, slots=True)
class Restored:
    """left: records that stayed while the feature did not exist; then the feature, applied again
    with the quarantined release in spec, and after its status was taken away."""

    left: Mapping[str, Mapping[str, str]]
    again: AIFeature
    wiped: AIFeature
    kept: Mapping[str, Mapping[str, str]]


@pytest.fixture(scope="module")
def restored(shop: Shop) -> Restored:
    shop.ask_for(PHOENIX, BETTER)
    shop.until_live(PHOENIX, BETTER)
    shop.serve(PHOENIX, candidate_error=0.4)
    shop.ask_for(PHOENIX, BAD)
    down = shop.until_stage(PHOENIX, Stage.ROLLED_BACK)
    eventually(lambda: names.QUARANTINED in marks(shop)[digest(BAD)], "the mark of quarantine")
    assert shop.delete(FEATURES, PHOENIX).is_success
    left = marks(shop)
    shop.apply(with_step(PHOENIX, 1, BAD))
    again = shop.until(PHOENIX, is_kept_down, "kept down again")
    assert again.metadata.uid != down.metadata.uid
    assert shop.patch(PHOENIX, {"status": None}, status=True).is_success
    wiped = shop.until(PHOENIX, lambda f: is_kept_down(f) and is_after(f, again), "and again")
    return Restored(left, again, wiped, marks(shop))


def marks(shop: Shop) -> dict[str, dict[str, str]]:
    """Annotations of the records of `phoenix`, by digest."""
    found = [r for r in shop.all(RECORDS) if r["metadata"]["name"].startswith(PHOENIX)]
    return {
        r["data"]["digest"]: dict(r["metadata"]["annotations"])
        for r in found
        if "digest" in r["data"]
    }


def is_kept_down(feature: AIFeature) -> bool:
    return feature.status.stage is Stage.ROLLED_BACK


def is_after(feature: AIFeature, other: AIFeature) -> bool:
    return feature.status.history[0].at > other.status.history[-1].at


def test_a_feature_that_is_deleted_leaves_its_records(restored: Restored) -> None:
    assert restored.left.keys() == {digest(v) for v in (GOOD, BETTER, BAD)}


@pytest.mark.parametrize("which", ["again", "wiped"])
def test_without_status_last_known_good_serves_from_its_record(
    restored: Restored, which: str
) -> None:
    status = (restored.again if which == "again" else restored.wiped).status
    known, before = status.last_known_good, status.previous_good
    assert known is not None
    assert before is not None
    assert (known.digest, before.digest) == (digest(BETTER), digest(GOOD))
    assert status.split == Split(stable=100)
    assert status.history[0].reason == "RebuiltFromRecords"


@pytest.mark.parametrize("which", ["again", "wiped"])
def test_without_status_the_quarantine_holds_and_the_bad_release_does_not_fly(
    restored: Restored, which: str
) -> None:
    status = (restored.again if which == "again" else restored.wiped).status
    assert [t.reason for t in status.history] == ["RebuiltFromRecords", "RolledBack"]
    assert (status.candidate, status.latches) == (None, [])
    assert "is quarantined since attempt 1" in (status.summary or "")
    assert restored.kept[digest(BAD)][names.ATTEMPTS] == "1"


def test_after_a_restore_a_revert_in_git_is_live_at_once(shop: Shop, restored: Restored) -> None:
    shop.ask_for(PHOENIX, BETTER)
    live = shop.until_live(PHOENIX, BETTER)
    assert "RolloutStarted" not in [t.reason for t in live.status.history]


@dataclass(frozen=True, slots=True)
class Forged:
    """What another operator process made of forged states: of a time a year ahead, and of evidence
    that nobody can read while the provider is sick."""

    ahead: datetime
    skewed: AIFeature
    harmed: AIFeature
    blind: AIFeature
    seeing: AIFeature


@pytest.fixture(scope="module")
def forged(stack: Stack, shop: Shop, restored: Restored) -> Iterator[Forged]:
    """The operator that wrote the truth has ended, and remembers nothing."""
    for name in (SKEWED, AMNESIAC):
        shop.ask_for(name, BETTER)
    shop.until_stage(SKEWED, Stage.RAMPING)
    shop.until(AMNESIAC, lambda f: f.status.step and f.status.evidence, "a checkpoint")
    assert stack.operator.end() == 0
    assert shop.feature(AMNESIAC).status.split.candidate == 10
    stack.providers.sick.add(SICK)
    ahead = datetime.now(UTC).replace(microsecond=0) + timedelta(days=365)
    forge(shop, SKEWED, {"history": [transition(ahead)]})
    states = [e.wire() | {"state": FORGED} for e in shop.feature(AMNESIAC).status.evidence]
    forge(shop, AMNESIAC, {"evidence": states})
    (port,) = free_ports("another operator", 1)
    with operator(stack, port) as stack.operator:
        skewed = shop.until_stage(SKEWED, Stage.HOLDING)
        shop.serve(SKEWED, candidate_error=0.4)
        harmed = shop.until_stage(SKEWED, Stage.ROLLED_BACK)
        blind = shop.until_stage(AMNESIAC, Stage.HOLDING)
        stack.providers.sick.clear()
        yield Forged(ahead, skewed, harmed, blind, shop.until_live(AMNESIAC, BETTER))


def transition(at: datetime) -> Json:
    return {"at": rfc3339(at), "reason": "Forged", "type": "Normal", "message": "forged"}


def forge(shop: Shop, name: str, status: Json) -> None:
    answer = shop.patch(name, {"status": status}, status=True)
    assert answer.is_success, answer.text


def test_a_status_from_a_year_ahead_holds_as_clock_skew(forged: Forged) -> None:
    status = forged.skewed.status
    assert status.split == Split(stable=90, candidate=10)
    assert (status.hold or "").startswith(f"ClockSkew: status speaks of {forged.ahead:%Y-%m-%d}")
    assert "limit 300 s" in (status.hold or "")


def test_under_clock_skew_a_rollback_still_passes(forged: Forged) -> None:
    status = forged.harmed.status
    assert status.split == Split(stable=100)
    assert status.latches[0].digest == digest(BETTER)
    assert status.latches[0].at < forged.ahead


def test_evidence_that_cannot_be_read_is_no_evidence_and_carries_nobody_up(forged: Forged) -> None:
    status = forged.blind.status
    step, held = status.step, status.history[-1]
    assert step is not None
    assert held.at - step.since > timedelta(seconds=HOLD_SECONDS)
    assert (step.index, status.split.candidate, held.reason) == (0, 10, "Holding")
    assert {(s.verdict, s.total) for s in status.signals} == {("Unknown", "0")}
    assert FORGED not in {e.state for e in status.evidence}


def test_new_evidence_from_the_start_of_the_step_carries_it_up(forged: Forged) -> None:
    status = forged.seeing.status
    assert is_live(forged.seeing, BETTER)
    assert [t.reason for t in status.history].count("RolloutStarted") == 1
