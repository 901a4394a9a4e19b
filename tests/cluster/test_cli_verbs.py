"""The verbs of people on the real API server: what they print, what it does, and who may.

One is a process of its own, to see what it loads, and one to be interrupted; the others are run
here, because starting Python twenty times would be most of the time. Roles: `examples/roles.yaml`.
"""

import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from goaround.__main__ import main
from goaround.api.kinds import KILL_SWITCHES, SIGN_OFFS
from goaround.api.reasons import Stage
from goaround.api.status import Split
from tests.cluster.operator_kit import ROOT, Process, Stack, free_ports, operator, process
from tests.cluster.operator_shop import Shop, a_feature, condition, eventually
from tests.cluster.sign_off_kit import bind, policies

pytestmark = pytest.mark.cluster

CHAT, ASKS, BETTER = "chat", "asks", "v42"
ANN, MIA, BOB = "ann", "mia", "bob"
SLOW: Final = [{"weightPercent": 10, "holdSeconds": 3600, "minSamples": 50}, {"weightPercent": 100}]
HEAVY: Final = ("numpy", "kopf", "kubernetes", "pydantic", "httpx", "asyncio", "aiohttp")


@dataclass(frozen=True, slots=True)
class Told:
    """What a command printed."""

    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Keyboard:
    """Somebody types commands in a namespace."""

    stack: Stack
    shop: Shop

    def argv(self, *words: str) -> list[str]:
        where = (f"-n={self.shop.namespace}", f"--kubeconfig={self.shop.plane.kubeconfig}")
        return [sys.executable, "-m", "goaround", *words, *where]

    def type(self, *words: str, code: int = 0) -> Told:
        """What was printed; fails with it where it ends with another code."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            ended = main(self.argv(*words)[3:])
        told = Told(out.getvalue(), err.getvalue())
        assert ended == code, told
        return told


@pytest.fixture(scope="module")
def keys(stack: Stack) -> Iterator[Keyboard]:
    """Two features that served v41 and fly v42: one slowly, one that asks people."""
    shop = stack.shop()
    with policies(stack.plane):
        people = {ANN: ["goaround-approver"], MIA: ["goaround-release-manager"]}
        bind(stack.plane, shop.namespace, people | {BOB: ["goaround-view"]})
        slow, asks = a_feature(CHAT), a_feature(ASKS, signOff={"mode": "BeforeFullTraffic"})
        slow["spec"]["ramp"]["steps"] = SLOW
        asks["spec"]["ramp"]["steps"] = [SLOW[0] | {"holdSeconds": 1}, SLOW[1]]
        shop.apply(slow, asks)
        for name in (CHAT, ASKS):
            shop.until_live(name)
            shop.ask_for(name, BETTER)
        shop.until_stage(CHAT, Stage.RAMPING)
        yield Keyboard(stack, shop)


def test_status_tells_all_features_and_loads_nothing_heavy(keys: Keyboard) -> None:
    argv = keys.argv("status")
    argv[1:1] = ["-X", "importtime"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["NAME", ASKS, CHAT]
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in
              done.stderr.splitlines() if line.startswith("import time:")}  # fmt: skip
    assert "goaround" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_a_page_tells_the_flight(keys: Keyboard) -> None:
    told = keys.type("status", CHAT).stdout
    assert told.startswith(f"{CHAT}  Ramping  stable 90 %  candidate 10 %")
    assert "errors" in told
    assert "[max 0.10]" in told
    assert json.loads(keys.type("status", CHAT, "-o", "json").stdout)["kind"] == "AIFeature"


def heeds_interrupts() -> None:
    """Tests that a script runs in the background inherit that an interrupt is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_hold_is_seen_by_a_watch_that_ends_at_an_interrupt(keys: Keyboard) -> None:
    with subprocess.Popen(
        keys.argv("status", CHAT, "-w"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=heeds_interrupts,
    ) as watch:
        assert watch.stdout is not None
        keys.type("hold", CHAT, "--reason", "the index is rebuilt")
        line = next(line for line in watch.stdout if line.strip().startswith("Suspended"))
        assert "the index is rebuilt" in line
        watch.send_signal(signal.SIGINT)
        watch.stdout.read()
    assert watch.returncode == 130
    keys.type("resume", CHAT)
    keys.shop.until(CHAT, lambda f: condition(f, "Suspended")[0] == "", "resumed")


def test_an_approval_lets_it_go_on_and_is_refused_to_who_may_not(keys: Keyboard) -> None:
    keys.shop.until(ASKS, lambda f: f.status.hold and "AwaitingSignOff" in f.status.hold, "asked")
    refused = keys.type("approve", ASKS, "--as", BOB, code=2)
    place = f"in namespace {keys.shop.namespace}"
    assert f"missing right: create on aisignoffs.goaround.dev {place}" in refused.stderr
    keys.type("approve", ASKS, "--as", ANN, "--dry-run")
    assert keys.shop.all(SIGN_OFFS) == []
    told = keys.type("approve", ASKS, "--as", ANN, "--comment", "40 cases").stdout
    assert "Approve chat-7b@2026-11-02 support@v42" in told
    (made,) = keys.shop.all(SIGN_OFFS)
    assert (made["spec"]["approver"], made["spec"]["comment"]) == (ANN, "40 cases")
    keys.shop.until_live(ASKS, BETTER)
    assert "asks nobody" in keys.type("approve", CHAT, code=2).stderr


def test_what_was_aborted_flies_again_by_a_retry_and_stands_in_history(keys: Keyboard) -> None:
    keys.type("abort", CHAT)
    keys.shop.until_stage(CHAT, Stage.REJECTED)
    assert "create on aisignoffs" in keys.type("retry", CHAT, "--as", BOB, code=2).stderr
    keys.type("retry", CHAT, "--as", MIA)
    keys.shop.until(CHAT, lambda f: f.status.candidate and f.status.candidate.attempt == 2, "again")
    keys.shop.until_stage(CHAT, Stage.RAMPING)
    eventually(lambda: "Aborted" in keys.type("history", CHAT).stdout, "the binder tells of it")


def test_doctor_finds_nothing_wrong_and_tells_what_one_may(keys: Keyboard) -> None:
    done = keys.type("doctor", "--operator-namespace", keys.stack.home)
    assert "is that of this version" in done.stdout
    assert "holds it, renewed" in done.stdout
    assert "policies and bindings are as they were shipped" in done.stdout


@pytest.fixture(scope="module")
def replica(keys: Keyboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A flag replica with a control port; its token lies beside its log."""
    folder = Path(tmp_path_factory.mktemp("replica"))
    (folder / "token").write_text("0123456789abcdef")
    grpc, http = free_ports("direct", 2)
    options = ("--host=127.0.0.1", f"--port={grpc}", f"--http-port={http}", "--control-port=0")
    token = f"--control-token-file={folder / 'token'}"
    with process(keys.shop.plane, folder / "log", http, "flags", *options, token) as made:
        made.until_ready()
        yield made


def test_a_direct_kill_works_without_the_operator_which_does_not_undo_it(
    keys: Keyboard, replica: Process
) -> None:
    shop, uid = keys.shop, keys.shop.feature(CHAT).metadata.uid
    direct = ("kill", CHAT, "--direct", "--reason", "answers in Latin", "--wait=0",
              f"--flag-replica={replica.url}",
              f"--control-token-file={replica.log.parent / 'token'}")  # fmt: skip
    keys.stack.operator.end()
    # who may not create a switch can still tell a replica, and is told that it will not last
    alone = keys.type(*direct, "--as", BOB, code=1).stdout
    assert "no kill switch" in alone
    assert "lowered on 1 of 1 flag replicas" in alone
    assert replica.get("/revisions").json()["revisions"][uid]["lowered"] is True
    assert "lowered on 1 of 1 flag replicas" in keys.type(*direct).stdout
    (switch,) = shop.all(KILL_SWITCHES)
    assert shop.feature(CHAT).status.stage is not Stage.KILLED
    (port,) = free_ports("verbs", 1)
    with operator(keys.stack, port) as again:
        keys.stack.operator = again
        killed = shop.until_stage(CHAT, Stage.KILLED)
        assert killed.status.split == Split(fallback=100)
        time.sleep(2)  # two of its passes
        assert shop.feature(CHAT).status.split == Split(fallback=100)
        assert "goaround revive" in keys.type("status", CHAT).stdout
        keys.type("revive", CHAT, "--as", ANN, code=2)
        assert switch["metadata"]["name"] in keys.type("revive", CHAT, "--as", MIA).stdout
        shop.until(CHAT, lambda f: f.status.stage is not Stage.KILLED, "back")
        shop.empty()
