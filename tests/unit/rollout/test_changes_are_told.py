"""What else changed is told, and moves nobody."""

from dataclasses import replace

from goaround.api.changes import ChangesStatus
from goaround.api.conditions import find
from goaround.api.reasons import ConditionType, Reason
from goaround.rollout.decide import decide
from goaround.rollout.observed import Changes, Observed
from goaround.rollout.planned import Plan
from tests.unit.rollout.flights import halfway
from tests.unit.rollout.world import World

SAID = ChangesStatus(last_day=2, last="Deployment app: image of app 1 -> 2", ledger="chat-changes")


def observed(world: World, changes: Changes | None) -> Observed:
    spec = world.feature.spec
    objects = spec.watch.model_validate({"objects": [{"kind": "Deployment", "name": "app"}]})
    feature = world.feature.but(spec=spec.but(watch=objects), status=world.status)
    return replace(world.observed(), feature=feature, changes=changes)


def plan(world: World, changes: Changes | None) -> Plan:
    return decide(observed(world, changes), world.now)


def test_status_says_how_much_changed_and_what_last() -> None:
    world = halfway()
    after = plan(world, Changes(SAID)).status
    said = find(after.conditions, ConditionType.CHANGES_WATCHED)
    assert after.changes == SAID
    assert said is not None
    assert (said.status, said.message) == ("True", "2 changes in 24 h, told in status.changes")


def test_a_change_of_something_else_moves_nobody() -> None:
    world = halfway()
    without, with_it = plan(world, None).status, plan(world, Changes(SAID)).status
    assert (with_it.split, with_it.stage, with_it.hold) == (
        without.split,
        without.stage,
        without.hold,
    )


def test_what_cannot_be_read_is_told_and_what_is_known_stays() -> None:
    world = halfway()
    world.status = plan(world, Changes(SAID)).status
    after = plan(world, Changes(None, ("Deployment app may not be read", "and that"))).status
    said = find(after.conditions, ConditionType.CHANGES_WATCHED)
    assert after.changes == SAID
    assert said is not None
    assert (said.status, said.reason) == ("False", Reason.OBJECT_UNREADABLE)
    assert said.message == "Deployment app may not be read; and 1 more"


def test_without_watched_objects_status_says_nothing() -> None:
    world = halfway()
    world.status = plan(world, Changes(SAID)).status
    after = decide(world.observed(), world.now).status
    assert after.changes is None
    assert find(after.conditions, ConditionType.CHANGES_WATCHED) is None
