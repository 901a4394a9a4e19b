"""Drift under the real operator, read from a real Prometheus: it holds, tells once, and lets go."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from goaround.api import names
from goaround.api.base import Json, rfc3339
from goaround.api.kinds import INCIDENTS, RECORDS, AIFeature
from goaround.api.reasons import Stage
from goaround.evidence.baseline import unpack
from tests.cluster.operator_kit import Stack, free_ports, operator
from tests.cluster.operator_shop import Shop, a_feature, condition, digest, is_live
from tests.cluster.prometheus_feed import remote_write

pytestmark = pytest.mark.cluster

BETTER, CHAT, SEARCH = "v42", "chat", "search"
SCRAPE, PAST_SECONDS, HOLD = 15, 2 * 3600 + 600, 3600
LOOKED = 15
"""Seconds of hold time that are left when the drift of the hour before is looked at."""

LENGTH: Json = {"name": "length", "histogram": "tokens_bucket{$match}", "action": "Hold"}
LANGUAGE: Json = {
    "name": "language",
    "category": {"counter": "language_total{$match}", "label": "language"},
}
PINNED: Json = LANGUAGE | {"name": "pinned", "reference": "Baseline"}
TOPIC: Json = {
    "name": "topic",
    "centroid": {
        "sum": "embedding_sum{$match}",
        "count": 'embedding_count{$match,dim="0"}',
        "dimension": "dim",
    },
    "reference": "Baseline",
}
LENGTHS = {"64": 3.0, "256": 4.0, "+Inf": 5.0}
LONGER = {"64": 0.25, "256": 0.75, "+Inf": 2.0}
MEANS, TURNED = {"0": 3.0, "1": -1.0, "2": 0.5}, {"0": 0.5, "1": 0.75, "2": -0.75}
EMBEDDED = {"0": 5.0, "1": 5.0, "2": 5.0}
LANGUAGES, MOVED = {"en": 4.5, "de": 0.5}, {"en": 0.5, "de": 1.5}


def write(shop: Shop, name: str, metric: str, label: str, **arms: Mapping[str, float]) -> None:
    """Counters of two hours up to now that grow evenly, so much per scrape, by class and arm."""
    end = int(time.time()) // SCRAPE * SCRAPE
    at = range(end - PAST_SECONDS, end + 1, SCRAPE)
    for arm, classes in arms.items():
        for value, grows in classes.items():
            labels = {
                "__name__": metric,
                "namespace": shop.namespace,
                "ai_feature": name,
                "ai_variant": arm.partition("_")[0],
                "pod": arm,
                label: value,
            }
            samples = [(second, grows * i) for i, second in enumerate(at)]
            remote_write(shop.plane.prometheus, [(labels, samples)])


def flying(name: str, *inputs: Json) -> Json:
    """A feature that stays at 10 % for an hour, and has inputs under watch."""
    body = a_feature(name)
    body["spec"]["ramp"]["steps"][0]["holdSeconds"] = HOLD
    return body | {"spec": body["spec"] | {"drift": {"inputs": list(inputs)}}}


def an_hour_passes(shop: Shop, name: str) -> None:
    """The step is said to have begun most of its hold time ago."""
    since = rfc3339(datetime.fromtimestamp(time.time() - HOLD + LOOKED, UTC))
    status = {"candidate": {"since": since}, "step": {"since": since}}
    answer = shop.patch(name, {"status": status}, status=True)
    assert answer.is_success, answer.text


def drifts(feature: AIFeature) -> bool:
    return condition(feature, "DriftDetected")[0] == "True"


@dataclass(frozen=True, slots=True)
class Story:
    """What was seen on the way; every test reads one chapter."""

    shop: Shop
    ramping: AIFeature
    baseline: str
    held: AIFeature
    told: AIFeature
    restarted: AIFeature
    before_restart: str
    after_restart: str
    landed: AIFeature


@pytest.fixture(scope="module")
def story(stack: Stack) -> Story:
    """Prompts of the candidate are longer, and in another language; then they are not."""
    shop = stack.shop()
    write(shop, CHAT, "tokens_bucket", "le", stable=LENGTHS, candidate=LONGER)
    write(shop, CHAT, "language_total", "language", stable=LANGUAGES, candidate=MOVED)
    write(shop, CHAT, "embedding_sum", "dim", stable=MEANS, candidate=TURNED)
    write(shop, CHAT, "embedding_count", "dim", stable=EMBEDDED, candidate=EMBEDDED)
    write(shop, SEARCH, "language_total", "language", stable=LANGUAGES, candidate=MOVED)
    search = flying(SEARCH, LANGUAGE)
    search["spec"]["drift"]["incident"] = "OnDrift"
    shop.apply(flying(CHAT, LENGTH, LANGUAGE, PINNED, TOPIC), search)
    for name in (CHAT, SEARCH):
        shop.until_live(name)
        shop.ask_for(name, BETTER)
    ramping = shop.until_stage(CHAT, Stage.RAMPING)
    baseline = _baseline(shop)
    shop.until_stage(SEARCH, Stage.RAMPING)
    for name in (CHAT, SEARCH):
        an_hour_passes(shop, name)
    held = shop.until_stage(CHAT, Stage.HOLDING)
    shop.until(SEARCH, drifts, "drift is told")
    told = shop.until_live(SEARCH, BETTER)
    time.sleep(2)  # nothing but drift stands before the climb of the other now
    before = _baseline(shop)  # another one: it goes by the take-off, which was moved
    stack.operator.child.kill()
    stack.operator.child.wait()
    with operator(stack, free_ports("drift", 1)[0]):
        shop.until(CHAT, lambda f: f.status.stage is Stage.HOLDING, "it holds")
        time.sleep(2)
        restarted = shop.feature(CHAT)
        after = _baseline(shop)
        for metric, label, calm in (
            ("tokens_bucket", "le", LENGTHS),
            ("language_total", "language", LANGUAGES),
            ("embedding_sum", "dim", MEANS),
            ("embedding_count", "dim", EMBEDDED),
        ):
            many = {value: 100 * grows for value, grows in calm.items()}
            write(shop, CHAT, metric, label, candidate_more=many)
        # a change of the watch is looked at at once, not at the next part of an hour
        again = [i | {"limit": "0.21"} for i in (LENGTH, LANGUAGE, PINNED, TOPIC)]
        assert shop.patch(CHAT, {"spec": {"drift": {"inputs": again}}}).is_success
        landed = shop.until_live(CHAT, BETTER)
    return Story(shop, ramping, baseline, held, told, restarted, before, after, landed)


def _baseline(shop: Shop) -> str:
    body = shop.get(RECORDS, names.record_name(CHAT, digest(BETTER)))
    assert body is not None
    return str(body["metadata"]["annotations"].get(names.BASELINE, ""))


def test_the_baseline_is_on_the_record_before_the_first_step(story: Story) -> None:
    kept = unpack(story.baseline)
    candidate = story.ramping.status.candidate
    assert candidate is not None
    assert kept.ended <= candidate.since.timestamp()
    assert set(kept.inputs) == {"pinned", "topic"}
    assert len(story.baseline.encode()) <= 4096


def test_a_histogram_that_shifted_holds_the_release_at_its_weight(story: Story) -> None:
    status = story.restarted.status
    assert (status.stage, status.split.candidate, status.split.stable) == (Stage.HOLDING, 10, 90)
    assert status.hold is not None
    assert status.hold.startswith("inputs drift: length: PSI")
    assert status.drift is not None
    assert [row.verdict for row in status.drift.inputs] == ["Hold", "Alert", "Alert", "Alert"]
    assert status.latches == []


def test_a_centroid_that_turned_is_told_against_its_baseline(story: Story) -> None:
    assert story.restarted.status.drift is not None
    row = story.restarted.status.drift.inputs[3]
    assert row.message.startswith("topic: cosine distance 0.9")
    assert "vs the baseline" in row.message


def test_drift_stands_in_a_condition_and_in_one_event(story: Story) -> None:
    found, reason, message = condition(story.held, "DriftDetected")
    assert (found, reason) == ("True", "DriftExceeded")
    assert "length: PSI" in message
    assert "language: PSI" in message
    told = [e for e in story.shop.events(CHAT) if e["reason"] == "DriftDetected"]
    assert [e["type"] for e in told] == ["Warning"]


def test_a_restart_reads_the_baseline_back_and_goes_on_holding(story: Story) -> None:
    assert story.after_restart == story.before_restart != ""
    assert story.restarted.status.stage is Stage.HOLDING
    assert drifts(story.restarted)


def test_back_in_band_the_release_goes_on_and_lands(story: Story) -> None:
    assert is_live(story.landed, BETTER)
    assert not drifts(story.landed)
    assert "RolledBack" not in [e["reason"] for e in story.shop.events(CHAT)]


def test_a_category_mix_that_shifted_is_told_once_and_holds_nobody(story: Story) -> None:
    assert is_live(story.told, BETTER)
    events = story.shop.events(SEARCH)
    assert [e["reason"] for e in events].count("DriftDetected") == 1
    # an hour that is said to have passed has no requests in it until the next reading of them
    held = [e["note"] for e in events if e["reason"] == "Holding"]
    assert [note for note in held if "no request of any arm" not in note] == []


def test_only_where_it_is_asked_for_drift_opens_one_p4_and_two_operators_open_no_second(
    story: Story,
) -> None:
    (found,) = story.shop.all(INCIDENTS)
    spec = found["spec"]
    assert [one["name"] for one in spec["affects"]] == [SEARCH]
    assert (spec["trigger"]["source"], spec["severity"]) == ("Drift", "P4")
    assert spec["summary"]["whatBroke"].startswith("language: PSI")
    assert found["status"]["phase"] == "Detected"
    assert found["status"]["evidence"]["configMap"].endswith("-evidence")
