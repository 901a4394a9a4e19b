"""The example golden set against the demo app, through the real flag plane: the prompt that breaks
the schema never meets a user, the good one does."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx
import pytest
import yaml

from goaround.api.base import Json
from goaround.api.reasons import Stage
from tests.cluster.operator_kit import ROOT, Stack, free_ports
from tests.cluster.operator_shop import Shop, acceptance, eventually

pytestmark = pytest.mark.cluster

CHAT: Final = "support-chat"
EXAMPLE: Final = ROOT / "examples" / "golden-set.yaml"
SECONDS: Final = 300


def example() -> tuple[Json, Json]:
    """The ConfigMap and the feature."""
    golden, feature = yaml.safe_load_all(EXAMPLE.read_text(encoding="utf-8"))
    return golden, feature


@contextmanager
def demo_app(stack: Stack, namespace: str) -> Iterator[str]:
    """The demo app as a process of its own; its url."""
    (port,) = free_ports("golden", 1)
    where = (f"--port={port}", f"--namespace={namespace}", f"--feature={CHAT}")
    source = (f"--flag-port={stack.flag_port}", f"--seconds={SECONDS}")
    argv = [sys.executable, "-m", "examples.demo.app", *where, *source]
    with (stack.logs / "demo.log").open("ab") as out:
        child = subprocess.Popen(argv, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert child.poll() is None, (stack.logs / "demo.log").read_text()[-2000:]
        try:
            return httpx.get(f"{url}/healthz", trust_env=False, timeout=2).is_success
        except httpx.HTTPError:
            return False

    try:
        eventually(answers, "the demo app", 60)
        yield url
    finally:
        child.terminate()
        child.wait(20)


@pytest.fixture
def shop(stack: Stack) -> Iterator[Shop]:
    """The example's feature, Live, in front of the demo app."""
    made = stack.shop()
    with demo_app(stack, made.namespace) as url:
        golden, feature = example()
        for body in (golden, feature):
            del body["metadata"]["namespace"]
        made.kubectl("apply", "--filename=-", stdin=json.dumps(golden))
        spec = feature["spec"]
        spec["preflight"]["endpoint"] = {"endpointRef": "golden"}
        for contract in spec["preflight"]["contracts"]:
            contract["endpoint"] = {"endpointRef": "golden"}
        quick = [{"weightPercent": w, "holdSeconds": 2, "minSamples": 50} for w in (10, 50, 100)]
        spec["ramp"] = {"intervalSeconds": 1, "steps": quick, "cruiseSeconds": 2}
        spec["acceptance"] = acceptance()
        made.apply(feature)
        made.until(CHAT, lambda f: f.status.stage is Stage.LIVE, "Live", 60)
        assert url
        yield made


def ask_for(shop: Shop, prompt: str) -> None:
    release = {**example()[1]["spec"]["release"], "prompt": {"name": "support", "version": prompt}}
    assert shop.patch(CHAT, {"spec": {"release": release}}).is_success


def test_the_example_is_taken_as_it_stands(stack: Stack) -> None:
    shop = stack.shop()
    for body in example():
        del body["metadata"]["namespace"]
        shop.kubectl("apply", "--dry-run=server", "--filename=-", stdin=json.dumps(body))


def test_the_demo_rejects_its_bad_prompt_and_flies_its_good_one(shop: Shop) -> None:
    ask_for(shop, "v43-bad")
    feature = shop.until_stage(CHAT, Stage.REJECTED, 90)
    known = feature.status.preflight
    assert known is not None
    assert {"quoted", "quoted-german", "privacy"} <= set(known.regressions)
    assert feature.status.split.stable == 100
    ask_for(shop, "v43")
    feature = shop.until(CHAT, lambda f: f.status.split.candidate == 10, "10 %", 90)
    known = feature.status.preflight
    assert known is not None
    assert (known.verdict, known.passed, known.total) == ("Passed", 50, 50)
