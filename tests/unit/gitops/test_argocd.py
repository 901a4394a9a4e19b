"""The scripts for Argo CD: its own test files pass, and in every state they say what they must."""

import runpy
import sys

import pytest

from goaround.api.base import Json
from goaround.api.kinds import OURS, SERVED
from goaround.api.names import MAX_FEATURE_NAME
from hack.argocd import config_map
from tests.unit.gitops.acting import OFFERED, SHOWN, done
from tests.unit.gitops.argocd import (
    ACTIONS,
    HOME,
    KINDS,
    ROOT,
    STATUSES,
    TREE,
    acted,
    action_tests,
    discovered,
    health,
    health_tests,
    loaded,
    offered,
)
from tests.unit.gitops.states import FLOWN, STATES, unseen, without_status
from tests.unit.gitops.testdata import files

SPECS = {served.kind.kind: served.spec for served in SERVED}


def test_every_kind_has_its_health() -> None:
    assert {kind.kind for kind in OURS} == set(KINDS)


def test_the_test_files_are_what_the_product_makes_now() -> None:
    stale = [p for p, text in files().items() if p.read_text(encoding="utf-8") != text]
    assert stale == [], "renew them: python -m tests.unit.gitops.testdata"


def test_no_file_is_left_that_nobody_makes() -> None:
    kept = set(TREE.rglob("*.yaml"))
    assert kept == set(files())


@pytest.mark.parametrize("kind", KINDS)
def test_health_is_as_argo_cd_tests_it(kind: str) -> None:
    entries = [entry for of, entry in health_tests() if of == kind]
    objects = [loaded(TREE / kind / entry["inputPath"]) for entry in entries]
    assert health(kind, objects) == [entry["healthStatus"] for entry in entries]


def test_the_health_of_each_state_is_the_one_of_the_table() -> None:
    for kind in KINDS:
        mine = {name: state for name, state in STATES.items() if state.kind.kind == kind}
        found = health(kind, [state.make() for state in mine.values()])
        said = dict(zip(mine, (one["status"] for one in found), strict=True))
        assert said == {name: state.argocd for name, state in mine.items()}
        assert set(said.values()) <= STATUSES


@pytest.mark.parametrize("status", [None, {}, {"observedGeneration": 1, "conditions": None}])
@pytest.mark.parametrize("kind", ["AIFeature", "AIIncident", "AIKillSwitch"])
def test_a_status_of_which_little_is_known_is_progressing(kind: str, status: Json | None) -> None:
    body: Json = {"kind": kind, "apiVersion": "goaround.dev/v1alpha1"}
    body |= {"metadata": {"name": "chat", "generation": 1}, "status": status}
    assert [one["status"] for one in health(kind, [body])] == ["Progressing"]


def test_a_kill_says_who_why_and_since_when() -> None:
    (told,) = health("AIFeature", [STATES["killed"].make()])
    assert told["message"].startswith("Killed since 2026-11-21T10:02:10")
    assert told["message"].endswith("by AIKillSwitch stop: it swears")


def test_discovery_is_as_argo_cd_tests_it() -> None:
    entries = action_tests("discoveryTests")
    objects = [loaded(ACTIONS / entry["inputPath"]) for entry in entries]
    for entry, found in zip(entries, discovered(objects), strict=True):
        told = [{"name": name, **about} for name, about in sorted(found.items())]
        assert told == entry["result"], entry["inputPath"]


def test_in_each_state_what_makes_sense_is_offered() -> None:
    found = discovered([state.make() for state in FLOWN.values()])
    assert dict(zip(FLOWN, map(offered, found), strict=True)) == OFFERED


def test_every_action_that_is_offered_exists() -> None:
    (found,) = discovered([without_status()])
    assert set(found) == {path.parent.name for path in ACTIONS.glob("*/action.lua")}


@pytest.mark.parametrize(
    "entry", action_tests("actionTests"), ids=lambda e: f"{e['action']}-{e['inputPath'][12:-5]}"
)
def test_an_action_is_as_argo_cd_tests_it(entry: Json) -> None:
    source = loaded(ACTIONS / entry["inputPath"])
    ((operation, body),) = acted(entry["action"], source)
    wanted = loaded(ACTIONS / entry["expectedOutputPath"])
    if operation == "patch":
        assert body == wanted
        return
    assert [{"k8sOperation": operation, "unstructuredObj": body}] == wanted
    assert (ACTIONS / entry["expectedOutputPath"]).read_text(encoding="utf-8")[0] == "-"


@pytest.mark.parametrize("action", SHOWN)
def test_in_every_state_that_offers_it_an_action_does_what_it_must(action: str) -> None:
    """Never more than annotations of the feature: spec is Git's, and status the operator's."""
    sources = [FLOWN[name].make() for name, offers in OFFERED.items() if action in offers]
    results = acted(action, *sources)
    assert results == [done(action, source) for source in sources]
    for (operation, body), source in zip(results, sources, strict=True):
        if operation == "patch":
            assert (body["spec"], body["status"]) == (source["spec"], source["status"])


def test_what_an_action_creates_fits_its_kind_and_carries_no_tracking() -> None:
    sources = {"kill": "ramping", "retry": "rolled-back", "promote": "holding-no-data"}
    for action, state in sources.items():
        source = FLOWN[state].make()
        source["metadata"]["labels"] = {"app.kubernetes.io/instance": "shop"}
        source["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = "shop:…"
        source["metadata"]["name"] = "x" * MAX_FEATURE_NAME
        ((operation, body),) = acted(action, source)
        SPECS[body["kind"]].model_validate(body["spec"])
        assert (operation, len(body["metadata"]["name"]) <= 253) == ("create", True)
        assert "labels" not in body["metadata"]
        assert "argocd.argoproj.io/tracking-id" not in body["metadata"]["annotations"]


def test_a_new_feature_can_be_killed_and_held_before_anybody_saw_it() -> None:
    assert offered(discovered([unseen()])[0]) == {"kill", "hold"}


def test_the_config_map_holds_every_script_word_for_word() -> None:
    shipped = loaded(HOME / "argocd-cm.yaml")
    assert shipped == config_map(HOME)
    for kind in KINDS:
        key = f"resource.customizations.health.goaround.dev_{kind}"
        assert shipped["data"][key] == (TREE / kind / "health.lua").read_text(encoding="utf-8")


def test_the_config_map_is_generated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["gen-argocd", "--check"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "hack" / "gen-argocd"), run_name="__main__")
    assert ended.value.code == 0
