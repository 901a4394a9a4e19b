"""History, version, completion, and failures of the API server in words."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from goaround.__main__ import PEOPLE, main
from goaround.api import names
from goaround.api.base import Json
from goaround.api.kinds import (
    CRDS,
    RECORDS,
    Kind,
)
from goaround.cli import completion, history, session, status, version
from goaround.cli.command import FAILED, OK, REFUSED, CommandError, Refusal
from goaround.cli.connection import Where
from goaround.world.kube import (
    Api,
    Body,
    KubeError,
    NotFound,
    NotServed,
    Refused,
    Unauthenticated,
    Unavailable,
)
from tests.unit.cli.flown_kit import AT, OLD, PLAN, RELEASE, came_down, desk_with, known, ramping
from tests.unit.cli.people_kit import Desk

T = TypeVar("T")

FORBIDDEN = (
    'aifeatures.goaround.dev "chat" is forbidden: User "bob" cannot patch resource "aifeatures" in '
    'API group "goaround.dev" in the namespace "shop"'
)


class Failing(Desk):
    """An API server that answers everything so."""

    def __init__(self, error: KubeError) -> None:
        super().__init__()
        self.error = error

    async def list(
        self, kind: Kind, *, namespace: str | None = None, label: str | None = None
    ) -> list[Body]:
        raise self.error

    async def get(self, kind: Kind, namespace: str, name: str) -> Body:
        raise self.error


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (Unauthenticated("401"), REFUSED, "log in again"),
        (Refused(FORBIDDEN), REFUSED, "missing right: patch on aifeatures.goaround.dev"),
        (Refused("another rule"), REFUSED, "the API server refuses it: another rule"),
        (NotServed("404"), FAILED, "does not know GoAround's kinds"),
        (NotFound("x"), FAILED, "there is no AIFeature chat"),
        (Unavailable("no route"), FAILED, "is it reachable from here"),
    ],
)
def test_every_failure_says_what_to_do(
    error: KubeError, code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status.main(["chat"], Failing(error).ask) == code
    assert says.lower() in capsys.readouterr().err.lower()


def test_a_missing_right_comes_with_the_question_to_ask(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status.main(["chat"], Failing(Refused(FORBIDDEN)).ask)
    told = capsys.readouterr().err
    assert "in namespace shop for bob" in told
    assert "kubectl auth can-i patch aifeatures.goaround.dev -n shop" in told


def test_no_kubeconfig_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    async def nothing(api: Api, namespace: str) -> None:
        raise AssertionError

    with pytest.raises(CommandError, match="no way into a cluster"):
        session.run(Where(), nothing)


def test_a_command_that_waits_for_no_answer_is_a_mistake_of_ours() -> None:
    class Forever:
        def __await__(self) -> Any:
            yield

    async def waits() -> None:
        await Forever()

    with pytest.raises(RuntimeError, match="that is not an answer"):
        session.driven(waits())


def test_an_interrupt_leaves_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(argv: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("goaround.cli.version.main", interrupted)
    assert main(["version"]) == 130


# -- history -------------------------------------------------------------------------------------


def flown(desk: Desk) -> Desk:
    """A release that landed, and one that came down."""
    segment: Json = {
        "number": 2,
        "endedAt": AT,
        "outcome": "RolledBack",
        "releaseDigest": RELEASE,
        "attempt": 1,
        "release": known(RELEASE, "v42")["release"],
        "latch": {"message": "errors 9% > 2%", "incident": "chat-1"},
    }
    landed = {
        "number": 1,
        "endedAt": AT,
        "outcome": "Live",
        "releaseDigest": OLD,
        "attempt": 1,
        "release": known(OLD, "v41")["release"],
        "signals": ["Good errors"],
    }
    for data in (landed, segment):
        labels = {names.EVIDENCE_LABEL: "1"}
        record(desk, f"chat-evidence-{data['number']}", data, labels=labels, marks={})
    marks = {names.QUARANTINED: "1", names.ATTEMPTS: "1", names.OUTCOME: "Signal"}
    record(desk, "chat-aaaaaaaaaaaa", known(RELEASE, "v42"), labels={}, marks=marks)
    flew = {names.TOOK_OFF_AT: AT}
    record(desk, "chat-cccccccccccc", known(OLD, "v41"), labels={}, marks=flew)
    return desk


def record(desk: Desk, name: str, data: Json, *, labels: Json, marks: Json) -> None:
    meta = {
        "name": name,
        "labels": {names.FEATURE_LABEL: "chat"} | labels,
        "annotations": marks,
    }
    body: Json = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": meta}
    desk.store.create(RECORDS, "shop", body | {"data": data, "revision": 1}, "operator")


def test_history_tells_flights_newest_first_and_what_became_of_releases(
    capsys: pytest.CaptureFixture[str],
) -> None:
    desk = flown(desk_with(ramping()))
    assert history.main(["chat"], desk.ask) == OK
    flights, releases = capsys.readouterr().out.split("\n\n")
    _, now, down, landed = flights.splitlines()
    assert now.split()[:2] == ["now", "Holding"]
    assert "RolledBack" in down
    assert "errors 9% > 2% (incident chat-1)" in down
    assert "accepted: Good errors" in landed
    assert "aaaaaaaaaaaa" in releases
    assert "quarantined" in releases
    assert "last known good" in releases


def test_history_outlives_the_feature(capsys: pytest.CaptureFixture[str]) -> None:
    assert history.main(["chat", "-o", "json"], flown(Desk()).ask) == OK
    told = json.loads(capsys.readouterr().out)
    assert [f["outcome"] for f in told["flights"]] == ["RolledBack", "Live"]
    assert history.main(["nobody"], Desk().ask) == FAILED


# -- version, completion -------------------------------------------------------------------------


def test_version_tells_the_client_even_where_no_cluster_answers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert version.main(["-o", "json"], Failing(Unavailable("gone")).ask) == OK
    told = json.loads(capsys.readouterr().out)
    assert told["client"]
    assert "gone" in told["unknown"]


def test_version_tells_what_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk()
    body = {"metadata": {"name": "aifeatures.goaround.dev"}}
    desk.store.create(CRDS, "", body, "helm")
    assert version.main(["-o", "json"], desk.ask) == OK
    told = json.loads(capsys.readouterr().out)
    assert "not labelled" in told["crds"]
    assert "no Deployment" in told["operator"]


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["ki"], ["kill", ":4"]),
        (["kill", ""], ["chat", "search", ":4"]),
        (["-n", "shop", "kill", "se"], ["search", ":4"]),
        (["freeze", ""], ["check", ":4"]),
        (["completion", "f"], ["fish", ":4"]),
        (["incident", "cl"], ["classify", "close", ":4"]),
        (["incident", "open", "c"], ["chat", ":4"]),
        (["status", "-o", ""], ["json", "yaml", ":4"]),
        (["lint", ""], [":0"]),
        (["kill", "nobody"], [":0"]),
    ],
)
def test_completion_offers_verbs_and_names(words: list[str], answer: list[str]) -> None:
    desk = Desk().feature().feature("search")
    assert completion.answer(words, desk.ask).split("\n") == answer


def test_completion_is_silent_where_no_cluster_answers() -> None:
    assert completion.answer(["kill", ""], Failing(Unavailable("x")).ask) == ":0"


def test_every_command_can_be_completed_and_has_a_help(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert set(completion.VERBS) == {*PEOPLE, "operator", "flags"}
    for shell in completion.SCRIPTS:
        assert main(["completion", shell]) == OK
        assert "kubectl_complete-goaround" in capsys.readouterr().out


def test_a_refusal_is_no_failure_of_ours() -> None:
    async def do(api: Api, namespace: str) -> None:
        raise Refused(PLAN)

    def ask(work: Callable[[Api, str], Awaitable[T]]) -> T:
        return Desk().ask(Where(), work)

    with pytest.raises(Refusal, match="refuses it"):
        ask(do)


def test_what_came_down_is_known_to_history(capsys: pytest.CaptureFixture[str]) -> None:
    assert history.main(["chat"], flown(desk_with(came_down())).ask) == OK
    assert not capsys.readouterr().out.splitlines()[1].startswith("now")
