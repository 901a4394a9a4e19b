"""`goaround lint` refuses what the API server or the operator would; `init` writes what passes."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from goaround.__main__ import main
from goaround.api.base import Json
from goaround.cli import init, lint
from goaround.cli.command import FAILED, OK, REFUSED
from goaround.runtime.signal_rules import faults
from tests.unit.cli.kit import a_manifest, a_signal

ROOT = Path(__file__).resolve().parents[3]


def signals() -> lint.SignalFaults:
    return lint.SignalFaults(lambda signal: faults(signal, None))


def linted(tmp_path: Path, *bodies: Json, words: tuple[str, ...] = ()) -> int:
    path = tmp_path / "f.yaml"
    path.write_text(yaml.safe_dump_all(bodies))
    return lint.main([str(path), *words], signals)


def messages(body: Json, level: str = "wrong") -> list[str]:
    return [f.message for f in lint.findings("f", body, signals()) if f.level == level]


def a_switch(**more: Any) -> Json:
    return {
        "apiVersion": "goaround.dev/v1alpha1",
        "kind": "AIKillSwitch",
        "metadata": {"name": "stop"},
        "spec": {"featureRef": {"name": "chat"}, "reason": "why"} | more,
    }


def test_a_good_manifest_has_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert linted(tmp_path, a_manifest()) == OK
    assert capsys.readouterr().out == "1 objects: 0 faults, 0 warnings\n"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (a_manifest(rmap={}), "spec.rmap: no such field"),
        (a_manifest(ramp={"steps": [{"weightPercent": 40}]}), "must end with everybody"),
        (a_manifest(ramp={"intervalSeconds": 0}), "intervalSeconds"),
        (a_manifest(a_signal("errors", max="2")), "signals"),
        (a_manifest(name="x" * 51), "may have at most 50 characters"),
        (a_manifest() | {"apiVersion": "goaround.dev/v9"}, "it must be goaround.dev/v1alpha1"),
        (a_manifest() | {"kind": "AIFeatur"}, "there is no such kind"),
        (a_manifest() | {"metadata": {}}, "metadata.name is missing"),
        (a_switch(reasn="x"), "spec.reasn: no such field"),
        (
            a_manifest(a_signal("a", max="0.1"), {"name": "b", "preset": "nonsense"}),
            "spec.acceptance.signals[b].preset: 'nonsense' is not known",
        ),
        (
            a_manifest(
                a_signal("a", max="0.1"),
                {"name": "b", "max": "0.1", "ratio": {"bad": "a_total", "total": "b_total"}},
            ),
            "has no $match",
        ),
    ],
)
def test_what_would_be_refused_is_told(body: Json, says: str) -> None:
    assert any(says in told for told in messages(body)), messages(body)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (a_manifest(mode="Observe"), "mode Observe moves nothing"),
        (a_manifest(suspend=True), "suspend is true"),
        (a_manifest(killSwitch={"engaged": True}), "killSwitch.engaged"),
        (a_manifest(ramp={"steps": [{"weightPercent": 100}]}), "one step"),
        (a_manifest(ramp={"steps": [{"weightPercent": 50}, {"weightPercent": 100}]}), "50 %"),
        (a_manifest(ramp={"intervalSeconds": 300}), "found that much later"),
        (a_manifest(ramp={"deadlineSeconds": 3600}), "no release can land"),
        (
            a_manifest(a_signal("errors", max="0.6"), a_signal("b", max="0.1")),
            "half of all answers",
        ),
        (
            a_manifest(release={"model": {"name": "m", "version": "main"}}),
            "a word that moves",
        ),
        (a_switch(), "keep it out of Git"),
    ],
)
def test_what_people_regret_is_a_warning(body: Json, says: str) -> None:
    assert any(says in told for told in messages(body, "warning")), messages(body)


def test_a_warning_is_a_fault_only_if_that_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert linted(tmp_path, a_switch()) == OK
    assert linted(tmp_path, a_switch(), words=("--strict",)) == REFUSED
    assert "0 faults, 1 warning" in capsys.readouterr().out


def test_objects_of_others_are_nobodys_fault() -> None:
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    assert lint.findings("f", other, signals()) == []


def test_a_program_gets_every_finding_with_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert linted(tmp_path, a_manifest(rmap={}), words=("-o", "json")) == REFUSED
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["object"], found["level"]) == ("AIFeature chat", "wrong")


@pytest.mark.parametrize("text", ["a: [", "- 1\n"])
def test_a_file_that_is_no_manifest_cannot_be_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "f.yaml").write_text(text)
    assert lint.main([str(tmp_path / "f.yaml")], signals) == FAILED
    assert lint.main([str(tmp_path / "gone.yaml")], signals) == FAILED


def test_the_examples_of_this_repository_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert lint.main([str(ROOT / "examples" / "features"), "-o", "json"], signals) == OK


@pytest.mark.parametrize("kind", list(init.KINDS))
def test_what_init_writes_passes_lint_without_a_warning(kind: str) -> None:
    text = init.text("my-feature", kind, "shop", ["refusals"])
    body = yaml.safe_load(text)
    assert body["metadata"] == {"name": "my-feature", "namespace": "shop"}
    assert body["spec"]["acceptance"]["signals"][-1] == {"name": "refusals", "preset": "refusals"}
    assert lint.findings("f", body, signals()) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("Chat",), "is no name"),
        (("chat", "--preset", "nope"), "there is no preset nope"),
        (("chat", "--preset", "vllm-ttft"), "there is no preset vllm-ttft"),
    ],
)
def test_init_says_what_it_cannot_write(
    words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", *words]) == FAILED
    assert says in capsys.readouterr().err


def test_init_and_lint_are_reached_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "chat"]) == OK
    path = tmp_path / "chat.yaml"
    path.write_text(capsys.readouterr().out)
    assert main(["lint", str(tmp_path), "--strict"]) == OK
