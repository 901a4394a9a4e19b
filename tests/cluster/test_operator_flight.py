"""One feature's whole life under the real operator: adopted, climbed, gone around, reverted."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from goaround.api import names
from goaround.api.base import Json
from goaround.api.kinds import FEATURES, INCIDENTS, AIFeature, AIIncident
from goaround.api.reasons import Stage
from hack.controlplane import ControlPlane
from tests.cluster.operator_kit import Stack, running
from tests.cluster.operator_shop import (
    Shop,
    a_feature,
    condition,
    digest,
    eventually,
    is_live,
)

pytestmark = pytest.mark.cluster

BETTER, BAD = "v42", "v43-bad"
CHAT = "chat"
IDLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Story:
    """What was seen on the way; every test reads one chapter."""

    shop: Shop
    adopted: AIFeature
    weights: list[int]
    landed: AIFeature
    rejected: AIFeature
    incident: Json
    told: str
    reverted: AIFeature


@pytest.fixture(scope="module")
def stack(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The feature is there before the operator is."""

    def before(stack: Stack) -> None:
        stack.shop().apply(a_feature(CHAT))

    with running(plane, Path(tmp_path_factory.mktemp("flight")), before=before) as stack:
        yield stack


@pytest.fixture(scope="module")
def story(stack: Stack) -> Story:
    (shop,) = stack.shops
    adopted = shop.until_live(CHAT)
    shop.ask_for(CHAT, BETTER)
    weights: list[int] = []

    def landed(feature: AIFeature) -> bool:
        if feature.status.candidate is not None and feature.status.step is not None:
            weights.append(feature.status.split.candidate)
        return is_live(feature, BETTER)

    climbed = shop.until(CHAT, landed, "a good climb")
    shop.serve(CHAT, candidate_error=0.4)
    shop.ask_for(CHAT, BAD)
    rejected = shop.until(CHAT, _is_contained, "the bad one went around and is contained")
    incident = _contained_incident(shop)
    told = shop.kubectl("describe", "aif", CHAT)
    shop.ask_for(CHAT, BETTER)
    reverted = shop.until_live(CHAT, BETTER)
    return Story(shop, adopted, weights, climbed, rejected, incident, told, reverted)


def _is_contained(feature: AIFeature) -> bool:
    latches = feature.status.latches
    return bool(latches) and latches[0].contained_at is not None


def _contained_incident(shop: Shop) -> Json:
    eventually(
        lambda: [i for i in shop.all(INCIDENTS) if i["status"].get("phase") == "Contained"],
        "an incident that is contained",
    )
    (only,) = shop.all(INCIDENTS)
    return only


def test_a_feature_from_before_the_operator_is_adopted_without_moving_anybody(story: Story) -> None:
    good = story.adopted.status.last_known_good
    assert good is not None
    assert good.digest == digest("v41")
    assert story.adopted.status.history[0].reason == "Adopted"
    assert story.adopted.status.split.stable == 100


def test_a_good_release_climbs_through_every_step_and_becomes_last_known_good(
    story: Story,
) -> None:
    assert list(dict.fromkeys(w for w in story.weights if w in (10, 50)))[:2] == [10, 50]
    assert sorted(story.weights) == story.weights
    assert is_live(story.landed, BETTER)
    assert story.shop.records()[digest(BETTER)][names.OUTCOME] == "Good"


def test_a_bad_release_goes_around_at_the_first_step(story: Story) -> None:
    latch = story.rejected.status.latches[0]
    assert story.rejected.status.stage is Stage.ROLLED_BACK
    assert (latch.digest, latch.weight, latch.signal) == (digest(BAD), 10, "errors")
    assert story.rejected.status.split.stable == 100
    assert "-> breach" in latch.message


def test_the_incident_is_opened_and_contained_once_the_effect_was_seen(story: Story) -> None:
    status, latch = story.incident["status"], story.rejected.status.latches[0]
    assert story.incident["metadata"]["name"] == latch.incident
    at = AIIncident.model_validate(story.incident).status.milestones
    stations = [at.started_at, at.proven_at, at.detected_at, at.delivered_at, at.contained_at]
    times = [t for t in stations if t is not None]
    assert len(times) == 5
    assert sorted(times) == times
    assert status["exposedRequests"] >= 100
    assert any(BAD in line for line in status["whiteboard"])


