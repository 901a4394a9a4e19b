"""Random walks through pre-flight: nobody gets what has not passed, and there is a way out."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from goaround.api.digest import release_digest
from goaround.api.preflight import PreflightStatus, PreflightVerdict
from goaround.api.reasons import Reason, Stage
from goaround.api.status import HARM, AIFeatureStatus, Latch
from goaround.rollout.observed import Checked, Problem
from tests.unit.rollout.build import A, B, C
from tests.unit.rollout.flights import live
from tests.unit.rollout.laws import LAWS
from tests.unit.rollout.passes import Pass
from tests.unit.rollout.test_preflight import HASH, OTHER, PREFLIGHT
from tests.unit.rollout.world import Evidence, World, bad, good, nothing

AWAY = Problem(Reason.ENDPOINT_UNAVAILABLE, "the endpoint takes no connection")
EVIDENCE: dict[str, Evidence] = {"good": good, "bad": bad, "nothing": nothing}
RELEASES = {"A": A, "B": B, "C": C}
MOVES = st.sampled_from(
    [
        *[("found", verdict) for verdict in PreflightVerdict if verdict != "Running"],
        ("found", PreflightVerdict.PASSED),
        ("golden", HASH),
        ("golden", OTHER),
        ("away", ""),
        ("silent", ""),
        *[("wants", name) for name in RELEASES],
        ("plain", "B"),
        *[("evidence", name) for name in EVIDENCE],
        ("kill", ""),
        ("revive", ""),
        ("brake", ""),
        ("unbrake", ""),
        ("retry", "B"),
        ("retry", "C"),
        *[("time", seconds) for seconds in ("1", "60", "601", "700", "4000")],
    ]
)


class Walk:
    """A world on its way, and which attempts passed."""

    def __init__(self) -> None:
        self.world = live(A)
        self.evidence: Evidence = nothing
        self.passed: set[tuple[str, int]] = set()
        self.harmful: dict[str, Latch] = {}

    def take(self, what: str, which: str) -> None:
        self._happens(what, which)
        world, before = self.world, self.world.status
        seen, now = world.observed(self.evidence), world.now
        plan = world.look(self.evidence)
        one = Pass(seen, now, plan, dict(self.harmful))
        for law in LAWS:
            assert law(one), f"{law.__name__}: {before.summary} -> {one.after.summary}"
        self._note_harm(before)
        self._nobody_gets_what_has_not_passed(seen.checked)
        world.now += timedelta(milliseconds=1)

    def _note_harm(self, before: AIFeatureStatus) -> None:
        known, after = {x.at for x in before.latches}, self.world.status
        for latch in after.latches:
            if latch.at not in known and latch.cause in HARM and latch.digest:
                self.harmful[latch.digest] = latch
        if after.last_known_good is not None:
            self.harmful.pop(after.last_known_good.digest, None)

    def _nobody_gets_what_has_not_passed(self, checked: Checked | None) -> None:
        found = checked.found if checked is not None else None
        if checked is not None and found is not None and found.verdict == "Passed":
            self.passed.add((checked.digest, checked.attempt))
        flown = self.world.status.candidate
        if flown is None or self.world.weight == 0:
            return
        # one that took off before its plan asked for any may still be in the air, if it is braked
        if self.world.status.plan_digest == flown.plan_digest and self.world.spec.preflight:
            assert (flown.digest, flown.attempt) in self.passed

    def _happens(self, what: str, which: str) -> None:
        world = self.world
        flown = world.status.candidate
        known = world.checked
        mine = Checked(flown.digest, flown.attempt) if flown is not None else None
        if known is not None and mine is not None and known.attempt == mine.attempt:
            mine = known if known.digest == mine.digest else mine
        match what:
            case "found" if mine is not None:
                told = PreflightStatus(verdict=PreflightVerdict(which), message="told")
                golden = mine.golden or HASH
                world.checked = replace(mine, golden=golden, found=told, problem=None)
            case "golden" if mine is not None:
                world.checked = replace(mine, golden=which, found=None)
            case "away" if mine is not None:
                world.checked = replace(mine, problem=AWAY)
            case "silent":
                world.checked = None
            case "wants":
                world.wants(RELEASES[which], preflight=PREFLIGHT)
            case "plain":
                world.wants(RELEASES[which])
            case "evidence":
                self.evidence = EVIDENCE[which]
            case "kill":
                world.kill()
            case "revive":
                world.switches.clear()
            case "brake" | "unbrake":
                world.braked = "braked" if what == "brake" else None
            case "retry":
                self.retry(which)
            case "time":
                world.now = world.now + _seconds(which)

    def retry(self, which: str) -> None:
        digest = release_digest(RELEASES[which])
        record = self.world.records.get(digest)
        self.world.signs(digest, max(record.attempts if record is not None else 0, 1))

    def led_out(self) -> World:
        """What people may do to end it well: remove what stops it, ask again, pass."""
        world, self.evidence = self.world, nothing
        world.switches.clear()
        world.braked, world.checked = None, None
        world.wants(C, preflight=PREFLIGHT)
        for _ in range(3):
            world.now += _seconds("1")
            world.settle(nothing)
            if world.stage in (Stage.REJECTED, Stage.ROLLED_BACK, Stage.INCONCLUSIVE):
                self.retry("C")
        for _ in range(2):  # another golden set than before starts pre-flight once more
            if world.stage is Stage.PREFLIGHT:
                self._happens("found", "Passed")
                world.settle(nothing)
        return world


def _seconds(text: str) -> timedelta:
    return timedelta(seconds=int(text))


@settings(max_examples=30)
@given(st.lists(MOVES, min_size=5, max_size=40))
def test_nobody_gets_what_has_not_passed_and_every_law_of_flight_holds(
    moves: list[tuple[str, str]],
) -> None:
    walk = Walk()
    for what, which in moves:
        walk.take(what, which)


@settings(max_examples=25)
@given(st.lists(MOVES, min_size=5, max_size=30))
def test_from_everywhere_people_can_lead_a_release_to_its_first_step(
    moves: list[tuple[str, str]],
) -> None:
    walk = Walk()
    for what, which in moves:
        walk.take(what, which)
    world = walk.led_out()
    good_one = world.status.last_known_good
    landed = good_one is not None and good_one.digest == release_digest(C)
    assert world.weight > 0 or landed, world.status.summary
