"""The scenarios whose every call is a crash point.

Each is a short script for people and for the world; what must come out is what comes out when
nothing goes wrong. Scenarios say nothing of faults, so that other harnesses can play them too. One
that begins where another ends plays none of its calls again: that end is the same, whatever went
wrong on the way, and is proven to be.
"""

from typing import Final

from goaround.api.kinds import CONFIG_MAPS, FEATURES, KILL_SWITCHES
from goaround.api.reasons import Stage
from tests.crash.script import FEATURE, Act, Change, Ending, Remove, Resolve, Scenario, WipeStatus
from tests.crash.vocabulary import (
    BAD,
    BAD_UNDER_LOAD,
    FROM_HALF,
    SCHEMA,
    SWITCH,
    abort,
    always,
    approve,
    asked_and_contained,
    asks,
    at,
    bad,
    commander,
    contained,
    contained_and_frozen,
    digest,
    drill,
    drill_over,
    feature,
    flying,
    frozen,
    gone,
    killed_but_unlatched,
    latched,
    latched_and_contained,
    note,
    noted,
    people_asked,
    retry,
    schema,
    stalled,
    switch,
    weighing,
)

RAMP: Final = frozenset({0, 10, 50, 100})
HALF_AND_WHOLE: Final = frozenset({0, 50, 100})
ADOPTED: Final = "adopted"
CLIMBED: Final = "ramp"
SENT_BACK: Final = "rollback-first-step"

KILL_AGAIN: Final = frozenset({"KillEngaged"})
HOLD_AGAIN: Final = frozenset({"Holding"})
UNTOLD: Final = frozenset({"StepStarted"})
"""A feature may be deleted before its last event was posted, and then nobody asks for it."""

CONTAINED_OR_NOT: Final = frozenset({"Contained"})
V2_TAKES_OFF: Final = Act(always, (feature("v2"),), after=3)
V2: Final = feature("v2", ramp=FROM_HALF)
V2_STARTS_AT_HALF: Final = Act(always, (V2,), after=3)
"""Where 10 % would only be more of the ramp, which has a scenario of its own."""

V2_AT_HALF: Final = flying("v2", 50)
WITH_PEOPLE: Final = feature("v2", signOff={"mode": "BeforeFullTraffic"})
SWITCH_GONE: Final = (Remove(KILL_SWITCHES, SWITCH),)
PEOPLE_RESOLVE: Final = Act(frozen, (Resolve(),), 20)
OUTAGE: Final = Change({"readable": False})
OUTAGE_OVER: Final = Change({"readable": True})
V1_TURNS_BAD: Final = Change({"quality": {"v1": BAD}})
V2_TURNS_BAD: Final = Change({"quality": {"v2": BAD}})

UNHURRIED: Final = {
    "steps": [{"weightPercent": w, "holdSeconds": 60, "minSamples": 50} for w in (50, 100)]
}
"""Steps longer than it takes to notice an edit, or to learn that an answer was lost."""

WITH_SCHEMA: Final = feature("v2", ramp=UNHURRIED, contract={"output": {"schemaRef": SCHEMA}})

