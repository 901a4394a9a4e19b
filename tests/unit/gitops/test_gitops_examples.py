"""The examples for Git: what kustomize makes of them, and that they hang together."""

import re

import pytest

from goaround.api.base import Json
from goaround.cli.manifest import parsed
from goaround.runtime.rules import problems
from goaround.world.prometheus import Provider
from tests.unit.gitops.argocd import HOME, ROOT
from tests.unit.gitops.examples import FLUX, OVERLAY, documents, kustomized, objects, of_kind

CREATED = {"AIKillSwitch", "AISignOff", "AIIncident"}


@pytest.mark.parametrize("folder", ["base", "production"])
def test_names_that_kustomize_makes_reach_the_feature(folder: str) -> None:
    made = objects(kustomized(OVERLAY / folder))
    feature, prompt = of_kind(made, "AIFeature"), of_kind(made, "ConfigMap")
    assert prompt["metadata"]["name"] not in {"support-prompt", "eu-support-prompt"}
    ref = feature["spec"]["release"]["prompt"]["configMapRef"]
    assert ref == {"name": prompt["metadata"]["name"], "key": "prompt.txt"}


def test_what_the_overlay_makes_may_take_off() -> None:
    made = objects(kustomized(OVERLAY / "production"))
    feature = parsed(of_kind(made, "AIFeature"), source="overlay")
    providers = {"default": Provider(name="default", url="http://prometheus")}
    assert list(problems(feature, [], providers)) == []
    assert feature.key == ("shop", "eu-support-chat")


def test_the_bundle_of_crds_and_policies_can_be_kustomized() -> None:
    kinds = re.findall(r"(?m)^kind: (\w+)$", kustomized(ROOT / "crds"))
    assert kinds.count("CustomResourceDefinition") == 4
    assert "ValidatingAdmissionPolicyBinding" in kinds


def test_every_name_that_a_feature_may_hold_is_known_to_kustomize() -> None:
    told = documents(OVERLAY / "base" / "goaround-names.yaml")[0]["nameReference"]
    known = {field["path"] for one in told for field in one["fieldSpecs"]}
    assert referred() <= known


def referred() -> set[str]:
    """Paths of names of other objects in the schema of AIFeature, as kustomize writes them."""
    (crd,) = documents(ROOT / "crds" / "goaround.dev_aifeatures.yaml")
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    refs = {"configMapRef", "schemaRef", "service", "featureRef"}
    return {f"{path}/name" for path in _walked(schema, "spec") if path.split("/")[-1] in refs}


def _walked(schema: Json, at: str) -> list[str]:
    found = [at] if "name" in schema.get("properties", {}) else []
    for name, inner in schema.get("properties", {}).items():
        found += _walked(inner, f"{at}/{name}")
    return found + (_walked(schema["items"], at) if "items" in schema else [])


def test_the_operator_comes_in_an_earlier_wave_than_the_features() -> None:
    operator, features = documents(HOME / "applications.yaml")
    waves = [
        int(one["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"])
        for one in (operator, features)
    ]
    assert waves == sorted(set(waves))
    options = features["spec"]["syncPolicy"]["syncOptions"]
    assert "SkipDryRunOnMissingResource=true" in options
    assert not any(option.startswith("Replace") for option in options)


def test_nothing_asks_argo_cd_to_ignore_a_difference() -> None:
    for path in HOME.glob("*.yaml"):
        assert "ignoreDifferences" not in path.read_text(encoding="utf-8")


def test_the_project_lets_features_in_and_of_what_people_make_only_the_kill() -> None:
    (project,) = documents(HOME / "project.yaml")
    allowed = {one["kind"] for one in project["spec"]["namespaceResourceWhitelist"]}
    assert allowed & CREATED == {"AIKillSwitch"}
    ignored = {one["kind"] for one in project["spec"]["orphanedResources"]["ignore"]}
    assert ignored >= CREATED


@pytest.mark.parametrize("name", ["features", "features-that-wait-for-people"])
def test_features_wait_for_the_operator_in_flux(name: str) -> None:
    (operator,) = documents(FLUX / "goaround.yaml")
    (features,) = documents(FLUX / f"{name}.yaml")
    assert features["spec"]["dependsOn"] == [{"name": operator["metadata"]["name"]}]
    assert operator["spec"]["wait"] is True
