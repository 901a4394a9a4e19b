"""While a P3 is open what is live is read at the interval of the ramp (R174)."""

import pytest

from goaround.api.incident import RequestedPhase
from goaround.api.kinds import AIIncident
from goaround.rollout.tightened import closely
from tests.unit.rollout.build import NOW
from tests.unit.rollout.flights import live
from tests.unit.rollout.incidents import by_hand

FEATURE = live().feature
P3 = by_hand("small", NOW)


def test_an_open_p3_shortens_the_interval_of_live() -> None:
    assert FEATURE.spec.watch.interval_seconds == 60
    assert closely(FEATURE, [P3]).spec.watch.interval_seconds == 10


@pytest.mark.parametrize(
    "other",
    [
        by_hand("grave", NOW, severity="P2"),
        by_hand("sign", NOW, severity="P4"),
        by_hand("over", NOW, requestedPhase=RequestedPhase.RESOLVED),
        by_hand("drill", NOW, trigger={"source": "Drill", "key": "k"}, drill="Tabletop"),
    ],
    ids=lambda one: one.metadata.name,
)
def test_no_other_incident_does(other: AIIncident) -> None:
    assert closely(FEATURE, [other]) is FEATURE


def test_a_live_interval_that_is_shorter_already_stays() -> None:
    watch = FEATURE.spec.watch.but(interval_seconds=5)
    quick = FEATURE.but(spec=FEATURE.spec.but(watch=watch))
    assert closely(quick, [P3]) is quick
