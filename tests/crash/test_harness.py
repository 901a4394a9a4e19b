"""The eyes of the harness: the same run twice is the same, and an injected bug is seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import takewhile

import pytest

from goaround.api.digest import release_digest
from goaround.api.feature import Release
from goaround.api.kinds import EVENTS
from tests.crash import points
from tests.crash.faults import Fault, Injection
from tests.crash.forks import heritage, play_together
from tests.crash.mutants import MUTANTS
from tests.crash.normal import differences, normal_form
from tests.crash.points import Broken, CrashPoint, beginning, play, points_of, undisturbed
from tests.crash.scenarios import BY_NAME
from tests.crash.vocabulary import digest, release
from tests.crash.world import World

pytestmark = pytest.mark.crash
LOST_BY_ALL = (Injection(1, Fault.LOST),)
"""What people ask for, as the first thing of that scenario."""


def test_two_runs_of_one_point_are_the_same_to_the_last_byte() -> None:
    hit = (Injection(12, Fault.CRASH_AFTER),)
    scenario = BY_NAME["rollback-first-step"]
    one, other = (World(scenario, beginning(scenario.name), hit).run() for _ in range(2))
    assert one.image == other.image
    assert one.calls == other.calls


def test_points_played_together_say_what_they_say_alone() -> None:
    chosen = [p for p in points_of("rollback-first-step") if p.group == Fault.CONFLICT][:6]
    assert play_together(chosen).results == [(p, play(p)) for p in chosen]


def test_crashes_that_leave_the_same_behind_have_the_same_future_to_the_last_byte() -> None:
    scenario = BY_NAME["rollback-first-step"]
    futures: dict[str, list[str]] = {}
    for point in crashes_at(range(6, 12)):
        left: list[str] = []
        world = World(
            scenario,
            beginning(scenario.name),
            point.injections,
            reborn=partial(heard, left),
        )
        run = world.run()
        told = f"{run.image}{run.watchman.course}{run.watchman.violations}{run.faults}"
        futures.setdefault(left[0], []).append(told)
    assert any(len(some) > 1 for some in futures.values())
    assert all(len(set(some)) == 1 for some in futures.values())


def test_a_future_is_played_once_and_all_that_share_it_say_what_they_say_alone() -> None:
    chosen = crashes_at(range(20, 26))
    played = play_together(chosen)
    assert played.shared > 0
    assert played.results == [(p, play(p)) for p in chosen]


def test_the_normal_form_is_blind_to_times_and_sees_a_lost_event() -> None:
    scenario = BY_NAME["adopted"]
    late = (Injection(1, Fault.TIMEOUT),)
    one = World(scenario, None).run().store
    other = World(scenario, None, late).run().store
    assert one.image() != other.image()
    assert list(differences(normal_form(one), normal_form(other))) == []
    event = other.list(EVENTS, None, None)[0]["metadata"]
    other.delete(EVENTS, event["namespace"], event["name"], "a thief")
    assert list(differences(normal_form(one), normal_form(other)))


def test_a_crash_is_followed_by_a_process_that_knows_nothing() -> None:
    run = World(BY_NAME["adopted"], None, (Injection(9, Fault.CRASH_BEFORE),)).run()
    after = run.calls[9:]
    asked = takewhile(lambda call: not call.writes, after)
    assert "list aifeatures" in map(str, asked)


def test_scripts_call_a_release_by_the_digest_that_the_operator_gives_it() -> None:
    assert digest("v2") == release_digest(Release.model_validate(release("v2")))


@pytest.mark.parametrize("name", MUTANTS)
def test_a_bug_that_is_put_in_on_purpose_is_found(name: str) -> None:
    """Already in the undisturbed run, or by a crash after one of its writes."""
    with MUTANTS[name](), forgotten():
        try:
            found = any(play(p) for p in crashes_after_writes())
        except Broken:
            found = True
    assert found


def test_without_that_bug_the_same_points_are_silent() -> None:
    assert [told for _, told in play_together(crashes_after_writes()).results if told] == []


def heard(left: list[str], world: World) -> None:
    left.append(heritage(world))


def crashes_at(calls: range) -> list[CrashPoint]:
    """Crashes of a rollback, before and after these calls."""
    crashes = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER)
    points = points_of("rollback-first-step")
    return [p for p in points if p.group in crashes and p.injections[0].at in calls]


def crashes_after_writes() -> list[CrashPoint]:
    name = "rollback-first-step"
    calls = undisturbed(name).calls
    crashes = [p for p in points_of(name) if p.group == Fault.CRASH_AFTER]
    return [p for p in crashes if calls[p.injections[0].at - 1].writes]


def test_an_event_heard_twice_says_what_it_says_alone() -> None:
    doubled = [p for p in points_of("rollback-first-step") if p.group == Fault.DOUBLED][8:14]
    played = play_together(doubled)
    assert played.shared > 0
    assert played.results == [(p, play(p)) for p in doubled]


@pytest.mark.parametrize("at", [4, 7, 9, 12])
def test_an_event_that_nobody_missed_is_followed_by_the_undisturbed_run(at: int) -> None:
    name, noticed = "rollback-first-step", list[bool]()
    hit = (Injection(at, Fault.LOST),)
    world = World(BY_NAME[name], beginning(name), hit, unmoved=lambda: noticed.append(True))
    run, right = world.run(), undisturbed(name)
    assert noticed
    assert run.store.image() == right.store.image()
    assert run.watchman.course == right.watchman.course


def test_an_event_that_was_missed_is_played_to_its_end() -> None:
    (people,) = (p for p in points_of("rollback-first-step") if p.injections == LOST_BY_ALL)
    assert play_together([people]).shared == 0


@contextmanager
def forgotten() -> Iterator[None]:
    """The undisturbed run depends on the code, and the code is another one meanwhile."""
    kept = (points.beginning, points.undisturbed, points.right)
    for one in kept:
        one.cache_clear()
    try:
        yield
    finally:
        for one in kept:
            one.cache_clear()
