"""The flag process against the real API server and CRDs, with real providers as apps.

No operator runs: the tests write status as it would.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext

from hack.controlplane import ControlPlane, apply_crds

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0
NUMBERS = count(1)
AT = "2026-11-21T10:00:00Z"
GOOD, FLYING = "sha256:" + "a" * 64, "sha256:" + "b" * 64

FEATURE = """
apiVersion: goaround.dev/v1alpha1
kind: AIFeature
metadata: {name: %(name)s, namespace: %(namespace)s, labels: {tier: gold}}
spec:
  release: {model: {name: chat-7b, version: "2"}}
  delivery: [{name: app, role: Split, flag: {bucketBy: Session}}]
  fallback: {type: LegacyLogic}
  acceptance:
    scope: English support questions
    signals:
    - name: errors
      ratio: {bad: 'a{$match,result="error"}', total: 'a{$match}'}
      max: "0.02"
    - name: refusals
      ratio: {bad: 'a{$match,result="refusal"}', total: 'a{$match}'}
      max: "0.02"
"""

SWITCH = """
apiVersion: goaround.dev/v1alpha1
kind: AIKillSwitch
metadata: {name: %(name)s, namespace: %(namespace)s}
spec: {featureRef: {name: chat}, reason: wrong answers}
"""


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.01)


@dataclass(frozen=True)
class Flags:
    """A running flag process."""

    process: subprocess.Popen[str]
    grpc: int
    http: int

    def get(self, path: str) -> tuple[int, str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}") as answer:
            return answer.status, answer.read().decode()


@contextmanager
def flag_process(plane: ControlPlane, *more: str) -> Iterator[Flags]:
    argv = [sys.executable, "-m", "goaround", "flags", "--host=127.0.0.1", "--port=0"]
    argv += ["--http-port=0", f"--kubeconfig={plane.kubeconfig}", "--replica-id=test", *more]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ports = json.loads(process.stdout.readline())
        yield Flags(process, ports["grpc"], ports["http"])
    finally:
        process.terminate()
        try:
            process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def flags(plane: ControlPlane) -> Iterator[Flags]:
    apply_crds(plane, sorted((ROOT / "crds").glob("goaround.dev_*.yaml")))
    with flag_process(plane) as running:
        yield running


@dataclass(frozen=True)
class Shop:
    """A namespace of its own with one feature, `chat`."""

    plane: ControlPlane
    namespace: str

    def kubectl(self, *args: str, stdin: str | None = None) -> str:
        return self.plane.kubectl(f"--namespace={self.namespace}", *args, stdin=stdin).stdout

    def apply(self, template: str, name: str) -> None:
        text = template % {"name": name, "namespace": self.namespace}
        self.kubectl("apply", "--filename=-", stdin=text)

    def write_status(self, kind: str, name: str, status: Json) -> None:
        patch = json.dumps({"status": status})
        self.kubectl(
            "patch", kind, name, "--subresource=status", "--type=merge", f"--patch={patch}"
        )

    def decide(self, split: tuple[int, int, int], **more: object) -> None:
        shares = dict(zip(("stable", "candidate", "fallback"), split, strict=True))
        self.write_status("aifeature", "chat", {"split": shares} | more)

    def uid(self) -> str:
        return self.kubectl("get", "aifeature", "chat", "--output=jsonpath={.metadata.uid}")


@pytest.fixture
def shop(plane: ControlPlane, flags: Flags) -> Iterator[Shop]:
    """The feature serves v41 to all, at revision 100."""
    here = Shop(plane, f"flags-{next(NUMBERS)}")
    plane.kubectl("create", "namespace", here.namespace)
    here.apply(FEATURE, "chat")
    here.decide((100, 0, 0), stage="Live", revision=100, lastKnownGood=known(GOOD, "1"))
    yield here
    here.kubectl("delete", "aikillswitch,aifeature", "--all")


def known(digest: str, version: str) -> Json:
    release = {"model": {"name": "chat-7b", "version": version}}
    return {"digest": digest, "release": release, "since": AT}


def in_flight() -> Json:
    plan = {"planDigest": "sha256:" + "c" * 64, "attempt": 1, "deadlineAt": AT}
    return known(FLYING, "2") | plan


@contextmanager
def app(flags: Flags, selector: str) -> Iterator[Callable[[str | None], str | None]]:
    """An app on the stream; gives the variant of a user."""
    domain = f"{selector}/{next(NUMBERS)}"
    provider = FlagdProvider(
        host="127.0.0.1",
        port=flags.grpc,
        tls=False,
        resolver_type=ResolverType.IN_PROCESS,
        selector=selector,
        deadline_ms=10_000,
        stream_deadline_ms=0,
        retry_backoff_ms=100,
        retry_backoff_max_ms=200,
    )
    api.set_provider_and_wait(provider, domain=domain)
    client: OpenFeatureClient = api.get_client(domain=domain)

    def variant(key: str | None) -> str | None:
        context = EvaluationContext(targeting_key=key)
        got = client.get_object_details("chat.release", {}, context)
        return got.variant or (got.error_code.value if got.error_code else None)

    try:
        yield variant
    finally:
        provider.shutdown()


def test_an_app_follows_the_status_that_the_operator_writes(flags: Flags, shop: Shop) -> None:
    with app(flags, f"{shop.namespace}/chat") as variant:
        eventually(lambda: variant("user-1") == "stable")
        shop.decide((0, 100, 0), stage="Ramping", revision=101, candidate=in_flight())
        eventually(lambda: variant("user-1") == "candidate")
        assert variant(None) == "stable"
        shop.decide((100, 0, 0), stage="RolledBack", revision=102)
        eventually(lambda: variant("user-1") == "stable")


def test_a_feature_without_a_decision_has_no_flag(flags: Flags, shop: Shop) -> None:
    shop.kubectl("delete", "aifeature", "chat")
    shop.apply(FEATURE, "chat")
    with app(flags, f"{shop.namespace}/chat") as variant:
        assert variant("user-1") == "FLAG_NOT_FOUND"
        shop.decide((100, 0, 0), stage="Live", revision=1, lastKnownGood=known(GOOD, "1"))
        eventually(lambda: variant("user-1") == "stable")


def test_a_kill_switch_serves_the_fallback_before_any_operator_acted(
    flags: Flags, shop: Shop
) -> None:
    with app(flags, f"{shop.namespace}/chat") as variant:
        shop.apply(SWITCH, "stop")
        eventually(lambda: variant("user-1") == "fallback")
        assert variant(None) == "fallback"


def test_a_deleted_switch_holds_until_the_operator_decides_anew(flags: Flags, shop: Shop) -> None:
    with app(flags, f"{shop.namespace}/chat") as variant:
        shop.apply(SWITCH, "stop")
        eventually(lambda: variant("user-1") == "fallback")
        shop.write_status("aikillswitch", "stop", {"latchedAt": AT, "latchedRevision": 101})
        shop.kubectl("delete", "aikillswitch", "stop")
        shop.decide((100, 0, 0), revision=101)
        eventually(lambda: streamed(flags, shop.uid())["revision"] == 101)
        assert variant("user-1") == "fallback"
        shop.decide((100, 0, 0), revision=102)
        eventually(lambda: variant("user-1") == "stable")


def test_a_deleted_feature_leaves_apps_on_their_code_default(flags: Flags, shop: Shop) -> None:
    with app(flags, f"{shop.namespace}/chat") as variant:
        shop.kubectl("delete", "aifeature", "chat")
        eventually(lambda: variant("user-1") == "FLAG_NOT_FOUND")


def test_flags_are_served_while_the_api_server_is_paused(flags: Flags, shop: Shop) -> None:
    server = shop.plane.pids["kube-apiserver"]
    eventually(lambda: shop.uid() in flags.get("/revisions")[1])
    os.kill(server, signal.SIGSTOP)
    try:
        with app(flags, f"{shop.namespace}/chat") as variant:
            assert variant("user-1") == "stable"
            assert flags.get("/readyz")[0] == 200
    finally:
        os.kill(server, signal.SIGCONT)
    with app(flags, f"{shop.namespace}/chat") as variant:
        shop.apply(SWITCH, "stop")
        eventually(lambda: variant("user-1") == "fallback")


def test_revisions_tell_what_each_feature_streams(flags: Flags, shop: Shop) -> None:
    with app(flags, f"{shop.namespace}/chat"), app(flags, shop.namespace):
        eventually(lambda: streamed(flags, shop.uid()) == {"revision": 100, "streams": 2})


def test_a_replica_of_one_namespace_serves_only_that(plane: ControlPlane, shop: Shop) -> None:
    with flag_process(plane, f"--namespace={shop.namespace}") as one:
        with app(one, f"{shop.namespace}/chat") as variant:
            assert variant("user-1") == "stable"
        assert list(json.loads(one.get("/revisions")[1])["revisions"]) == [shop.uid()]


def test_a_replica_that_is_told_to_stop_ends_in_order(plane: ControlPlane, shop: Shop) -> None:
    with flag_process(plane) as one, app(one, f"{shop.namespace}/chat"):
        one.process.terminate()
        assert one.process.wait(PATIENCE) == 0


def streamed(flags: Flags, uid: str) -> Json:
    found: Json = json.loads(flags.get("/revisions")[1])["revisions"].get(uid, {"revision": -1})
    return found
