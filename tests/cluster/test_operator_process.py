"""The operator as a process: probes, logs, signals, restarts, and faults of the command line."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from goaround.api.kinds import FEATURES, AIFeature
from goaround.api.reasons import Stage
from hack.controlplane import ControlPlane
from tests.cluster.operator_kit import ROOT, Stack, free_ports, operator
from tests.cluster.operator_shop import Shop, a_feature, eventually

pytestmark = pytest.mark.cluster

CHAT = "chat"
CLIMB = ("RolloutStarted", "StepStarted", "CruiseStarted")
STEPS = [
    {"weightPercent": 10, "holdSeconds": 6, "minSamples": 50},
    {"weightPercent": 100},
]


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Shop:
    """One feature that serves v41 and has a long first step."""
    shop = stack.shop()
    plan = a_feature(CHAT)
    plan["spec"]["ramp"]["steps"] = STEPS
    shop.apply(plan)
    shop.until_live(CHAT)
    return shop


def series(stack: Stack, namespace: str) -> set[str]:
    """Names of the operator's metrics that speak of a namespace."""
    families = text_string_to_metric_families(stack.operator.get("/metrics").text)
    return {s.name for f in families for s in f.samples if s.labels.get("namespace") == namespace}


def test_the_probes_answer(stack: Stack) -> None:
    for probe in ("/livez", "/readyz"):
        assert stack.operator.get(probe).status_code == 200
    assert "goaround_build_info" in stack.operator.get("/metrics").text


def test_the_series_of_a_deleted_feature_go(stack: Stack) -> None:
    shop = stack.shop()
    shop.apply(a_feature("brief"))
    shop.until("brief", lambda f: f.status.stage is not None, "taken up")
    eventually(
        lambda: (
            {"goaround_feature_stage", "goaround_transitions_total"}
            <= series(stack, shop.namespace)
        ),
        "series of the feature",
    )
    shop.delete(FEATURES, "brief")
    eventually(lambda: not series(stack, shop.namespace), "no series of the feature")


def test_sigterm_in_mid_ramp_ends_in_order(stack: Stack, shop: Shop) -> None:
    shop.ask_for(CHAT, "v42")
    shop.until(CHAT, lambda f: is_ramping(f) and f.status.evidence, "evidence in status")
    assert stack.operator.end() == 0


def is_ramping(feature: AIFeature) -> bool:
    return feature.status.stage is Stage.RAMPING


def test_other_processes_fly_on_from_where_status_stands_however_the_last_one_ended(
    stack: Stack, shop: Shop
) -> None:
    (port,) = free_ports("another operator", 1)
    left = shop.feature(CHAT)
    with operator(stack, port) as stack.operator:
        shop.until(CHAT, lambda f: f.status.evidence != left.status.evidence, "evidence goes on")
        stack.operator.child.send_signal(signal.SIGKILL)
        stack.operator.child.wait()
    with operator(stack, port) as stack.operator:
        live = shop.until_live(CHAT, "v42")
        starts = [t.at for t in live.status.history if t.reason == "StepStarted"]
        assert left.status.step is not None
        assert starts == [left.status.step.since]
        told = shop.told(CHAT, last="Promoted")
        assert told == ["Adopted", "Promoted", *CLIMB, "Promoted"]


def test_every_line_of_the_log_is_json_and_tells_changes_with_their_feature(
    stack: Stack, shop: Shop
) -> None:
    lines = stack.operator.lines()
    assert {"at", "level", "logger", "message"} <= set.intersection(*(set(x) for x in lines))
    told = [x for x in lines if x.get("feature") == f"{shop.namespace}/{CHAT}"]
    assert "Promoted" in {x["reason"] for x in told}
    assert not [x for x in lines if "exception" in x]


def test_a_faulty_administrators_file_ends_it_with_one_sentence(
    plane: ControlPlane, tmp_path: Path
) -> None:
    config = tmp_path / "operator.yaml"
    config.write_text("provider: []")
    argv = [sys.executable, "-m", "goaround", "operator", f"--config={config}"]
    argv += [f"--kubeconfig={plane.kubeconfig}"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "provider: Extra inputs are not permitted" in done.stderr
    assert "Traceback" not in done.stderr