def test_the_rejected_digest_is_quarantined_on_its_record(story: Story) -> None:
    marks = story.shop.records()[digest(BAD)]
    assert marks[names.QUARANTINED] == "1"
    assert marks[names.OUTCOME] == "Signal"


def test_a_git_revert_is_live_at_once_without_a_ramp(story: Story) -> None:
    assert is_live(story.reverted, BETTER)
    assert story.reverted.status.history[-1].reason == "LastKnownGoodRestored"


def test_every_transition_is_one_event(story: Story) -> None:
    told = story.shop.told(CHAT, last="LastKnownGoodRestored")
    assert told[:2] == ["Adopted", "Promoted"]
    assert told.count("Adopted") == told.count("RolledBack") == told.count("Contained") == 1
    assert told.count("RolloutStarted") == told.count("Promoted") == 2


def test_describe_tells_stage_summary_and_events_in_words(story: Story) -> None:
    lines = [" ".join(line.split()) for line in story.told.splitlines()]
    assert "Stage: RolledBack" in lines
    (summary,) = [line for line in lines if line.startswith("Summary:")]
    assert re.search(r"errors [1-4]\d\S*% > max 10%", summary)
    events = story.told.partition("Events:")[2]
    assert "goaround" in events
    assert 0 < events.index("Adopted") < events.index("went around at 10 %")
    assert events.index("went around at 10 %") < events.index("Contained")


def test_get_shows_stage_weight_and_what_serves(story: Story) -> None:
    header, row = story.shop.kubectl("get", "aif", CHAT).splitlines()
    assert header.split() == ["NAME", "STAGE", "WEIGHT", "LIVE", "READY", "AGE"]
    assert row.split()[:5] == [CHAT, "Live", "0%", digest(BETTER)[7:19], "True"]
    assert "serves everybody" in story.shop.kubectl("get", "aif", CHAT, "--output=wide")


def test_kubectl_wait_for_ready_works(story: Story) -> None:
    told = story.shop.kubectl("wait", "--for=condition=Ready", f"aif/{CHAT}", "--timeout=10s")
    assert "condition met" in told


def test_the_operator_writes_nothing_but_the_status_of_a_feature(story: Story) -> None:
    body = story.shop.get(FEATURES, CHAT)
    assert body is not None
    meta = body["metadata"]
    managed = {(f["manager"], f.get("subresource", "")) for f in meta["managedFields"]}
    assert {m for m in managed if m[0] == "goaround"} == {("goaround", "status")}
    assert not [m for m in managed if "kopf" in m[0]]
    assert list(meta["annotations"]) == ["kubectl.kubernetes.io/last-applied-configuration"]
    assert "finalizers" not in meta
    assert "labels" not in meta


def test_the_namespace_that_an_app_names_survives_the_scrape(stack: Stack, story: Story) -> None:
    query = (
        f'count by (exported_namespace) (ai_requests_total{{namespace="{story.shop.namespace}"}})'
    )
    answer = httpx.get(
        f"{stack.plane.prometheus}/api/v1/query", params={"query": query}, trust_env=False
    )
    (row,) = answer.json()["data"]["result"]
    assert row["metric"] == {}


def test_an_idle_feature_is_neither_written_nor_told_of(story: Story) -> None:
    shop = story.shop
    shop.until(CHAT, lambda f: condition(f, "Delivered")[0] == "True", "delivered")
    shop.until(CHAT, lambda f: condition(f, "SignalsHealthy")[0] == "True", "its first watch", 90)
    version, told = _version(shop), len(shop.events(CHAT))
    time.sleep(IDLE_SECONDS)
    assert (_version(shop), len(shop.events(CHAT))) == (version, told)


def _version(shop: Shop) -> str:
    body = shop.get(FEATURES, CHAT)
    assert body is not None
    return str(body["metadata"]["resourceVersion"])


def test_a_rejected_release_that_is_applied_twenty_times_starts_nothing(story: Story) -> None:
    shop = story.shop
    for _ in range(20):
        shop.ask_for(CHAT, BAD)
        refused = shop.until_stage(CHAT, Stage.ROLLED_BACK)
        assert refused.status.split.candidate == 0
        shop.ask_for(CHAT, BETTER)
        shop.until_live(CHAT, BETTER)
    assert len(shop.all(INCIDENTS)) == 1
    assert shop.records()[digest(BAD)][names.ATTEMPTS] == "1"
    assert len(shop.feature(CHAT).status.latches) == 1
