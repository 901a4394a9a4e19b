"""The generator keeps its promises over all four kinds, and refuses what it cannot translate."""

import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from pydantic import Field, create_model

from goaround.api.base import Json, Model
from goaround.api.crd import crd, unbounded
from goaround.api.kinds import FEATURES, SERVED, Served
from goaround.api.schema import RULES, cel, rules
from tests.unit.api.builders import all_fields, fields, schema, version

ROOT = Path(__file__).resolve().parents[3]
GENERATOR = Path("hack", "gen-crds")

each_kind = pytest.mark.parametrize("served", SERVED, ids=lambda served: served.kind.kind)


def served_with(**members: Any) -> Served:
    """A kind whose spec has these fields only."""
    return Served(FEATURES, "x", "x", create_model("Spec", __base__=Model, **members), None, ())


def spec_of(**members: Any) -> Json:
    found: Json = schema(served_with(**members))["properties"]["spec"]
    return found


def test_every_field_at_every_depth_is_described() -> None:
    silent = [
        path
        for path, field in all_fields()
        if "description" not in field
        and not path.endswith((".metadata", "[]", "{}"))  # the API server describes metadata
    ]
    assert silent == []


def test_every_description_is_one_line_and_ends_like_a_sentence() -> None:
    said = {field["description"] for _, field in all_fields() if "description" in field}
    assert [text for text in said if "\n" in text or not text.endswith(".")] == []


def test_a_description_ends_with_the_default_and_the_range() -> None:
    found = spec_of(hold_seconds=(int, Field(default=600, ge=1, le=900, description="Hold, in s.")))
    assert found["properties"]["holdSeconds"] == {
        "description": "Hold, in s. Default: 600. Range: 1 to 900.",
        "type": "integer",
        "format": "int64",
        "minimum": 1,
        "maximum": 900,
        "default": 600,
    }


def test_every_default_of_a_value_is_told_in_the_description() -> None:
    untold = [
        path
        for path, field in all_fields()
        if field.get("default") not in (None, {}) and "Default: " not in field["description"]
        if not path.endswith(".status")
    ]
    assert untold == []


def test_nothing_may_grow_without_bound() -> None:
    assert [path for served in SERVED for path in unbounded(schema(served))] == []


@pytest.mark.parametrize("kind", [str, list[int], list[str], dict[str, int]])
def test_an_unbounded_field_is_found(kind: Any) -> None:
    found = list(unbounded(spec_of(loose=(kind, Field(description="Loose.")))))
    assert found
    assert all(path.startswith(".loose") for path in found)


def test_a_map_is_bounded_by_its_keys_too() -> None:
    key = Annotated[str, Field(max_length=64)]
    values = Annotated[str, Field(max_length=9)]
    bounded = spec_of(named=(dict[key, values], Field(max_length=3, description="Named.")))
    loose = spec_of(named=(dict[str, values], Field(max_length=3, description="Named.")))
    assert list(unbounded(bounded)) == []
    assert list(unbounded(loose)) == [".named"]
    assert [check["rule"] for check in bounded["properties"]["named"][RULES]] == [
        "self.all(key, key.size() <= 64)"
    ]


def test_every_number_in_a_spec_has_both_bounds() -> None:
    loose = [
        path
        for path, field in all_fields()
        if field["type"] == "integer" and ".spec." in path
        if not {"minimum", "maximum"} <= field.keys()
    ]
    assert loose == []


def test_durations_are_bounded_ints_and_percents_end_at_100() -> None:
    # a bucket's bound is a threshold, which may be a fraction of a second
    bound = ".slowerThanSeconds"
    seconds = {
        path: field
        for path, field in all_fields()
        if path.endswith("Seconds") and not path.endswith(bound)
    }
    percents = {path: field for path, field in all_fields() if path.endswith("Percent")}
    assert len(seconds) >= 4
    assert percents
    for field in (seconds | percents).values():
        assert field["type"] == "integer"
        assert field["minimum"] >= 0
    assert max(field["maximum"] for field in percents.values()) == 100
    assert all("maximum" in field for field in seconds.values())


