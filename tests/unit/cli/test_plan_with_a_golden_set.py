"""The flight plan says what a golden set is, and the rules between its fields are told offline."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from goaround.__main__ import main
from goaround.api.base import Json
from goaround.evidence.golden_text import SMOKE_GATE

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "golden-set.yaml"


def planned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], **preflight: Any
) -> tuple[int, str]:
    _, feature = yaml.safe_load_all(EXAMPLE.read_text(encoding="utf-8"))
    feature = copy.deepcopy(feature)
    known: Json = feature["spec"]["preflight"] | preflight
    feature["spec"]["preflight"] = {k: v for k, v in known.items() if v is not None}
    path = tmp_path / "feature.yaml"
    path.write_text(yaml.safe_dump(feature))
    code = main(["plan", "-f", str(path), "--rps", "100", "--stable-rate", "0.001"])
    told = capsys.readouterr()
    return code, " ".join((told.out + told.err).split())


def test_the_plan_says_that_a_golden_set_is_a_smoke_gate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, told = planned(tmp_path, capsys)
    assert SMOKE_GATE in told


def test_a_plan_without_one_does_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert SMOKE_GATE not in planned(tmp_path, capsys, goldenSet=None)[1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"goldenSet": None, "contracts": None}, "preflight checks nothing"),
        ({"endpoint": None}, "a goldenSet needs an endpoint"),
        ({"endpoint": {}}, "set exactly one"),
        ({"endpoint": {"endpointRef": "a", "service": {"name": "a", "port": 1}}}, "exactly one"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Json, said: str
) -> None:
    code, told = planned(tmp_path, capsys, **change)
    assert code != 0
    assert said in told
