"""One feature that a pipeline owns, from Git's side: nothing drifts, a rollback is not fought, and
what tools read of it is true at every moment."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from goaround.api import names
from goaround.api.base import Json
from goaround.api.kinds import CONFIG_MAPS, FEATURES, INCIDENTS, KILL_SWITCHES, AIFeature, Kind
from goaround.api.reasons import Stage
from goaround.world.kube import path
from hack.controlplane import ControlPlane
from tests.cluster.operator_kit import ROOT, Stack, running
from tests.cluster.operator_shop import (
    Shop,
    a_feature,
    digest,
    is_live,
)
from tests.unit.gitops.argocd import HOME, acted, discovered, health, loaded, offered
from tests.unit.gitops.examples import OVERLAY, STRICT, kustomized, objects
from tests.unit.gitops.judges import flux, kstatus

pytestmark = pytest.mark.cluster

CHAT, OTHER = "chat", "other"
GIT = "argocd-controller"
BETTER, BAD = "v42", "v43-bad"
STAMPS = [ROOT / "crds" / "policies" / f"author{end}.yaml" for end in ("", "-stamp")]
AGAIN = 20


def wanted(version: str, name: str = CHAT) -> Json:
    """What Git holds."""
    body = a_feature(name, version)
    body["metadata"] |= {"labels": {"team": "support"}, "annotations": {"example.com/docs": "wiki"}}
    return body


def applied(shop: Shop, body: Json, kind: Kind = FEATURES, manager: str = GIT) -> Json:
    """A forced server-side apply by the pipeline; what the API server then holds."""
    answer = shop.api.patch(
        path(kind, shop.namespace, body["metadata"]["name"]),
        params={"fieldManager": manager, "force": "true"},
        content=json.dumps(body),
        headers={"Content-Type": "application/apply-patch+yaml"},
    )
    assert answer.is_success, answer.text
    found: Json = answer.json()
    return found


def stored(shop: Shop, name: str = CHAT) -> Json:
    found = shop.get(FEATURES, name)
    assert found is not None
    return found


@dataclass(slots=True)
class Story:
    """What was seen on the way; every test reads one chapter."""

    shop: Shop
    asked: Json = field(default_factory=dict)
    climb: list[Json] = field(default_factory=list)
    diffs: list[str] = field(default_factory=list)
    down: list[Json] = field(default_factory=list)
    again: Json = field(default_factory=dict)
    incidents: int = 0
    reverted: Json = field(default_factory=dict)
    waited: str = ""


@pytest.fixture(scope="module")
def stack(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """With the policies that stamp the author: the only annotation that we put on an object."""
    files = [f"--filename={stamp}" for stamp in STAMPS]
    plane.kubectl("apply", "--server-side", *files)
    plane.wait_policy()
    try:
        with running(plane, Path(tmp_path_factory.mktemp("gitops"))) as stack:
            yield stack
    finally:
        plane.kubectl("delete", *files)


@pytest.fixture(scope="module")
def story(stack: Stack) -> Story:
    story = Story(stack.shop())
    shop = story.shop
    for name in (CHAT, OTHER):
        shop.serve(name)
    applied(shop, wanted("v41"))
    shop.kubectl("wait", "--for=condition=Ready", f"aif/{CHAT}", "--timeout=40s")
    _climbs(story)
    _comes_down(story)
    _is_reverted(story)
    return story


def _climbs(story: Story) -> None:
    shop = story.shop
    story.asked = applied(shop, wanted(BETTER))

    def landed(_: AIFeature) -> bool:
        story.climb.append(stored(shop))
        return is_live(AIFeature.model_validate(story.climb[-1]), BETTER)

    shop.until(CHAT, landed, "a good climb")
    story.diffs = [
        shop.kubectl("diff", *how, "--filename=-", stdin=json.dumps(wanted(BETTER)), check=False)
        for how in ([], ["--server-side", "--force-conflicts", f"--field-manager={GIT}"])
    ]


def _comes_down(story: Story) -> None:
    """The bad release goes around; then Git says the same again and again."""
    shop = story.shop
    shop.serve(CHAT, candidate_error=0.4)
    applied(shop, wanted(BAD))
    story.waited = shop.kubectl(
        "wait", "--for=condition=Stalled", f"aif/{CHAT}", "--timeout=40s", check=False
    )
    assert "condition met" in story.waited
    shop.until(CHAT, lambda f: f.status.latches[0].contained_at, "contained")
    story.down = [stored(shop)]
    for _ in range(AGAIN):
        story.down.append(applied(shop, wanted(BAD)))
    shop.until(CHAT, lambda f: _looked_since(story.down[-1], f), "another look")
    story.again = stored(shop)
    story.incidents = len(shop.all(INCIDENTS))


def _looked_since(before: Json, feature: AIFeature) -> bool:
    """Its live watch was written once more: passes went on."""
    version: str = before["metadata"]["resourceVersion"]
    return feature.metadata.resource_version != version


def _is_reverted(story: Story) -> None:
    shop = story.shop
    generation = applied(shop, wanted(BETTER))["metadata"]["generation"]
    shop.until(CHAT, lambda f: f.status.observed_generation == generation, "the revert is seen")
    story.reverted = stored(shop)


def by_git(body: Json) -> Json:
    """What the pipeline is known to own."""
    (found,) = (m for m in body["metadata"]["managedFields"] if m["manager"] == GIT)
    owned: Json = found
    return owned


def test_a_whole_rollout_leaves_what_git_owns_untouched(story: Story) -> None:
    landed = story.climb[-1]
    assert by_git(landed) == by_git(story.asked)
    assert landed["spec"] == story.asked["spec"]
    for part in ("labels", "annotations", "generation"):
        assert landed["metadata"][part] == story.asked["metadata"][part]
    others = [m for m in landed["metadata"]["managedFields"] if m["manager"] != GIT]
    assert {m.get("subresource") for m in others} == {"status"}
    assert "finalizers" not in landed["metadata"]


def test_after_a_rollout_there_is_nothing_to_sync(story: Story) -> None:
    assert story.diffs == ["", ""]


def test_tools_call_a_release_done_only_when_it_serves_everybody(story: Story) -> None:
    """kstatus, Flux and Argo CD agree at every moment of a real climb."""
    seen = story.climb
    done = [
        body["status"].get("lastKnownGood", {}).get("digest") == digest(BETTER)
        and body["status"].get("stage") == "Live"
        for body in seen
    ]
    assert {body["status"]["stage"] for body in seen} >= {"Ramping", "Cruising", "Live"}
    assert done[-1]
    assert [v["status"] == "Current" for v in kstatus(seen)] == done
    assert [v["status"] == "Current" for v in flux(seen, STRICT)] == done
    assert [h["status"] == "Healthy" for h in health("AIFeature", seen)] == done


def test_what_kubectl_waits_for_as_stalled_tools_call_failed(story: Story) -> None:
    assert "condition met" in story.waited
    down = story.down[0]
    assert [kstatus([down])[0]["status"], flux([down], STRICT)[0]["status"]] == ["Failed"] * 2
    (told,) = health("AIFeature", [down])
    assert told["status"] == "Degraded"
    assert told["message"].startswith("RolledBack: ")


def test_git_may_ask_twenty_times_again_for_what_came_down(story: Story) -> None:
    before, after = (AIFeature.model_validate(b) for b in (story.down[0], story.again))
    assert len(story.down) == AGAIN + 1
    assert after.status.stage is Stage.ROLLED_BACK
    assert after.metadata.generation == before.metadata.generation
    assert after.status.observed_generation == before.status.observed_generation
    assert after.status.revision == before.status.revision
    assert after.status.history == before.status.history
    assert after.status.candidate == before.status.candidate
    assert story.shop.records()[digest(BAD)][names.ATTEMPTS] == "1"
    assert story.incidents == 1


def test_a_revert_in_git_is_live_with_the_first_status_that_knows_of_it(story: Story) -> None:
    assert is_live(AIFeature.model_validate(story.reverted), BETTER)
    assert kstatus([story.reverted])[0]["status"] == "Current"
    assert story.reverted["status"]["split"]["stable"] == 100


def test_an_incident_is_in_progress_until_people_resolve_it(story: Story) -> None:
    shop = story.shop
    (incident,) = shop.all(INCIDENTS)
    assert kstatus([incident])[0]["status"] == "InProgress"
    shop.resolve()
    name = incident["metadata"]["name"]
    shop.kubectl("wait", "--for=condition=Resolved", f"aii/{name}", "--timeout=20s")
    (over,) = shop.all(INCIDENTS)
    assert kstatus([over])[0]["status"] == "Current"


def test_what_kustomize_makes_of_the_overlay_is_taken_as_it_stands(story: Story) -> None:
    made = objects(kustomized(OVERLAY / "production"))
    for body in made:
        body["metadata"]["namespace"] = story.shop.namespace
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": made})
    options = ("--server-side", "--dry-run=server", "--validate=strict", "--output=name")
    told = story.shop.kubectl("apply", *options, "--filename=-", stdin=listed)
    assert sorted(line.partition("/")[0] for line in told.splitlines()) == [
        "aifeature.goaround.dev",
        "configmap",
    ]


def test_our_part_of_argocd_cm_joins_what_is_there(story: Story) -> None:
    ours = loaded(HOME / "argocd-cm.yaml")
    ours["metadata"]["namespace"] = story.shop.namespace
    theirs = ours | {"data": {"url": "https://argocd.example.com"}}
    applied(story.shop, theirs, CONFIG_MAPS, "argocd-helm")
    both = applied(story.shop, ours, CONFIG_MAPS, "goaround")
    assert both["data"] == ours["data"] | theirs["data"]


def test_before_the_operator_saw_it_a_feature_is_in_progress_for_everybody(
    stack: Stack, story: Story
) -> None:
    with stack.operator.paused():
        new = applied(story.shop, wanted("v41", OTHER))
        assert new["status"] == {"observedGeneration": -1}
        assert [kstatus([new])[0]["status"], flux([new], STRICT)[0]["status"]] == ["InProgress"] * 2
        assert health("AIFeature", [new])[0]["status"] == "Progressing"
    story.shop.until(OTHER, lambda f: f.status.conditions, "conditions")


def test_the_buttons_of_argo_cd_hold_and_resume(story: Story) -> None:
    shop = story.shop
    shop.until_live(OTHER, "v41")
    presses(shop, "hold")
    shop.until(OTHER, _is_suspended, "held")
    presses(shop, "resume")
    shop.until(OTHER, lambda f: not _is_suspended(f), "resumed")


def test_the_button_that_kills_kills_once_and_self_heal_does_not_mind_it(story: Story) -> None:
    shop = story.shop
    ((_, switch),) = acted("kill", stored(shop, OTHER))
    where = path(KILL_SWITCHES, shop.namespace)
    assert [shop.api.post(where, json=switch).status_code for _ in range(2)] == [201, 409]
    shop.until_stage(OTHER, Stage.KILLED)
    applied(shop, wanted("v41", OTHER))
    killed = stored(shop, OTHER)
    (told,) = health("AIFeature", [killed])
    assert told["status"] == "Degraded"
    assert "by AIKillSwitch argocd-kill-other: killed in Argo CD" in told["message"]
    assert "kill" not in offered(discovered([killed])[0])


def presses(shop: Shop, action: str) -> None:
    """A merge patch of what the action changed, as Argo CD makes it."""
    before = stored(shop, OTHER)
    assert action in offered(discovered([before])[0])
    ((operation, after),) = acted(action, before)
    assert operation == "patch"
    old, new = (body["metadata"].get("annotations", {}) for body in (before, after))
    changed = {k: new.get(k) for k in {*old, *new} if old.get(k) != new.get(k)}
    assert shop.patch(OTHER, {"metadata": {"annotations": changed}}).is_success


def _is_suspended(feature: AIFeature) -> bool:
    return any(c.type == "Suspended" for c in feature.status.conditions)
