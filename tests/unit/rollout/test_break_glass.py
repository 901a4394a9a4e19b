"""Breaking the glass lets one release through one freeze, and nothing else."""

from goaround.api import names
from goaround.api.conditions import find
from goaround.api.reasons import ConditionType, EventReason, Stage
from tests.unit.rollout.build import DIGEST_C, A, B, C
from tests.unit.rollout.flights import live, ramping
from tests.unit.rollout.incidents import asks, by_hand
from tests.unit.rollout.world import World, bad


def frozen(world: World, *incidents: str) -> World:
    for name in incidents or ("grave",):
        world.troubles[name] = by_hand(name, world.now, severity="P1")
    return world


def breaks(world: World, words: str = "grave: payments are down") -> World:
    world.annotations[names.BREAK_GLASS] = words
    return world.wait(1).wait(1)


def waiting() -> World:
    """C is asked for under a freeze, and held."""
    world = frozen(live()).wants(C).wait(5)
    assert world.weight == 0
    return world


def test_the_release_that_is_held_flies_and_status_and_an_event_say_so() -> None:
    world = breaks(waiting())
    assert world.weight == 10
    glass = world.status.break_glass
    assert glass is not None
    assert (glass.incident, glass.digest) == ("grave", DIGEST_C)
    assert any(t.reason == EventReason.GLASS_BROKEN for t in world.events.values())
    said = world.condition(ConditionType.CHANGE_FROZEN)
    assert said is not None
    assert (said.status, said.reason) == ("True", "GlassBroken")


def test_another_release_waits_behind_the_same_broken_glass() -> None:
    assert breaks(waiting()).wants(B).wait(5).weight == 0


def test_it_passes_the_named_incident_only() -> None:
    world = frozen(live(), "grave", "another").wants(C).wait(5)
    assert breaks(world).weight == 0


def test_words_that_name_no_open_incident_or_no_reason_let_nothing_through() -> None:
    for words in ("grave", "grave:", "nobody: why", "", "   "):
        world = breaks(waiting(), words)
        assert world.weight == 0
        assert sum(t.reason == EventReason.GLASS_KEPT for t in world.status.history) == 1
        assert world.plan().status.history == world.status.history


def test_the_glass_is_whole_again_when_the_annotation_goes() -> None:
    world = breaks(waiting())
    del world.annotations[names.BREAK_GLASS]
    world.wait(1)
    assert (world.status.break_glass, world.stage) == (None, Stage.HOLDING)


def test_it_passes_no_kill_no_quarantine_and_no_containment() -> None:
    assert breaks(waiting().kill()).stage is Stage.KILLED
    assert asks(breaks(waiting()), "Rollback").wait(1).weight == 0
    assert breaks(waiting()).wait(1, bad).stage is Stage.ROLLED_BACK
    harmed = ramping().wait(1, bad)
    harmed.troubles["grave"] = by_hand("grave", harmed.now, severity="P1")
    assert breaks(harmed).weight == 0


def test_the_feature_says_by_which_incident_it_is_frozen_and_what_is_next() -> None:
    said = find(waiting().status.conditions, ConditionType.CHANGE_FROZEN)
    assert said is not None
    assert said.message.startswith("AIIncident grave is open: new releases are held;")
    assert "Next: AIIncident grave: set spec.requestedPhase to Recovering" in said.message
    assert find(live().wants(A).wait(1).status.conditions, ConditionType.CHANGE_FROZEN) is None
