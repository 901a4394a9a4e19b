"""A kill switch is latched, and may be deleted, once every feature it matches says killed by it."""

from goaround.api.kinds import AIFeature
from goaround.api.status import AIFeatureStatus
from goaround.rollout.kills import latched
from tests.unit.rollout.build import NAME, NOW, a_feature, a_spec, a_switch
from tests.unit.rollout.flights import ramping

TEAM = {"team": "support"}


def killed_by(*switches: str, name: str = NAME, revision: int = 7) -> AIFeature:
    world = ramping()
    for switch in switches:
        world.kill(switch)
    world.wait(1)
    return a_feature(world.spec, world.status.but(revision=revision), name=name, labels=TEAM)


def running(name: str = NAME) -> AIFeature:
    return a_feature(a_spec(), ramping().status, name=name, labels=TEAM)


def test_it_waits_for_the_feature_it_names() -> None:
    status = latched(a_switch(), [running()], NOW)
    assert (status.latched_at, status.latched_revision) == (None, None)
    assert status.message == f"waits for {NAME} to be recorded as killed"


def test_it_is_latched_when_that_feature_is_recorded() -> None:
    status = latched(a_switch(), [killed_by("stop")], NOW)
    assert (status.latched_at, status.latched_revision) == (NOW, 7)
    assert status.message == f"killed: {NAME}"


def test_a_kill_by_another_switch_is_not_its_own() -> None:
    assert latched(a_switch("second"), [killed_by("stop")], NOW).latched_at is None


def test_it_waits_for_the_last_of_several() -> None:
    switch = a_switch(feature=None, labels=TEAM)
    one, other = killed_by("stop", name="one"), killed_by("stop", name="other", revision=9)
    assert latched(switch, [one, running("other")], NOW).latched_at is None
    status = latched(switch, [one, other], NOW)
    assert (status.latched_at, status.latched_revision) == (NOW, 9)


def test_features_it_does_not_match_are_not_waited_for() -> None:
    switch = a_switch(feature=None, labels={"team": "search"})
    status = latched(switch, [running()], NOW)
    assert status.latched_at == NOW
    assert status.message == "no feature of this namespace matches: nothing is killed by it now"


def test_a_switch_that_matches_nothing_is_latched_at_once() -> None:
    assert latched(a_switch(), [], NOW).latched_revision == 0


def test_it_is_latched_once_and_for_ever() -> None:
    switch = a_switch()
    status = latched(switch, [killed_by("stop")], NOW)
    again = latched(switch.but(status=status), [running()], ramping().now)
    assert again == status


def test_a_vanished_feature_is_not_waited_for() -> None:
    switch = a_switch(feature=None, labels=TEAM)
    assert latched(switch, [killed_by("stop")], NOW).latched_at == NOW


def observing(name: str = NAME, status: AIFeatureStatus | None = None) -> AIFeature:
    spec = a_spec(mode="Observe")
    return a_feature(spec, status or ramping().status, name=name, labels=TEAM)


def test_a_feature_in_mode_observe_is_not_waited_for_so_that_the_switch_can_be_deleted() -> None:
    status = latched(a_switch(), [observing()], NOW)
    assert (status.latched_at, status.latched_revision) == (NOW, 0)
    assert status.message == f"mode Observe, not killed: {NAME}"


def test_beside_one_in_mode_observe_the_others_are_waited_for() -> None:
    switch = a_switch(feature=None, labels=TEAM)
    assert latched(switch, [observing("one"), running("other")], NOW).latched_at is None
    status = latched(switch, [observing("one"), killed_by("stop", name="other")], NOW)
    assert (status.latched_at, status.latched_revision) == (NOW, 7)
    assert status.message == "killed: other; mode Observe, not killed: one"


def test_what_was_killed_before_it_went_to_mode_observe_is_waited_for() -> None:
    killed = killed_by("stop").status
    assert latched(a_switch("second"), [observing(status=killed)], NOW).latched_at is None
    assert latched(a_switch("stop"), [observing(status=killed)], NOW).latched_at == NOW
