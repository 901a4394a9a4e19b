"""Alerts: each fires and is quiet where it should, asks for metrics that exist, and has a page."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.controlplane import ToolMissing, resolve
from tests.charts import CHART, ROOT, rendered
from tests.cluster.conftest import give_up
from tests.unit.chart.test_what_the_chart_is_made_of import exported

ALERTS = CHART / "files" / "alerts.yaml"
TESTS = Path(__file__).parent / "alerts_test.yaml"
RUNBOOKS = ROOT / "docs" / "runbooks"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
]
NAMES = [rule["alert"] for rule in RULES]
NAMED = {
    "performance-degradation": ("Checks", "Usual causes", "Resolution"),
    "pipeline-failure": ("Upstream checks", "Fallback"),
    "emergency-rollback": ("Verification", "Communication"),
    "emergency-retraining": ("Data shortcuts", "Expedited tests"),
}
each_alert = pytest.mark.parametrize("rule", RULES, ids=NAMES)


def promtool(*arguments: str, cwd: Path) -> None:
    try:
        tool = resolve("promtool")
    except ToolMissing as error:
        give_up(str(error))
        return
    done = subprocess.run(
        [str(tool), *arguments], cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_fires_and_is_quiet_as_its_test_says(tmp_path: Path) -> None:
    for path in (ALERTS, TESTS):
        shutil.copy(path, tmp_path)
    promtool("check", "rules", "--lint-fatal", "alerts.yaml", cwd=tmp_path)
    promtool("test", "rules", "alerts_test.yaml", cwd=tmp_path)


def test_every_alert_is_tested_firing_and_quiet() -> None:
    shown: dict[str, set[bool]] = {}
    for group in yaml.safe_load(TESTS.read_text())["tests"]:
        for case in group["alert_rule_test"]:
            shown.setdefault(case["alertname"], set()).add(bool(case["exp_alerts"]))
    assert shown == {name: {True, False} for name in NAMES}


@each_alert
def test_an_alert_asks_for_metrics_that_are_exported(rule: dict[str, Any]) -> None:
    asked = set(re.findall(r"goaround_\w+", rule["expr"]))
    assert asked
    assert asked - exported() == set()


def test_the_series_of_the_tests_are_ones_that_are_exported() -> None:
    assert set(re.findall(r"goaround_\w+", TESTS.read_text())) - exported() == set()


@each_alert
def test_an_alert_says_how_urgent_it_is_and_where_its_page_is(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket", "notify"}
    told = rule["annotations"]
    assert told.keys() == {"summary", "description", "runbook_url"}
    assert told["runbook_url"] == f"{rule['alert']}.md"


@each_alert
def test_the_page_of_an_alert_says_what_to_check_and_to_do(rule: dict[str, Any]) -> None:
    page = (RUNBOOKS / rule["annotations"]["runbook_url"]).read_text(encoding="utf-8")
    assert page.startswith(f"# {rule['alert']}\n")
    for heading in ("What it means", "Check", "Do", "Over when"):
        assert f"\n## {heading}\n" in page


@pytest.mark.parametrize("name", NAMED)
def test_the_four_named_runbooks_have_their_parts(name: str) -> None:
    page = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")
    assert [h for h in NAMED[name] if f"\n## {h}\n" not in page] == []


def test_names_are_unique_and_every_runbook_belongs_to_something() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == {*NAMES, *NAMED}


@pytest.mark.parametrize("page", [*RUNBOOKS.glob("*.md"), *(ROOT / "docs").glob("[ads]*.md")],
                         ids=lambda path: path.stem)  # fmt: skip
def test_links_on_a_page_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_page_about_alerts_lists_all_of_them() -> None:
    listed = re.findall(r"^\| \[(\w+)\]\(runbooks/", (ROOT / "docs/alerts.md").read_text(), re.M)
    assert listed == NAMES


@pytest.mark.usefixtures("helm_is_there")
def test_the_chart_puts_the_place_of_the_runbooks_in_front_of_their_names() -> None:
    made = rendered("prometheusRule.enabled=true", "prometheusRule.runbooks=wiki/")
    groups = made.one("PrometheusRule")["spec"]["groups"]
    found = [rule["annotations"]["runbook_url"] for group in groups for rule in group["rules"]]
    assert found == [f"wiki/{name}.md" for name in NAMES]