def test_there_is_no_float_and_no_field_of_several_types() -> None:
    assert {field["type"] for _, field in all_fields()} == {
        "string",
        "integer",
        "boolean",
        "array",
        "object",
    }


def test_timestamps_are_date_times() -> None:
    named = re.compile(r"([a-z]At|Time|\.at|\.since)$")
    times = [field for path, field in all_fields() if ".status." in path and named.search(path)]
    assert len(times) > 10
    assert {field.get("format") for field in times} == {"date-time"}


def test_enums_are_camel_case_strings() -> None:
    # presets and clocks are names of things: clocks are keys of status.deadlines
    names = re.compile(r"[.]preset$|[.]clocks\[\][.]name$")
    fields = [field for path, field in all_fields() if not names.search(path)]
    words = [word for field in fields for word in field.get("enum", ())]
    assert "Split" in words
    assert [word for word in words if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", word)] == []


def test_unknown_fields_are_kept_nowhere() -> None:
    for served in SERVED:
        assert "preserve-unknown" not in yaml.safe_dump(crd(served))


def test_no_field_names_a_namespace_or_an_address() -> None:
    suspect = re.compile(r"(?i)namespace|url|uri|host|address")
    names = [path for path, _ in all_fields() if suspect.search(path.rpartition(".")[2])]
    assert names == []


def test_named_lists_are_maps_and_all_others_say_what_they_are() -> None:
    for path, field in all_fields():
        if field["type"] == "array":
            named = {"name", "type"} & field["items"].get("properties", {}).keys()
            kind = field["x-kubernetes-list-type"]
            assert kind in ("map", "atomic"), path
            # Fixed at creation, or a picture of one moment: replaced as a whole.
            whole = path.endswith((".affects", ".sources", ".history"))
            assert kind == "map" or not named or whole, path


def test_every_rule_has_a_message_in_plain_words() -> None:
    whole = [schema(served) for served in SERVED] + [field for _, field in all_fields()]
    messages = [check["message"] for below in whole for check in below.get(RULES, ())]
    assert len(messages) > 15
    assert all(len(message) >= 25 and " " in message for message in messages)


@each_kind
def test_columns_end_in_age_and_six_fit_a_narrow_terminal(served: Served) -> None:
    columns = version(served)["additionalPrinterColumns"]
    narrow = [column for column in columns if column.get("priority", 0) == 0]
    assert columns[-1] == {
        "name": "Age",
        "jsonPath": ".metadata.creationTimestamp",
        "type": "date",
    }
    assert len(narrow) <= 6


@each_kind
def test_every_column_and_selectable_field_exists(served: Served) -> None:
    known = {path for path, _ in fields(schema(served))}
    for column in version(served)["additionalPrinterColumns"]:
        path = column["jsonPath"].partition("[?")[0]
        assert path in known or path.startswith(".metadata."), path
    for selectable in version(served).get("selectableFields", ()):
        assert selectable["jsonPath"] in known


@each_kind
def test_status_starts_as_unseen_and_claims_nothing_else(served: Served) -> None:
    if served.status is None:
        assert "subresources" not in version(served)
        return
    status = schema(served)["properties"]["status"]
    assert version(served)["subresources"] == {"status": {}}
    assert status["default"] == {"observedGeneration": -1}
    assert [name for name, field in status["properties"].items() if "default" in field] == [
        "observedGeneration"
    ]


@each_kind
def test_a_kind_is_named_in_all_ways_and_in_the_category(served: Served) -> None:
    spec = crd(served)["spec"]
    assert spec["names"] == {
        "kind": served.kind.kind,
        "listKind": served.kind.kind + "List",
        "plural": served.kind.plural,
        "singular": served.singular,
        "shortNames": [served.short],
        "categories": ["aiops"],
    }
    assert (spec["group"], spec["scope"]) == ("goaround.dev", "Namespaced")


def test_an_object_default_lets_its_own_defaults_apply() -> None:
    spec = schema(SERVED[0])["properties"]["spec"]["properties"]
    assert spec["ramp"]["default"] == {}
    assert "default" not in spec["fallback"]  # else a chain would come with a type beside it
    assert spec["incident"]["default"] == {}
    assert "default" not in spec["killSwitch"]  # a default would be read back as an opinion
    assert spec["ramp"]["properties"]["steps"]["default"] == [
        {"weightPercent": 10},
        {"weightPercent": 50},
        {"weightPercent": 100},
    ]


def test_an_optional_object_has_no_default_even_if_its_fields_have() -> None:
    part = create_model("Part", __base__=Model, size=(bool, Field(default=True)))
    found = spec_of(part=(part | None, Field(default=None, description="A part.")))
    assert "default" not in found["properties"]["part"]


def test_a_rule_of_a_field_joins_those_of_its_model() -> None:
    part = create_model("Part", __base__=Model, __doc__="A part.", size=(bool, Field()))
    part.model_config["json_schema_extra"] = rules(cel("has(self.size)", "a part has a size"))
    part.model_rebuild(force=True)
    found = spec_of(part=(part, Field(json_schema_extra=rules(cel("true", "always")))))
    assert [check["rule"] for check in found["properties"]["part"][RULES]] == [
        "has(self.size)",
        "true",
    ]


@pytest.mark.parametrize(
    "kind",
    [float, int | bool, Any, Json, Annotated[int, Field(multiple_of=2)]],
    ids=["a float", "two types", "anything", "a free map", "a multiple"],
)
def test_what_cannot_be_translated_is_refused(kind: Any) -> None:
    with pytest.raises(ValueError, match=r"translated|several types"):
        spec_of(odd=(kind, Field(description="Odd.")))


def run_generator(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, root / GENERATOR, *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def generator() -> Callable[[list[str]], int]:
    """Its `main`, in this process, which has imported the models already."""
    before = list(sys.path)
    found: Callable[[list[str]], int] = runpy.run_path(str(ROOT / GENERATOR))["main"]
    sys.path[:] = before
    return found


def test_the_files_in_crds_are_what_the_models_say(
    generator: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert (generator(["--check"]), capsys.readouterr().err) == (0, "")


def test_a_drifted_file_is_shown_as_a_difference_and_written_again(tmp_path: Path) -> None:
    for part in ("operator/goaround/api", "hack", "crds"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=lambda *_: ["__pycache__", "tools"])
    shutil.copy(ROOT / "operator/goaround/__init__.py", tmp_path / "operator/goaround")
    drifted = tmp_path / "crds" / "goaround.dev_aifeatures.yaml"
    truth = drifted.read_text(encoding="utf-8")
    drifted.write_text(truth.replace("maximum: 300", "maximum: 301"), encoding="utf-8")
    checked = run_generator(tmp_path, "--check")
    assert checked.returncode == 1
    assert re.search(r"^-\s+maximum: 301$", checked.stderr, re.MULTILINE)
    assert run_generator(tmp_path).returncode == 0
    assert drifted.read_text(encoding="utf-8") == truth


def test_an_unknown_argument_of_the_generator_is_refused(
    generator: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert generator(["--chekc"]) == 2
    assert "--check only tells what differs" in capsys.readouterr().err


def test_one_command_installs_every_file_in_crds() -> None:
    folder = ROOT / "crds"
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    found = {
        str(path.relative_to(folder))
        for path in folder.rglob("*.yaml")
        if path.name != "kustomization.yaml"
    }
    assert set(listed["resources"]) == found
    assert {f"goaround.dev_{served.kind.plural}.yaml" for served in SERVED} < found
