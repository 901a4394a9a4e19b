"""What is killed stays killed, whatever pipelines, restores and restarts do: one way after another,
on one feature that a switch holds down, under one operator."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from goaround.api.base import Json
from goaround.api.kinds import FEATURES, INCIDENTS, KILL_SWITCHES, SIGN_OFFS
from goaround.api.reasons import Stage
from goaround.world.kube import path
from hack.controlplane import ControlPlane
from tests.cluster.operator_flags import flags, served
from tests.cluster.operator_kit import Stack, free_ports, operator, running
from tests.cluster.operator_shop import Shop, a_feature, digest, eventually

pytestmark = pytest.mark.cluster

CHAT, SWITCH, WORD = "chat", "stop", "again"
LABELS = {"app": "shop"}
LOOK_SECONDS = 1.0


@pytest.fixture(scope="module")
def stack(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(plane, Path(tmp_path_factory.mktemp("survives"))) as stack:
        yield stack


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Shop:
    """A feature that a switch has killed, and a sign-off that nobody asks for now."""
    shop = stack.shop()
    shop.apply(wanted())
    shop.until_live(CHAT)
    shop.create(KILL_SWITCHES, SWITCH, {"featureRef": {"name": CHAT}, "reason": "it swears"})
    shop.until_stage(CHAT, Stage.KILLED)
    word: Json = {"decision": "Retry", "digest": digest("v41"), "attempt": 1}
    shop.create(SIGN_OFFS, WORD, {"featureRef": {"name": CHAT}} | word)
    eventually(lambda: "latchedAt" in (shop.get(KILL_SWITCHES, SWITCH) or {})["status"], "latched")
    return shop


def wanted(version: str = "v41") -> Json:
    """What Git holds: of switches it knows nothing."""
    body = a_feature(CHAT, version)
    body["metadata"]["labels"] = LABELS
    return body


def self_heal(shop: Shop) -> None:
    shop.apply(wanted("v42"))
    shop.apply(wanted())


def forced_apply(shop: Shop) -> None:
    shop.kubectl(
        *("apply", "--server-side", "--force-conflicts", "--field-manager=argocd-controller"),
        *("--filename=-",),
        stdin=json.dumps(wanted("v42")),
    )


def replace(shop: Shop) -> None:
    """Everything that is not in the file goes: annotations, and fields that others set."""
    shop.kubectl("replace", "--filename=-", stdin=json.dumps(wanted()))


def in_a_loop(shop: Shop) -> None:
    """Pipelines that fight over it, one right after another."""
    for _ in range(3):
        self_heal(shop)
        forced_apply(shop)
        replace(shop)


def prune(shop: Shop) -> None:
    """Everything with the label that is not in the file is deleted, switches and sign-offs too."""
    allowed = [
        f"--prune-allowlist={kind.group}/{kind.version}/{kind.kind}"
        for kind in (FEATURES, KILL_SWITCHES, SIGN_OFFS)
    ]
    selector = "--selector=" + ",".join(f"{k}={v}" for k, v in LABELS.items())
    shop.kubectl(
        *("apply", "--prune", selector, *allowed, "--filename=-"), stdin=json.dumps(wanted())
    )


def restore(shop: Shop) -> None:
    """The feature comes back from a backup that holds no status; the switch was never gone."""
    shop.delete(FEATURES, CHAT)
    shop.apply(wanted())
    shop.until_stage(CHAT, Stage.KILLED)


def stays_killed(shop: Shop, stack: Stack) -> None:
    """For a while, nobody gets anything but the fallback: by status, and by the flag."""
    until = time.monotonic() + LOOK_SECONDS
    while time.monotonic() < until:
        status = shop.feature(CHAT).status
        assert (status.stage, status.split.fallback) == (Stage.KILLED, 100)
        time.sleep(0.1)
    found = flags(stack, f"{shop.namespace}/{CHAT}")
    assert served(found, f"{CHAT}.release", user="ann")["enabled"] is False
    assert shop.get(KILL_SWITCHES, SWITCH) is not None
    assert shop.get(SIGN_OFFS, WORD) is not None


@pytest.mark.parametrize("act", [self_heal, forced_apply, replace, in_a_loop, prune, restore])
def test_what_is_killed_stays_so_through(
    act: Callable[[Shop], None], shop: Shop, stack: Stack
) -> None:
    act(shop)
    stays_killed(shop, stack)


def test_another_operator_process_keeps_down_what_is_killed(shop: Shop, stack: Stack) -> None:
    stack.operator.end()
    (port,) = free_ports("survives", 1)
    with operator(stack, port):
        shop.apply(wanted("v42"))
        shop.until(CHAT, lambda f: f.status.observed_generation == f.metadata.generation, "seen")
        stays_killed(shop, stack)
        assert {i["spec"]["trigger"]["source"] for i in shop.all(INCIDENTS)} == {"Kill"}
        assert shop.api.delete(path(KILL_SWITCHES, shop.namespace, SWITCH)).is_success
        shop.empty()
