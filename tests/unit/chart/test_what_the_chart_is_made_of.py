"""The chart says what the code says: CRDs, policies, rights, values and metrics have one source."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest
import yaml

from goaround import __version__
from goaround.api.base import Json
from goaround.api.kinds import SERVED
from goaround.delivery.flagmetrics import FlagMetrics
from goaround.delivery.flagstate import FlagState
from goaround.delivery.streams import Streams
from goaround.runtime.flag_rights import FLAG_NEEDS
from goaround.runtime.metrics import Metrics
from goaround.runtime.selfcheck import NEEDS, needs, rules
from hack.chart import dashboards, files, schema, values
from tests.charts import CHART, CI, ROOT

ABOUT = yaml.safe_load((CHART / "Chart.yaml").read_text())
DESCRIBED = values.read(CHART / "values.yaml")
DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())
TEMPLATES = [path for path in sorted((CHART / "templates").rglob("*")) if path.is_file()]
# objects that Kubernetes itself checks, and what a parent chart hands down
OPEN = {
    *("affinity", "claims", "podSelector", "namespaceSelector", "ipBlock", "labelSelector"),
    *("nodeAffinity", "podAffinity", "podAntiAffinity", "valueFrom", "global"),
    *("extraVolumes", "extraVolumeMounts"),
}


def test_generated_files_are_what_their_sources_say() -> None:
    wanted = files.generated(ROOT)
    stale = [str(p.relative_to(ROOT)) for p, text in wanted.items()
             if not p.exists() or p.read_text(encoding="utf-8") != text]  # fmt: skip
    assert stale == [], "run hack/gen-crds, then hack/gen-chart"


def test_nothing_of_an_older_version_is_left_in_the_chart() -> None:
    kept = {p for p in (CHART / "files").rglob("*") if p.is_file()} - {CHART / "files/alerts.yaml"}
    assert kept - files.generated(ROOT).keys() == set()


def test_crds_and_policies_of_the_chart_are_those_of_the_repository() -> None:
    for folder, home in (("crds", "crds/goaround.dev_*.yaml"), ("policies", "crds/policies/*")):
        copies = {p.name: p.read_bytes() for p in (CHART / "files" / folder).iterdir()}
        assert copies == {p.name: p.read_bytes() for p in ROOT.glob(home)}


def test_every_right_that_the_operator_asks_for_is_granted_once_and_nothing_else() -> None:
    granted = yaml.safe_load(files.operator_rules())
    found = [rule for place in ("features", "home", "everywhere") for rule in granted[place]]
    wanted = rules(list(needs(files.LEASE)))
    assert sorted(map(json.dumps, found)) == sorted(map(json.dumps, wanted))
    assert len(found) == len(NEEDS)


def every_rule() -> Iterator[Json]:
    for part in ("operator", "flags"):
        for granted in yaml.safe_load((CHART / f"files/rbac/{part}.yaml").read_text()).values():
            yield from granted
    for role in yaml.safe_load_all((CHART / "files/rbac/people.yaml").read_text()):
        yield from role["rules"]


def test_no_role_has_a_wildcard_or_makes_itself_greater() -> None:
    for rule in every_rule():
        told = {word for key in ("apiGroups", "resources", "verbs") for word in rule[key]}
        assert not told & {"*", "escalate", "bind", "impersonate"}


def test_nobody_lists_secrets_and_flag_replicas_write_nothing() -> None:
    secrets = {v for rule in every_rule() if "secrets" in rule["resources"] for v in rule["verbs"]}
    assert not secrets & {"list", "watch", "update", "patch"}
    assert {v for need in FLAG_NEEDS for v in need.verbs} == {"get", "list", "watch"}


def test_no_role_of_people_may_write_a_status_or_operate() -> None:
    for role in yaml.safe_load_all((CHART / "files/rbac/people.yaml").read_text()):
        for rule in role["rules"]:
            assert not any("/status" in resource for resource in rule["resources"])
            assert "operate" not in rule["verbs"]


def exported() -> set[str]:
    """Names of every sample that operator and flag replicas export."""
    state = FlagState([], on_change=lambda *_: None, on_listed=lambda: None,
                      on_problem=lambda _: None)  # fmt: skip
    registries = (Metrics().registry, FlagMetrics(state, Streams(1))._registry)
    found: set[str] = set()
    for registry in registries:
        for family in registry.collect():
            ends = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
            found |= {family.name + end for end in ends.get(family.type, [""])}
    return found


@pytest.mark.parametrize("name", dashboards.ALL)
def test_a_dashboard_asks_for_metrics_that_exist(name: str) -> None:
    asked = set(re.findall(r"goaround_\w+", json.dumps(dashboards.ALL[name])))
    assert asked
    assert asked - exported() == set()


@pytest.mark.parametrize("name", dashboards.ALL)
def test_every_question_of_a_dashboard_is_promql(name: str) -> None:
    for panel in dashboards.ALL[name]["panels"]:
        for target in panel["targets"]:
            promql_parser.parse(target["expr"].replace("$__rate_interval", "5m"))


def test_every_value_that_a_template_uses_is_documented() -> None:
    named = {value.path for value in DESCRIBED}
    for path in TEMPLATES:
        for found in re.findall(r"\.Values((?:\.\w+)+)", path.read_text()):
            asked = tuple(found.strip(".").split("."))
            near = [at for at in named if at[: len(asked)] == asked or asked[: len(at)] == at]
            assert near, f"{path.name}: {found}"


def test_every_documented_value_is_used_by_a_template() -> None:
    text = "\n".join(path.read_text() for path in TEMPLATES)
    for value in DESCRIBED:
        server = value.path[0] in ("operator", "flags")
        within = rf"(\$its|\(index \. 2\))\.{'.'.join(value.path[1:])}\b"
        whole = rf"\.Values\.{value.name}\b|\$image\.{value.path[-1]}\b"
        assert re.search(rf"{whole}|{within}" if server else whole, text), value.name


def test_a_value_without_a_comment_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "values.yaml"
    page.write_text("# -- Known.\na: 1\nb:\n  c: 2\n")
    with pytest.raises(values.Undocumented, match=r"no comment for b\.c"):
        values.read(page)


def test_a_comment_may_have_several_lines_and_belong_to_a_map(tmp_path: Path) -> None:
    page = tmp_path / "values.yaml"
    page.write_text("# aside\n\na:\n  # -- One,\n  # and more.\n  b: {c: 1}\n")
    (only,) = values.read(page)
    assert (only.name, only.text, only.default) == ("a.b", "One, and more.", {"c": 1})


def objects(name: str, shape: Json) -> Iterator[tuple[str, Json]]:
    if shape.get("type") == "object":
        yield name, shape
    for key, inner in shape.get("properties", {}).items():
        yield from objects(key, inner)
    if isinstance(shape.get("items"), dict):
        yield from objects(name, shape["items"])


def test_the_schema_of_values_is_closed_everywhere_but_where_people_name_keys() -> None:
    found = schema.of(DESCRIBED)
    del found["properties"]["config"]  # the operator's own, see below
    parts = list(objects("", found))
    assert {name for name, shape in parts if "additionalProperties" not in shape} - OPEN == set()
    maps = {n for n, shape in parts if isinstance(shape.get("additionalProperties"), dict)}
    told = ("abels", "nnotations", "nodeSelector", "requests", "limits")
    assert {name for name in maps if not name.endswith(told)} == set()


def test_the_schema_of_the_administrators_file_is_that_of_the_operator() -> None:
    found = schema.of(DESCRIBED)
    config = found["properties"]["config"]
    parts = [config, *(p for p in found["$defs"].values() if p["type"] == "object")]
    assert all(part["additionalProperties"] is False for part in parts)
    assert {"providers", "endpoints", "workers"} <= config["properties"].keys()


def test_every_value_has_its_description_in_the_schema() -> None:
    found = schema.of(DESCRIBED)
    for value in DESCRIBED:
        at = found
        for key in value.path:
            at = at["properties"][key]
        assert at["description"] == value.text


def test_the_chart_has_the_version_of_the_application() -> None:
    assert (ABOUT["apiVersion"], ABOUT["version"]) == ("v2", __version__)
    assert ABOUT["appVersion"] == __version__
    assert ABOUT["kubeVersion"] == ">=1.30.0-0"
    assert ABOUT["keywords"]
    assert ABOUT["maintainers"]


def test_what_artifact_hub_is_told_is_yaml_and_true() -> None:
    told = {key.removeprefix("artifacthub.io/"): yaml.safe_load(text)
            for key, text in ABOUT["annotations"].items()}  # fmt: skip
    kinds = {served.kind.kind: served for served in SERVED}
    assert {crd["kind"] for crd in told["crds"]} == kinds.keys()
    assert {crd["name"] for crd in told["crds"]} == {
        f"{served.kind.plural}.{served.kind.group}" for served in SERVED
    }
    for example in told["crdsExamples"]:
        kinds[example["kind"]].spec.model_validate(example["spec"])
    assert [image["image"] for image in told["images"]] == [f"goaround:{__version__}"]
    assert told["changes"]
    assert told["license"] == "Apache-2.0"


def test_there_are_values_for_ci_and_each_says_what_it_is_for() -> None:
    assert len(CI) >= 4
    assert all(path.read_text().startswith("# ") for path in CI)
