"""`goaround kill` stops first and asks later; `revive` says what else keeps a feature down."""

import json

import pytest

from goaround.api.base import Json
from goaround.api.kinds import FEATURES, KILL_SWITCHES, AIFeature
from goaround.api.status import ALL_FALLBACK, ALL_STABLE
from goaround.cli import kill
from goaround.cli.command import FAILED, OK, REFUSED, CommandError
from goaround.cli.kill_direct import wanted_of
from goaround.world.kube import Refused
from tests.unit.cli.flown_kit import OLD, RELEASE, desk_with, ramping
from tests.unit.cli.people_kit import Desk

WHY = ("--reason", "answers in Latin", "--wait", "0")


def switches(desk: Desk) -> list[Json]:
    return desk.store.list(KILL_SWITCHES, "shop", None)


def test_a_kill_is_a_switch_with_a_name_that_a_repeat_has_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    desk = Desk().feature()
    assert kill.kill_main(["chat", *WHY], desk.ask) == OK
    assert kill.kill_main(["chat", *WHY], desk.ask) == OK
    (found,) = switches(desk)
    assert found["metadata"]["name"].startswith("stop-chat-")
    assert (found["spec"]["featureRef"], found["spec"]["reason"]) == ({"name": "chat"}, WHY[1])
    told = capsys.readouterr().out
    assert "created" in told
    assert "was there before" in told
    assert "flag replicas obey the switch without it" in told


def test_a_recorded_kill_is_told_in_the_operators_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    desk = Desk().feature()
    kill.kill_main(["chat", *WHY], desk.ask)
    status: Json = {
        "observedGeneration": 1,
        "latchedAt": "2026-11-21T10:00:00Z",
        "message": "killed: chat",
    }
    found = switches(desk)[0]["metadata"]
    version = {"metadata": {"resourceVersion": found["resourceVersion"]}, "status": status}
    desk.store.patch(KILL_SWITCHES, "shop", found["name"], patch=version, status=True, author="o")
    kill.kill_main(["chat", *WHY], desk.ask)
    assert "killed: chat (recorded 2026-11-21T10:00:00Z)" in capsys.readouterr().out


def test_a_kill_of_nobody_says_so_loudly(capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk()
    assert kill.kill_main(["chta", *WHY], desk.ask) == REFUSED
    assert "there is no AIFeature chta" in capsys.readouterr().err


def test_a_drill_says_that_it_is_one() -> None:
    desk = Desk().feature()
    assert kill.kill_main(["chat", *WHY, "--drill", "--seconds", "60"], desk.ask) == OK
    spec = switches(desk)[0]["spec"]
    assert (spec["drill"], spec["durationSeconds"]) == (True, 60)


def test_a_drill_that_is_over_is_not_taken_for_a_new_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    desk = Desk().feature()
    kill.kill_main(["chat", *WHY, "--drill"], desk.ask)
    found = switches(desk)[0]["metadata"]
    version: Json = {"resourceVersion": found["resourceVersion"]}
    patch = {
        "metadata": version,
        "status": {"observedGeneration": 1, "endedAt": "2026-11-21T10:00:00Z"},
    }
    desk.store.patch(KILL_SWITCHES, "shop", found["name"], patch=patch, status=True, author="o")
    assert kill.kill_main(["chat", *WHY, "--drill"], desk.ask) == FAILED
    assert "stops nobody any more" in capsys.readouterr().err


def test_a_dry_run_prints_the_switch(capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk().feature()
    assert kill.kill_main(["chat", *WHY, "--dry-run", "-o", "json"], desk.ask) == OK
    assert json.loads(capsys.readouterr().out)["kind"] == "AIKillSwitch"
    assert switches(desk) == []


def test_revive_deletes_the_switches_of_the_feature_and_no_other() -> None:
    desk = Desk().feature().feature("search")
    kill.kill_main(["chat", *WHY], desk.ask)
    kill.kill_main(["search", *WHY], desk.ask)
    assert kill.revive_main(["chat"], desk.ask) == OK
    assert [s["spec"]["featureRef"]["name"] for s in switches(desk)] == ["search"]


def test_revive_says_what_else_keeps_it_down(capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk().feature(killSwitch={"engaged": True, "reason": "audit"})
    labels: Json = {"metadata": {"labels": {"tier": "gold"}}}
    desk.store.patch(FEATURES, "shop", "chat", patch=labels, status=False, author="p")
    spec = {"selector": {"matchLabels": {"tier": "gold"}}, "reason": "all"}
    body: Json = {"apiVersion": KILL_SWITCHES.api_version, "kind": KILL_SWITCHES.kind}
    desk.store.create(
        KILL_SWITCHES, "shop", body | {"metadata": {"name": "gold"}, "spec": spec}, "p"
    )
    assert kill.revive_main(["chat"], desk.ask) == REFUSED
    told = capsys.readouterr().out
    assert "aikillswitch gold stops all with" in told
    assert "spec.killSwitch.engaged is true" in told
    assert len(switches(desk)) == 1


class Guarded(Desk):
    """Who asks here may not revive."""

    async def delete(self, *_: object) -> None:
        raise Refused("ana may not bring back what this switch keeps down")


def test_what_the_api_server_refuses_is_told_in_its_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    desk = Guarded().feature()
    kill.kill_main(["chat", *WHY], desk.ask)
    assert kill.revive_main(["chat"], desk.ask) == REFUSED
    assert "ana may not bring back" in capsys.readouterr().err


def test_a_program_is_told_of_a_kill_of_nobody_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert kill.kill_main(["chta", *WHY, "-o", "json"], Desk().feature().ask) == REFUSED
    told = capsys.readouterr()
    assert json.loads(told.out)["kind"] == "AIKillSwitch"
    assert "did you mean chat?" in told.err


@pytest.mark.parametrize(
    ("words", "says"),
    [((), "--flag-replica URL"), (("--drill",), "--direct is no drill")],
)
def test_a_direct_kill_says_what_it_needs_and_makes_nothing_before(
    words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Desk().feature()
    assert kill.kill_main(["chat", *WHY, "--direct", *words], desk.ask) == FAILED
    assert says in capsys.readouterr().err
    assert switches(desk) == []


def test_a_direct_kill_takes_everybody_off_what_flies_or_is_live() -> None:
    flown = AIFeature.model_validate(desk_with(ramping()).store.get(FEATURES, "shop", "chat"))
    wanted = wanted_of(flown)
    assert (wanted.digest, wanted.attempt, wanted.split) == (RELEASE, 2, ALL_FALLBACK)
    live = flown.but(status=flown.status.but(split=ALL_STABLE))
    assert (wanted_of(live).digest, wanted_of(live).attempt) == (OLD, 0)
    nothing = live.but(status=live.status.but(last_known_good=None))
    with pytest.raises(CommandError, match="the fallback serves everybody already"):
        wanted_of(nothing)
