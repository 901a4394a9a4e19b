"""Every call of a pre-flight is a crash point: the release is rejected once, and no pin is left."""

import os
import random
from functools import cache

import pytest

from tests.crash.faults import CALL_FAULTS, Fault, Injection, possible
from tests.crash.golden import REJECTS, GoldenWorld
from tests.crash.judge import Reference, alone, reference, verdict
from tests.crash.points import undisturbed
from tests.crash.world import Image, Run

pytestmark = pytest.mark.crash

SAMPLED = 12


@cache
def start() -> Image:
    return undisturbed("adopted").image


def flown(*injections: Injection) -> tuple[Run, list[str]]:
    world = GoldenWorld(REJECTS, start(), injections)
    return world.run(), world.left_behind()


@cache
def right() -> Reference:
    run, left = flown()
    assert [*alone(run), *left] == []
    return reference(run)


def points() -> list[Injection]:
    """Every call with every fault that can happen to it, and a second controller."""
    found = []
    for at, call in enumerate(right().calls, 1):
        found += [Injection(at, fault) for fault in CALL_FAULTS if possible(fault, call)]
        found += [Injection(at, Fault.TWIN)] if call.writes else []
    return found


def test_a_regression_is_rejected_without_any_user() -> None:
    kinds = {call.kind for call in right().calls}
    assert {"secrets", "configmaps"} <= kinds
    assert {split for point in right().course for split in [point.split[1]]} == {0}


def test_no_fault_leaves_a_pin_or_a_second_incident() -> None:
    """All points with GOAROUND_CRASH_ALL; else the same few every time."""
    some = points()
    if "GOAROUND_CRASH_ALL" not in os.environ:
        some = random.Random(20261121).sample(some, SAMPLED)
    broken = {}
    for injection in some:
        run, left = flown(injection)
        if told := [*verdict(run, right(), (injection,)), *left]:
            broken[str(injection)] = told
    assert broken == {}
