"""`goaround plan` and `goaround explain` against the real plane and a real Prometheus."""

import json
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import pytest

from goaround.api.base import Json
from goaround.api.kinds import RECORDS, AIFeature
from hack.controlplane import ControlPlane
from tests.cluster.operator_kit import ROOT, Stack
from tests.cluster.operator_shop import Shop, a_feature
from tests.cluster.prometheus_feed import remote_write

pytestmark = pytest.mark.cluster

CHAT, PAST = "chat", "past"
BAD = "v43-bad"
RPS, SHARE = 12.0, 0.05
HALF_AN_HOUR, SCRAPE = 1800, 15


@dataclass(frozen=True, slots=True)
class Story:
    """A release that went around, and how it was told."""

    shop: Shop
    feature: AIFeature
    drawing: Path
    told: str


@pytest.fixture(scope="module")
def story(stack: Stack) -> Story:
    shop = stack.shop()
    shop.apply(a_feature(CHAT))
    shop.until_live(CHAT)
    shop.serve(CHAT, candidate_error=0.4)
    shop.ask_for(CHAT, BAD)
    feature = shop.until(CHAT, _is_contained, "the bad one went around and is contained")
    drawing = stack.logs / "chat.svg"
    told = goaround(
        "explain",
        CHAT,
        f"--namespace={shop.namespace}",
        f"--kubeconfig={shop.plane.kubeconfig}",
        f"--prometheus={shop.plane.prometheus}",
        "--scrape=1",
        "--lag=1",
        f"--svg={drawing}",
    )
    assert told.returncode == 0, told.stderr
    return Story(shop, feature, drawing, told.stdout)


def _is_contained(feature: AIFeature) -> bool:
    latches = feature.status.latches
    return bool(latches) and latches[0].contained_at is not None


def goaround(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "goaround", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_replay_ends_with_the_very_line_that_sent_the_release_back(story: Story) -> None:
    line = story.feature.status.latches[0].message
    assert line.endswith("-> breach")
    assert line in " ".join(story.told.split())


def test_the_plot_reaches_the_limit_at_its_end(story: Story) -> None:
    plot = story.told.split("harm: ln e, rolls back at")[1].splitlines()
    assert plot[1].rstrip().endswith("█")
    assert "|10%" in story.told


def test_the_drawing_is_well_formed_and_tells_the_same(story: Story) -> None:
    texts = "".join(ElementTree.parse(story.drawing).getroot().itertext())
    assert story.feature.status.latches[0].message in texts


def test_without_a_prometheus_the_lines_of_status_are_told(story: Story) -> None:
    where = (f"--namespace={story.shop.namespace}", f"--kubeconfig={story.shop.plane.kubeconfig}")
    told = goaround("explain", CHAT, *where)
    assert told.returncode == 0
    assert "RolledBack" in told.stdout


def test_a_feature_that_is_not_there_is_told(story: Story) -> None:
    where = (f"--namespace={story.shop.namespace}", f"--kubeconfig={story.shop.plane.kubeconfig}")
    told = goaround("explain", "nobody", *where)
    assert told.returncode == 1
    assert "there is no AIFeature nobody in namespace" in told.stderr


def test_a_plan_takes_rate_and_shares_from_the_last_hour(
    plane: ControlPlane, tmp_path: Path
) -> None:
    now = int(time.time())
    for result, share in (("error", SHARE), ("ok", 1 - SHARE)):
        labels = {
            "__name__": "ai_requests_total",
            "namespace": "plan",
            "ai_feature": PAST,
            "ai_variant": "stable",
            "result": result,
        }
        times = range(now - HALF_AN_HOUR, now, SCRAPE)
        counter = [(at, (at - times[0]) * RPS * share) for at in times]
        remote_write(plane.prometheus, [(labels, counter)])
    body = a_feature(PAST)
    body["metadata"]["namespace"] = "plan"
    path = tmp_path / "feature.yaml"
    path.write_text(json.dumps(body))
    words = ("plan", "-f", str(path), f"--prometheus={plane.prometheus}", "-o", "json")
    done = goaround(*words)
    assert done.returncode == 0, done.stderr + done.stdout
    plan = json.loads(done.stdout)
    assert plan["source"] == "Prometheus, last hour"
    assert plan["requestsPerSecond"] == pytest.approx(RPS, rel=0.1)
    errors = plan["steps"][0]["tests"][0]
    assert errors["healthyShare"] == pytest.approx(SHARE, rel=0.1)


def evidence(story: Story, *words: str) -> "subprocess.CompletedProcess[str]":
    where = (f"--namespace={story.shop.namespace}", f"--kubeconfig={story.shop.plane.kubeconfig}")
    return goaround("evidence", CHAT, *where, *words)


def test_a_flight_leaves_a_binder_that_verifies(story: Story) -> None:
    story.shop.until(
        CHAT, lambda f: f.status.evidence_log and f.status.evidence_log.length == 2, "anchored"
    )
    told = evidence(story, "--verify")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "whole: segments 1 to 2, vouched for by status" in told.stdout
    page = evidence(story, "-o", "markdown").stdout
    assert "## Last flight: RolledBack" in page
    assert f"incident {story.feature.status.latches[0].incident}" in page


def test_tampering_with_the_binder_is_refused_or_found(story: Story) -> None:
    first, _ = story.shop.segments(CHAT)
    name = first["metadata"]["name"]
    change = json.dumps({"data": first["data"] | {"outcome": "Live"}})
    refused = story.shop.kubectl(
        "patch", "controllerrevision", name, "--type=merge", f"--patch={change}", check=False
    )
    assert "data: Invalid value" in refused
    assert "field is immutable" in refused
    story.shop.kubectl("delete", "controllerrevision", name)
    meta = {"name": name, "labels": first["metadata"]["labels"]}
    forged: Json = {"apiVersion": RECORDS.api_version, "kind": RECORDS.kind, "metadata": meta}
    forged |= {"data": first["data"] | {"outcome": "Live"}, "revision": 1}
    story.shop.kubectl("create", "--filename=-", stdin=json.dumps(forged))
    told = evidence(story, "--verify")
    assert told.returncode == 2
    assert f"BROKEN at {name}: its content is not what {CHAT}-evidence-2 vouches for" in told.stdout
