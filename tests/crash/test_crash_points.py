"""A deterministic sample of the crash points, on every run of the tests; all: `make crash`."""

from itertools import groupby

import pytest

from tests.crash.faults import CALL_FAULTS, Fault
from tests.crash.forks import play_together
from tests.crash.points import CrashPoint, all_points, points_of, sample, undisturbed
from tests.crash.scenarios import SCENARIOS

SAMPLE = 240
pytestmark = pytest.mark.crash
every_scenario = pytest.mark.parametrize("name", [s.name for s in SCENARIOS])


def by_scenario() -> dict[str, list[CrashPoint]]:
    chosen = sorted(sample(SAMPLE), key=lambda p: (p.scenario, p.injections[0].at))
    return {name: list(some) for name, some in groupby(chosen, lambda p: p.scenario)}


@every_scenario
def test_a_scenario_ends_as_its_script_says_when_nothing_goes_wrong(name: str) -> None:
    assert undisturbed(name).calls


@every_scenario
def test_whatever_goes_wrong_at_one_call_the_end_is_the_same(name: str) -> None:
    points = by_scenario().get(name, [])
    results = play_together(points).results if points else []
    assert not {str(point): told for point, told in results if told}


def test_every_call_of_every_scenario_is_a_point_with_every_fault_it_can_have() -> None:
    for scenario in SCENARIOS:
        points = {p.injections for p in points_of(scenario.name)}
        played = {(i.at, i.fault) for some in points if len(some) == 1 for i in some}
        for at, call in enumerate(undisturbed(scenario.name).calls, 1):
            faults = {fault for where, fault in played if where == at}
            of_writes = {Fault.CONFLICT, Fault.CRASH_AFTER}
            expected = set(CALL_FAULTS) - (set() if call.writes else of_writes)
            assert faults >= expected - ({Fault.CONFLICT} if call.verb == "delete" else set())


def test_the_sample_is_the_same_every_time() -> None:
    assert sample(20) == sample(20)
    assert set(sample(20)) <= set(all_points())