SCENARIOS: Final[tuple[Scenario, ...]] = (
    Scenario(
        ADOPTED,
        "a release that serves already is taken over and becomes last-known-good",
        (Act(always, (feature("v1"),), after=2),),
        frozenset({0, 100}),
        ends=Ending(Stage.LIVE, "v1"),
    ),
    Scenario(
        CLIMBED,
        "a good release climbs from 10 % to Live",
        (V2_TAKES_OFF,),
        RAMP,
        ends=Ending(Stage.LIVE, "v2"),
        begins_after=ADOPTED,
    ),
    Scenario(
        SENT_BACK,
        "a bad release goes around at 10 %",
        (V2_TAKES_OFF,),
        frozenset({0, 10}),
        ends=Ending(Stage.ROLLED_BACK, "v1", ("P3",)),
        begins_after=ADOPTED,
        conditions=bad("v2"),
    ),
    Scenario(
        "rollback-at-half",
        "a release that fails under load goes around at 50 %",
        (V2_TAKES_OFF,),
        frozenset({0, 10, 50}),
        ends=Ending(Stage.ROLLED_BACK, "v1", ("P2",)),
        begins_after=ADOPTED,
        conditions=bad("v2", BAD_UNDER_LOAD),
    ),
    Scenario(
        "rollback-of-the-adopted",
        "the first release is bad: the fallback serves",
        (Act(always, (feature("v1"),), after=2),),
        frozenset({0, 100}),
        ends=Ending(Stage.ROLLED_BACK, None, ("P2",)),
        conditions=bad("v1"),
    ),
    Scenario(
        "kill-and-back",
        "killed at 50 %, released later: back to last-known-good, then the ramp anew",
        (
            V2_STARTS_AT_HALF,
            Act(V2_AT_HALF, (switch(),), 5),
            Act(latched_and_contained, SWITCH_GONE, 5),
            Act(contained_and_frozen, (Resolve(),), 40),
        ),
        HALF_AND_WHOLE,
        ends=Ending(Stage.LIVE, "v2", ("P2",)),
        begins_after=ADOPTED,
    ),
    Scenario(
        "kill-released-at-once",
        "the switch is deleted as soon as the policy allows it",
        (
            V2_STARTS_AT_HALF,
            Act(V2_AT_HALF, (switch(),), 5),
            Act(latched, SWITCH_GONE),
            PEOPLE_RESOLVE,
        ),
        HALF_AND_WHOLE,
        ends=Ending(Stage.LIVE, "v2", ("P2",), CONTAINED_OR_NOT, KILL_AGAIN),
        begins_after=ADOPTED,
    ),
    Scenario(
        "kill-released-unlatched",
        "without the policy: the switch goes before it was latched",
        (
            V2_STARTS_AT_HALF,
            Act(V2_AT_HALF, (switch(),), 5),
            Act(killed_but_unlatched, SWITCH_GONE),
            PEOPLE_RESOLVE,
        ),
        HALF_AND_WHOLE,
        ends=Ending(Stage.LIVE, "v2", ("P2",), CONTAINED_OR_NOT, KILL_AGAIN),
        begins_after=ADOPTED,
    ),
    Scenario(
        "drill-in-flight",
        "a drill at 50 %: the fallback serves, then the step goes on",
        (
            Act(always, (feature("v2", ramp=UNHURRIED),), after=3),
            Act(V2_AT_HALF, (drill(),), 5),
            Act(drill_over, SWITCH_GONE, 5),
        ),
        HALF_AND_WHOLE,
        ends=Ending(Stage.LIVE, "v2"),
        begins_after=ADOPTED,
    ),
    Scenario(
        "fix-after-p2",
        "the fix of a release that failed at 50 % waits for people, and flies the re-enable ramp",
        (Act(contained, (feature("v3", ramp=FROM_HALF),), 5), PEOPLE_RESOLVE),
        HALF_AND_WHOLE,
        ends=Ending(Stage.LIVE, "v3", ("P2",)),
        begins_after="rollback-at-half",
    ),
    Scenario(
        "kill-by-label-while-live",
        "a switch by label kills what is Live, and what was adopted serves again after it",
        (
            Act(always, (switch(selector={"matchLabels": {"team": "support"}}),), 3),
            Act(latched_and_contained, SWITCH_GONE, 5),
        ),
        frozenset({0}),
        ends=Ending(Stage.LIVE, "v1", ("P2",)),
        begins_after=ADOPTED,
    ),
    Scenario(
        "kill-in-spec",
        "the switch of Git, engaged at 10 % and taken out again",
        (
            V2_TAKES_OFF,
            Act(flying("v2", 10), (feature("v2", killSwitch={"engaged": True}),), 3),
            Act(contained, (feature("v2"),), 5),
            PEOPLE_RESOLVE,
        ),
        RAMP,
        ends=Ending(Stage.LIVE, "v2", ("P3",)),
        begins_after=ADOPTED,
    ),
    Scenario(
        "incident-notes",
        "a person notes the same twice on an incident, and takes command of it",
        (
            Act(always, (note("hot"),), 3),
            Act(noted, (note("hot"), commander("ana")), 1),
            Act(noted, (), 1),
        ),
        frozenset({0}),
        ends=Ending(Stage.ROLLED_BACK, "v1", ("P3",), notes=("hot", "hot")),
        begins_after=SENT_BACK,
    ),
    Scenario(
        "retry",
        "quarantined after a rollback, mended outside, flown again by a sign-off",
        (Act(always, (retry("v2", 1),), 3),),
        RAMP,
        ends=Ending(Stage.LIVE, "v2", ("P3",)),
        begins_after=SENT_BACK,
    ),
    Scenario(
        "sign-off-wait",
        "people are asked before full traffic, and one approves after a while",
        (
            Act(always, (WITH_PEOPLE,), 3),
            Act(people_asked, (approve(WITH_PEOPLE),), 90),
        ),
        RAMP,
        ends=Ending(Stage.LIVE, "v2"),
        begins_after=ADOPTED,
    ),
    Scenario(
        "abort",
        "whoever is on call ends a flight that holds, because the provider is silent",
        (
            V2_STARTS_AT_HALF,
            Act(V2_AT_HALF, (OUTAGE,), 3),
            Act(at(Stage.HOLDING), (abort("v2"),), 5),
            Act(at(Stage.REJECTED), (OUTAGE_OVER,), 5),
        ),
        frozenset({0, 50}),
        ends=Ending(Stage.REJECTED, "v1", ("P4",), twin_may=HOLD_AGAIN),
        begins_after=ADOPTED,
    ),
    Scenario(
        "contained-on-request",
        "whoever is on call opens an incident that asks for less, and then for the rest",
        (
            Act(always, (feature("v2", ramp=UNHURRIED),), after=3),
            Act(V2_AT_HALF, (asks("Throttle", percent=5),), 3),
            Act(asked_and_contained("v2", 5), (asks("Rollback"),), 40),
        ),
        frozenset({0, 5, 50}),
        ends=Ending(Stage.REJECTED, "v1", ("P3",), twin_may=HOLD_AGAIN),
        begins_after=ADOPTED,
    ),
    Scenario(
        "suspend-and-go-on",
        "Git suspends the flight at 50 % and lets it go on later",
        (
            V2_STARTS_AT_HALF,
            Act(V2_AT_HALF, (feature("v2", ramp=FROM_HALF, suspend=True),), 5),
            Act(at(Stage.HOLDING), (V2,), 60),
        ),
        HALF_AND_WHOLE,
        ends=Ending(Stage.LIVE, "v2", twin_may=HOLD_AGAIN),
        begins_after=ADOPTED,
    ),
    Scenario(
        "rollback-to",
        "Git goes back to the good release before, and spec.release stays what it is",
        (Act(always, (feature("v2", rollbackTo=digest("v1")),), 5),),
        frozenset({0}),
        ends=Ending(Stage.LIVE, "v1"),
        begins_after=CLIMBED,
    ),
    Scenario(
        "new-release-in-flight",
        "another release is wanted at 50 %: it starts from the ground",
        (V2_STARTS_AT_HALF, Act(V2_AT_HALF, (feature("v3", ramp=FROM_HALF),), 5)),
        HALF_AND_WHOLE,
        ends=Ending(Stage.LIVE, "v3"),
        begins_after=ADOPTED,
    ),
    Scenario(
        "deleted-and-recreated",
        "the feature is deleted at 50 % and comes back",
        (
            V2_STARTS_AT_HALF,
            Act(V2_AT_HALF, (Remove(FEATURES, FEATURE),), 5),
            Act(gone, (V2,), 20),
        ),
        HALF_AND_WHOLE,
        ends=Ending(Stage.LIVE, "v2", races=UNTOLD),
        begins_after=ADOPTED,
    ),
    Scenario(
        "status-wiped",
        "a restore without status at 50 %: records say what is good, and the ramp begins anew",
        (V2_STARTS_AT_HALF, Act(V2_AT_HALF, (WipeStatus(FEATURES, FEATURE),), 5)),
        HALF_AND_WHOLE,
        ends=Ending(Stage.LIVE, "v2", races=UNTOLD),
        begins_after=ADOPTED,
    ),
    Scenario(
        "git-revert-in-flight",
        "Git goes back to last-known-good at 50 %",
        (V2_STARTS_AT_HALF, Act(V2_AT_HALF, (feature("v1"),), 5)),
        frozenset({0, 50}),
        ends=Ending(Stage.LIVE, "v1"),
        begins_after=ADOPTED,
    ),
    Scenario(
        "git-revert-after-rollback",
        "Git follows the rollback",
        (V2_TAKES_OFF, Act(contained, (feature("v1"),), 20)),
        frozenset({0, 10}),
        ends=Ending(Stage.LIVE, "v1", ("P3",)),
        begins_after=ADOPTED,
        conditions=bad("v2"),
    ),
    Scenario(
        "outage-and-resume",
        "the provider is silent for a while at 10 %: hold, then go on",
        (
            V2_TAKES_OFF,
            Act(flying("v2", 10), (OUTAGE,), 3),
            Act(at(Stage.HOLDING), (OUTAGE_OVER,), 20),
        ),
        RAMP,
        ends=Ending(Stage.LIVE, "v2", twin_may=HOLD_AGAIN),
        begins_after=ADOPTED,
    ),
    Scenario(
        "outage-for-ever",
        "no evidence until the deadline: back without proof",
        (
            Act(always, (feature("v2", ramp={"stepDeadlineSeconds": 120}),), 3),
            Act(flying("v2", 10), (OUTAGE,), 3),
            Act(at(Stage.INCONCLUSIVE), (OUTAGE_OVER,), 20),
        ),
        frozenset({0, 10}),
        ends=Ending(Stage.INCONCLUSIVE, "v1", ("P4",), twin_may=HOLD_AGAIN),
        begins_after=ADOPTED,
    ),
    Scenario(
        "live-turns-bad",
        "a release turns bad after it has landed: the good one before it serves",
        (Act(always, (V2_TURNS_BAD,), 20),),
        frozenset({0}),
        ends=Ending(Stage.ROLLED_BACK, "v1", ("P2",)),
        begins_after=CLIMBED,
    ),
    Scenario(
        "adopted-turns-bad",
        "the only good release turns bad: the fallback serves",
        (Act(always, (V1_TURNS_BAD,), 20),),
        frozenset({0}),
        ends=Ending(Stage.ROLLED_BACK, None, ("P2",)),
        begins_after=ADOPTED,
    ),
    Scenario(
        "wrong-provider",
        "a plan that names no known provider is told, mended and flown",
        (
            Act(always, (feature("v2", provider="elsewhere"),), 3),
            Act(stalled, (feature("v2"),), 20),
        ),
        RAMP,
        ends=Ending(Stage.LIVE, "v2"),
        begins_after=ADOPTED,
    ),
    Scenario(
        "edited-in-place",
        "a schema by reference is edited in flight: hold; put back, and deleted: it lands",
        (
            Act(always, (schema("{}"), WITH_SCHEMA), after=3),
            Act(weighing(50), (schema('{"type": "null"}'),), 3),
            Act(at(Stage.HOLDING), (schema("{}"),), 20),
            Act(weighing(100), (Remove(CONFIG_MAPS, SCHEMA["name"]),), 3),
        ),
        HALF_AND_WHOLE,
        ends=Ending(Stage.LIVE, "v2", twin_may=HOLD_AGAIN),
        begins_after=ADOPTED,
    ),
)
BY_NAME: Final = {s.name: s for s in SCENARIOS}

VARIANTS: Final = frozenset(
    {
        "rollback-at-half",
        "kill-released-at-once",
        "kill-released-unlatched",
        "drill-in-flight",
        "fix-after-p2",
        "contained-on-request",
        "kill-by-label-while-live",
        "kill-in-spec",
        "suspend-and-go-on",
        "rollback-to",
        "git-revert-after-rollback",
        "outage-for-ever",
        "adopted-turns-bad",
        "wrong-provider",
        "edited-in-place",
    }
)
"""Near neighbours of other scenarios: played when all are asked for, so that the rest takes minutes
on two cores. The sample of `make test` is drawn from all of them."""
