"""`goaround plan` as a person runs it: its exit codes, and its words for what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from goaround.__main__ import main
from goaround.api.base import Json
from goaround.api.kinds import AIFeature
from goaround.cli.cel import CelError, evaluate, read
from goaround.cli.command import CommandError
from goaround.cli.manifest import parsed
from tests.unit.cli.kit import a_manifest, a_signal

ROOT = Path(__file__).resolve().parents[3]
QUICK = {"steps": [{"weightPercent": 50, "holdSeconds": 60}, {"weightPercent": 100}]}


def written(tmp_path: Path, *bodies: Any) -> str:
    path = tmp_path / "feature.yaml"
    path.write_text(yaml.safe_dump_all(bodies))
    return str(path)


def test_a_plan_that_flies_leaves_with_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, a_manifest(ramp=QUICK))
    assert main(["plan", "-f", path, "--rps", "100", "--stable-rate", "0.001"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("shop/chat: 100 req/s (given)\n")
    assert "flies: a healthy release is Live after" in told


def test_a_plan_says_what_a_bound_against_the_baseline_will_see_in_live(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signals = [
        a_signal("errors", max="0.02", vsBaseline={"worseByFactor": "2"}),
        a_signal("slow", max="0.1", vsBaseline={"worseBy": "0.01", "onBreach": "FallBack"}),
    ]
    path = written(tmp_path, a_manifest(*signals, ramp=QUICK))
    main(["plan", "-f", path, "--rps", "100", "--stable-rate", "0.001", "-o", "json"])
    first, second = json.loads(capsys.readouterr().out)["notes"]
    assert first == (
        "errors in Live alerts beyond 0.2% of harm (baseline x 2; with a baseline of a day at 0.1%)"
    )
    assert second.startswith("slow in Live goes back beyond 1.1% of harm (baseline + 1 points;")


def test_a_plan_that_will_not_fly_leaves_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tight = a_signal("slow", vsStable={"worseBy": "0", "rejectAt": "0.003"})
    path = written(tmp_path, a_manifest(a_signal("errors", max="0.02"), tight))
    assert main(["plan", "-f", path, "--rps", "0.5", "-o", "json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert told["flies"] is False
    assert any("at 0.5 req/s this needs" in reason for reason in told["refusals"])


@pytest.mark.parametrize(
    "words", [["plan"], ["plan", "-f", "x", "--rps", "many"], ["plan", "-f", "x", "--rps", "-1"]]
)
def test_wrong_usage_leaves_with_1(words: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1", "is not YAML, line 1"),
        ("- 1", "a document is a list, not an object"),
        ("", "no AIFeature in it, only nothing"),
        ("kind: Service", "no AIFeature in it, only Service"),
        ("{kind: AIFeature, apiVersion: v2}", "it must be goaround.dev/v1alpha1"),
    ],
)
def test_a_file_that_is_no_feature_leaves_with_1_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    path = tmp_path / "feature.yaml"
    path.write_text(text)
    assert main(["plan", "-f", str(path)]) == 1
    assert words in capsys.readouterr().err


def test_a_missing_file_leaves_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "-f", "nowhere.yaml"]) == 1
    assert "cannot read nowhere.yaml: No such file or directory" in capsys.readouterr().err


def test_a_prometheus_that_is_not_there_is_told_and_a_given_rate_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, a_manifest(ramp=QUICK))
    nobody = "http://127.0.0.1:9"
    assert main(["plan", "-f", path, "--prometheus", nobody]) == 1
    assert "no connection" in capsys.readouterr().err
    assert main(["plan", "-f", path, "--prometheus", nobody, "--rps", "100"]) == 0
    assert "note: errors: Prometheus: no connection" in capsys.readouterr().out


def test_one_of_several_features_is_chosen_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, a_manifest(ramp=QUICK), a_manifest(name="other", ramp=QUICK))
    assert main(["plan", "-f", path]) == 1
    assert "it holds 2 AIFeatures (chat, other)" in capsys.readouterr().err
    assert main(["plan", "-f", path, "--name", "other", "--rps", "100"]) == 0


def test_a_rate_for_a_signal_that_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, a_manifest())
    assert main(["plan", "-f", path, "--stable-rate", "erors=0.1"]) == 1
    assert "no signal erors; there are errors, refusals" in capsys.readouterr().err


def faults(body: Json) -> str:
    with pytest.raises(CommandError) as refused:
        parsed(body, source="f.yaml")
    return str(refused.value)


def test_every_fault_of_a_feature_is_told_with_its_place() -> None:
    body = a_manifest(ramp={"steps": [{"weightPercent": 0}], "cruiseSeconds": "long"})
    told = faults(body)
    assert told.startswith("f.yaml: 2 faults")
    assert "spec.ramp.steps[0].weightPercent must be at least 1" in told
    assert "spec.ramp.cruiseSeconds must be a whole number" in told


def test_a_missing_field_is_told() -> None:
    body = a_manifest()
    del body["spec"]["acceptance"]["scope"]
    assert faults(body) == "f.yaml: spec.acceptance.scope is missing"


def test_a_typo_is_no_field() -> None:
    told = faults(a_manifest(ramp={"holdBackPercent": 3}))
    assert told == "f.yaml: spec.ramp.holdBackPercent: no such field"


def test_a_bound_that_is_no_number_is_told_in_the_words_of_its_rule() -> None:
    told = faults(a_manifest(a_signal("errors", max="2%"), a_signal("b", max="0.1")))
    assert "a bound is a decimal number in quotes" in told


@pytest.mark.parametrize(
    ("ramp", "words"),
    [
        ({"intervalSeconds": 7}, "intervalSeconds must divide 300"),
        ({"steps": [{"weightPercent": 10}]}, "the ramp must end with everybody on the release"),
        (
            {"steps": [{"weightPercent": w} for w in (50, 10, 100)]},
            "weightPercent must rise from step to step",
        ),
    ],
)
def test_rules_between_fields_are_kept_as_the_api_server_keeps_them(ramp: Json, words: str) -> None:
    assert words in faults(a_manifest(ramp=ramp))


def test_two_bounds_that_contradict_are_refused() -> None:
    pair = a_signal("errors", vsStable={"worseBy": "0.02", "rejectAt": "0.01"})
    assert "rejectAt must be larger than worseBy" in faults(
        a_manifest(pair, a_signal("b", max="1"))
    )


def test_the_example_of_the_demo_is_a_feature() -> None:
    body = yaml.safe_load((ROOT / "examples/demo/support-chat.yaml").read_text())
    assert isinstance(parsed(body, source="demo"), AIFeature)


def every_rule() -> list[str]:
    """All rules of the CRD, as they stand in the file that the API server gets."""
    text = (ROOT / "crds/goaround.dev_aifeatures.yaml").read_text()
    crd = yaml.load(text, Loader=yaml.CSafeLoader)  # read at each collection, so by the fast one
    found: list[str] = []

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            found.extend(rule["rule"] for rule in part.get("x-kubernetes-validations", []))
            for below in part.values():
                walk(below)
        elif isinstance(part, list):
            for below in part:
                walk(below)

    walk(crd)
    return sorted(set(found))


@pytest.mark.parametrize("rule", every_rule())
def test_every_rule_of_the_schema_can_be_read(rule: str) -> None:
    read(rule)


@pytest.mark.parametrize(
    ("rule", "value", "kept"),
    [
        ("self > 0 && 300 % self == 0", 10, True),
        ("self > 0 && 300 % self == 0", 0, False),
        ("!has(self.a) || self.a == 'x'", {}, True),
        ("has(self.a) ? self.a < 2.5 : true", {"a": 3}, False),
        ("self.filter(p, p.role == 'Split').size() == 1", [{"role": "Split"}], True),
        ("self.all(s, self.exists_one(t, t == s))", [1, 1], False),
        ("self.map(s, s.w).isSorted() && self[self.size() - 1].w == 100", [{"w": 100}], True),
        ("([has(self.a), has(self.b)] + [true]).filter(k, k).size() == 2", {"a": 1}, True),
        ("!(double(self.x) > 1.0) || self.y.matches('^a[.]b$')", {"x": "2", "y": "a.b"}, True),
        ("self.gone == 1 || true", {}, True),
    ],
)
def test_the_rules_mean_what_cel_means(rule: str, value: Any, kept: bool) -> None:
    assert evaluate(rule, value) is kept


@pytest.mark.parametrize("rule", ["self.foo(1)", "self ==", "url(self)", "self @ 1", "self self"])
def test_a_rule_beyond_what_is_spoken_is_refused(rule: str) -> None:
    with pytest.raises(CelError):
        read(rule)
