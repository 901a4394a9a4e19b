"""One incident from the kill to its end, by nothing but the plugin, on the real API server."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from goaround.__main__ import main
from goaround.api.kinds import CONFIG_MAPS, INCIDENTS, AIIncident
from goaround.api.reasons import Stage
from goaround.cli.command import REFUSED
from tests.cluster.operator_kit import Stack
from tests.cluster.operator_shop import Shop, a_feature, eventually

pytestmark = pytest.mark.cluster

CHAT = "chat"


@dataclass(frozen=True, slots=True)
class OnCall:
    """The person, who has a keyboard and nothing else."""

    shop: Shop
    capsys: pytest.CaptureFixture[str]

    @property
    def where(self) -> tuple[str, str]:
        return f"--namespace={self.shop.namespace}", f"--kubeconfig={self.shop.plane.kubeconfig}"

    def types(self, *words: str) -> str:
        """What the command printed; it must succeed."""
        self.capsys.readouterr()
        code = main([*words, *self.where])
        out, err = self.capsys.readouterr()
        assert code == 0, f"{words}: {out}{err}"
        with self.capsys.disabled():
            if os.environ.get("GOAROUND_SHOW"):
                print(f"\n$ kubectl goaround {' '.join(words)}\n{out}{err}")
        return out

    def may_not(self, *words: str) -> str:
        """What the API server says against it."""
        assert main([*words, *self.where]) == REFUSED
        return self.capsys.readouterr().err

    def asks_kubectl(self, *words: str) -> str:
        """The same as a plugin, which kubectl finds on the PATH."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        argv = [str(self.shop.plane.binaries["kubectl"]), "goaround", *words, *self.where]
        found = os.environ | {"PATH": path}
        done = subprocess.run(
            argv, env=found, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def says(self, verb: str, name: str, *words: str) -> str:
        return self.types("incident", *verb.split(), name, *words)

    def incident(self) -> AIIncident:
        (body,) = self.shop.all(INCIDENTS)
        return AIIncident.model_validate(body)

    def until(self, phase: str) -> AIIncident:
        eventually(lambda: self.incident().status.phase == phase, f"incident {phase}")
        return self.incident()


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Shop:
    shop = stack.shop()
    shop.apply(a_feature(CHAT))
    shop.until_live(CHAT)
    return shop


@pytest.fixture
def person(shop: Shop, capsys: pytest.CaptureFixture[str]) -> OnCall:
    return OnCall(shop, capsys)


def test_a_kill_serves_the_fallback_and_opens_an_incident(person: OnCall) -> None:
    refused = person.may_not("kill", CHAT, "--reason=why", "--as=nobody")
    assert 'User "nobody" cannot create resource "aikillswitches"' in refused
    assert person.shop.feature(CHAT).status.stage is Stage.LIVE
    told = person.types("kill", CHAT, "--reason", "answers in Latin")
    assert "killed: chat" in told
    killed = person.shop.until_stage(CHAT, Stage.KILLED)
    assert killed.status.split.fallback == 100
    assert "fallback 100 %" in person.asks_kubectl("status", CHAT)
    eventually(lambda: person.shop.all(INCIDENTS), "an incident")
    person.until("Contained")
    name = person.incident().metadata.name
    assert name in person.types("incident", "list", "--open")
    assert "WORSE?" in person.types("incident", "show", name)


def test_it_is_judged_repaired_and_over(person: OnCall) -> None:
    name = person.incident().metadata.name
    say = person.says
    people = ("--commander=ana", "--comms=li", "--tech=tom", "--responder=tom:Senior")
    assert "commander: not set -> ana" in say("assign", name, *people)
    say("classify", name, "--outcome=Emergency", "--scope=AllUsers", "--kind=Logic")
    say("impact", name, "--business=1 in 12 chats is unusable", "--users=all of them")
    say("impact", name, "--data=None", "--facing=yes")
    say("check", name, "deployment", "Cause", "--note=the prompt of yesterday")
    say("rca", name, "--bin=CodePrompt", "--detail=BrittleInstructions", "--line=no language named")
    say(
        "fix", name, "--type=PromptUpdate", "--line=the prompt names the language", "--fixed-at=now"
    )
    say("guardrail", name, "--type=Test", "--ref=golden case latin", "--added-at=now")
    say("recover", name)
    assert "deleted" in person.types("revive", CHAT)
    person.shop.until_live(CHAT)
    say("resolve", name)
    assert person.until("Resolved").status.milestones.resolved_at is not None


def test_the_note_and_the_report_tell_of_it(person: OnCall) -> None:
    name = person.incident().metadata.name
    page = person.says("page", name)
    assert "CodePrompt / BrittleInstructions: no language named" in page
    stored = person.shop.get(CONFIG_MAPS, f"{name}-note")
    assert stored is not None
    assert "no language named" in stored["data"]["note.md"]
    (line,) = person.types("incident", "report", "-o", "jsonl").splitlines()
    assert json.loads(line)["cause"] == "CodePrompt/BrittleInstructions"


QUESTIONS = {
    "productionDistribution": "yes, on last week's chats",
    "pipelineAssumptions": "yes",
    "promptsTested": "versioned, but not in other languages",
    "retrievalMonitored": "yes",
    "killSwitch": "there, and used",
}


def test_it_is_reviewed_and_closed(person: OnCall) -> None:
    name = person.incident().metadata.name
    words = ["--gap=six minutes: no monitor of the language", "--cause=the prompt names none"]
    words += ["--findings=languages are not tested", "--response=timely", "--contributing=haste"]
    words += ["--reviewer=ana", "--reviewer=tom", "--held=now", "--next=30d"]
    words += [f"--question={key}={said}" for key, said in QUESTIONS.items()]
    person.says("review", name, *words)
    item = ("--owner=tom", "--due=2031-01-01", "--priority=High")
    watch = ("--title=alert on language", "--kind=Monitoring", "--prevents=Class")
    person.says("action add", name, "watch", *watch, *item)
    test = ("--title=golden case latin", "--kind=Test", "--prevents=Instance")
    person.says("action add", name, "case", *test, *item)
    person.says("action done", name, "case")
    assert "requestedPhase: Resolved -> Closed" in person.says("close", name)
    (body,) = person.shop.all(INCIDENTS)
    assert "kubectl-goaround" in [f["manager"] for f in body["metadata"]["managedFields"]]
    closed = person.until("Closed")
    assert closed.status.milestones.closed_at is not None
    assert person.types("incident", "list", "--open") == "no incident is open\n"
