"""Objects on a real API server: what is stored, shown, selected and kept apart."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from goaround.api.base import Json
from goaround.api.kinds import SERVED
from goaround.api.status import AIFeatureStatus
from hack.controlplane import ControlPlane
from tests.cluster.api_objects import (
    EXAMPLES,
    MINIMAL,
    NAMESPACE,
    ROOT,
    an_object,
    create,
    install,
    patch,
    stored,
)
from tests.unit.api.builders import a_status

pytestmark = pytest.mark.cluster
HERE = f"--namespace={NAMESPACE}"

each_kind = pytest.mark.parametrize("kind", EXAMPLES)


@pytest.fixture(scope="module")
def api(plane: ControlPlane) -> ControlPlane:
    install(plane)
    return plane


@pytest.fixture
def chat(api: ControlPlane) -> Iterator[str]:
    """A minimal feature; its name as kubectl takes it."""
    assert create(api, an_object("AIFeature", "chat")) == ""
    yield "aif/chat"
    api.kubectl("delete", "aif", "chat", HERE)


def test_the_crds_on_disk_are_what_the_models_say() -> None:
    command = [sys.executable, str(ROOT / "hack" / "gen-crds"), "--check"]
    assert subprocess.run(command, check=False).returncode == 0


def test_a_minimal_feature_is_stored_with_every_default(api: ControlPlane, chat: str) -> None:
    spec = stored(api, chat)["spec"]
    assert spec["release"] == MINIMAL["release"]
    step = {"holdSeconds": 600, "minSamples": 100, "requireSignOff": False}
    assert [spec["mode"], spec["firstRelease"]] == ["Enforce", "Adopt"]
    assert spec["ramp"] == {
        "intervalSeconds": 10,
        "steps": [{**step, "weightPercent": weight} for weight in (10, 50, 100)],
        "reenable": [
            *({**step, "holdSeconds": 43200, "weightPercent": weight} for weight in (10, 50)),
            {**step, "weightPercent": 100},
        ],
        "cruiseSeconds": 3600,
        "holdbackPercent": 2,
        "stepDeadlineSeconds": 21600,
        "deadlineSeconds": 172800,
    }
    acceptance = spec["acceptance"]
    assert [acceptance[k] for k in ("provider", "alpha", "beta", "maxBlindSeconds")] == [
        "default",
        "0.01",
        "0.05",
        120,
    ]
    for signal in acceptance["signals"]:
        assert (signal["clusterSize"], signal["budgetWeight"]) == (1, 1)
        assert signal["labelDelaySeconds"] == 0
    assert spec["signOff"] == {"minApprovers": 1, "validForSeconds": 86400}
    assert not {"killSwitch", "riskTier"} & spec.keys()


def test_a_feature_without_any_choice_has_no_fallback_written_into_it(api: ControlPlane) -> None:
    bare = an_object(
        "AIFeature", "bare", lambda s: (s.pop("fallback"), s["delivery"][0].pop("flag"))
    )
    bare["spec"]["delivery"][0]["flag"] = {}
    assert create(api, bare) == ""
    spec = stored(api, "aif/bare")["spec"]
    assert "fallback" not in spec  # a type written here would stand beside a chain given later
    assert spec["delivery"][0]["flag"] == {"bucketBy": "Session"}


@each_kind
def test_a_new_object_says_that_nobody_has_seen_it(api: ControlPlane, kind: str) -> None:
    assert create(api, an_object(kind, "fresh")) == ""
    status = stored(api, f"{kind}/fresh").get("status")
    assert status == (None if kind == "AISignOff" else {"observedGeneration": -1})


def test_status_sent_to_the_main_resource_is_dropped(api: ControlPlane, chat: str) -> None:
    assert patch(api, chat, {"status": {"stage": "Live"}}) == ""
    assert stored(api, chat)["status"] == {"observedGeneration": -1}


def test_spec_sent_to_the_status_resource_is_dropped(api: ControlPlane, chat: str) -> None:
    change = {"spec": {"killSwitch": {"engaged": True}}, "status": {"stage": "Live"}}
    assert patch(api, chat, change, "--subresource=status") == ""
    found = stored(api, chat)
    assert "killSwitch" not in found["spec"]
    assert (found["metadata"]["generation"], found["status"]["stage"]) == (1, "Live")


def test_a_status_of_the_operator_is_read_back_as_it_was_written(
    api: ControlPlane, chat: str
) -> None:
    written = a_status()
    assert patch(api, chat, {"status": written.wire()}, "--subresource=status") == ""
    assert AIFeatureStatus.model_validate(stored(api, chat)["status"]) == written


def test_a_split_that_is_no_whole_is_refused(api: ControlPlane, chat: str) -> None:
    split = {"stable": 50, "candidate": 20, "fallback": 0}
    told = patch(api, chat, {"status": {"split": split}}, "--subresource=status")
    assert "status.split: Invalid value: the split must sum to 100" in told


def test_two_conditions_of_one_type_are_refused(api: ControlPlane, chat: str) -> None:
    (one,) = a_status().wire()["conditions"]
    told = patch(api, chat, {"status": {"conditions": [one, one]}}, "--subresource=status")
    assert 'status.conditions[1]: Duplicate value: {"type":"Killed"}' in told


def names(api: ControlPlane, what: str, selector: str) -> list[str]:
    told = api.kubectl("get", what, HERE, f"--field-selector={selector}", "--output=json")
    return [item["metadata"]["name"] for item in json.loads(told.stdout)["items"]]


def test_features_are_selected_by_stage(api: ControlPlane, chat: str) -> None:
    assert names(api, "aif", "status.stage=Ramping") == []
    assert patch(api, chat, {"status": {"stage": "Ramping"}}, "--subresource=status") == ""
    assert names(api, "aif", "status.stage=Ramping") == ["chat"]


def test_incidents_are_selected_by_severity_phase_and_feature(api: ControlPlane) -> None:
    assert create(api, an_object("AIIncident", "found", lambda s: s.update(severity="P1"))) == ""
    status = {"phase": "Detected", "feature": "chat"}
    assert patch(api, "aii/found", {"status": status}, "--subresource=status") == ""
    for selector in ("spec.severity=P1", "status.phase=Detected", "status.feature=chat"):
        assert names(api, "aii", selector) == ["found"]


def test_short_names_and_the_category_list_our_kinds(api: ControlPlane) -> None:
    for number, served in enumerate(SERVED):
        assert create(api, an_object(served.kind.kind, f"listed-{number}")) == ""
        listed = api.kubectl("get", served.short, HERE, "--output=name").stdout
        assert f"{served.singular}.goaround.dev/listed-{number}" in listed
    everything = api.kubectl("get", "aiops", HERE, "--output=name").stdout
    assert all(f"{s.singular}.goaround.dev/listed-{n}" in everything for n, s in enumerate(SERVED))


def test_our_kinds_are_no_part_of_the_category_all(api: ControlPlane, chat: str) -> None:
    assert "goaround.dev" not in api.kubectl("get", "all", HERE, "--output=name").stdout


def test_a_list_of_features_fits_a_hundred_characters(api: ControlPlane, chat: str) -> None:
    status = a_status().but(weight="98 (2 held back)", live="ab" * 6).wire()
    assert patch(api, chat, {"status": status}, "--subresource=status") == ""
    heading, *rows = api.kubectl("get", "aif", HERE).stdout.splitlines()
    assert heading.split() == ["NAME", "STAGE", "WEIGHT", "LIVE", "READY", "AGE"]
    assert rows
    assert max(map(len, [heading, *rows])) <= 100


def test_a_feature_cannot_be_scaled(api: ControlPlane, chat: str) -> None:
    told = api.kubectl("scale", chat, "--replicas=1", HERE, check=False)
    assert told.returncode != 0


def test_the_example_of_a_drill_is_taken_as_it_stands(api: ControlPlane) -> None:
    told = api.kubectl(
        "create", f"--filename={ROOT / 'examples' / 'drill.yaml'}", "--dry-run=server"
    )
    assert told.stdout.startswith("aikillswitch.goaround.dev/drill-")


def test_a_dry_run_leaves_nothing_behind(api: ControlPlane) -> None:
    assert create(api, an_object("AIFeature", "dry"), "--dry-run=server") == ""
    told = api.kubectl("get", "aif", "dry", HERE, check=False)
    assert "NotFound" in told.stderr


def silent(name: str, schema: Json) -> list[str]:
    """Fields below `schema`, as the API server publishes it, that say nothing."""
    found = [] if schema.get("description") else [name]
    for child, below in schema.get("properties", {}).items():
        found += silent(f"{name}.{child}", below)
    inner = schema.get("items") or schema.get("additionalProperties") or {}
    for child, below in inner.get("properties", {}).items():
        found += silent(f"{name}[].{child}", below)
    return found


def test_the_published_schema_describes_every_field(api: ControlPlane) -> None:
    told = api.kubectl("get", "--raw=/openapi/v3/apis/goaround.dev/v1alpha1")
    schemas = json.loads(told.stdout)["components"]["schemas"]
    ours = {name.rpartition(".")[2]: s for name, s in schemas.items() if "goaround" in name}
    assert set(EXAMPLES) < set(ours)
    for kind in EXAMPLES:
        for part in ("spec", "status"):
            if part in ours[kind]["properties"]:
                assert silent(part, ours[kind]["properties"][part]) == []


def test_explain_tells_unit_default_and_range(api: ControlPlane) -> None:
    told = api.kubectl("explain", "aif.spec.ramp.steps.holdSeconds").stdout
    assert "Least time at this step, in seconds. Default: 600. Range: 1 to 604800." in " ".join(
        told.split()
    )
