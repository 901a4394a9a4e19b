"""Random walks over `decide`: what may happen to a feature, and how a world lives through it."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from goaround.api import names
from goaround.api.content import hash_of
from goaround.api.digest import release_digest
from goaround.api.incident import RequestedPhase
from goaround.api.signoff import Decision
from goaround.api.status import Latch, LatchCause
from goaround.rollout.observed import Contents, Guarded
from tests.unit.rollout.build import CRUISE, HOLD, RAMP_DEADLINE, STEP_DEADLINE, A, B, C, a_problem
from tests.unit.rollout.flights import STARTS
from tests.unit.rollout.incidents import asks, withdraws
from tests.unit.rollout.laws import LAWS
from tests.unit.rollout.passes import Pass
from tests.unit.rollout.texts import CHANGED, HELLO, by_reference, gone, read
from tests.unit.rollout.world import (
    VOUCHED,
    Evidence,
    World,
    bad,
    good,
    judged,
    live_bad,
    nothing,
    undecided,
    unreadable,
)

STALE = "sha256:" + "0" * 64
EVIDENCE: dict[str, Evidence] = {
    "good": good,
    "bad": bad,
    "undecided": undecided,
    "undecided after many": lambda w: judged(w, samples=10_000),
    "good of a few": lambda w: good(w, samples=99),
    "unreadable": unreadable,
    "nothing": nothing,
    "silent": lambda w: judged(w, silent_since=w.now - timedelta(hours=1)),
    "good of another attempt": lambda w: good(w, attempt=77),
    "bad of another release": lambda w: bad(w, digest=STALE),
    "what is live turned bad": live_bad,
    "another release turned bad": lambda w: live_bad(w, digest=STALE),
}
MEANS = {
    "it goes well for": "good",
    "it stays undecided for": "undecided after many",
    "a few are good for": "good of a few",
}
RELEASES = {"A": A, "B": B, "C": C, "T": by_reference("text")}
TEXTS: dict[str, Contents | None] = {
    "as they were": read(text=HELLO),
    "edited": read(text=CHANGED),
    "gone": gone("text"),
    "not read yet": None,
}
DIGESTS = {name: release_digest(release) for name, release in RELEASES.items()} | {
    "T": release_digest(by_reference("text", hash=hash_of(HELLO)))
}
PLANS: dict[str, list[int]] = {"usual": [10, 50, 100], "steep": [100], "gentle": [1, 5, 25, 100]}
PEOPLE = ("Approve", "Reject", "Promote")
ASKED: tuple[tuple[str, int | None], ...] = (
    ("Throttle", 5),
    ("Throttle", 0),
    ("Rollback", None),
    ("Fallback", None),
)
TIMES = [0.001, 1, 60, HOLD, CRUISE, STEP_DEADLINE + HOLD, RAMP_DEADLINE]

Move = tuple[str, object]

HAPPENS: tuple[tuple[int, list[Move]], ...] = (
    (8, [("it goes well for", HOLD), ("it goes well for", CRUISE)]),
    (3, [("it stays undecided for", HOLD), ("a few are good for", HOLD)]),
    (2, [("time passes", seconds) for seconds in TIMES]),
    (2, [("evidence is", name) for name in EVIDENCE]),
    (2, [("what is live turns bad after", seconds) for seconds in (60, CRUISE)]),
    (1, [("git wants", (release, plan)) for release in RELEASES for plan in PLANS]),
    (1, [("a switch comes", name) for name in ("one", "two")]),
    (8, [("a switch goes", name) for name in ("one", "two")]),
    (1, [("a drill comes", seconds) for seconds in (60, 900)]),
    (1, [("people say", said) for said in (None, *RequestedPhase)]),
    (6, [("people say", RequestedPhase.RESOLVED), ("people say", RequestedPhase.RECOVERING)]),
    (1, [("people ask for", what) for what in ASKED]),
    (6, [("people ask for", None)]),
    (1, [("spec kills", True)]),
    (8, [("spec kills", False)]),
    (1, [("people must agree", mode) for mode in (None, "BeforeFullTraffic", "EveryStep")]),
    (1, [("a person decides", (what, by, 0)) for what in PEOPLE for by in ("ann", "git")]),
    (2, [("a person decides", ("Approve", "ann", off_by)) for off_by in (0, 0, 1)]),
    (1, [("the policies are", "gone"), ("the policies are", "new"), ("the policies are", "there")]),
    (1, [("a person signs", (release, off_by)) for release in RELEASES for off_by in (0, 0, 0, 1)]),
    (1, [("the provider is unknown", True), ("the brake is on", True)]),
    (3, [("the provider is unknown", False), ("the brake is on", False)]),
    (1, [("git suspends", True), ("on call holds", True)]),
    (4, [("git suspends", False), ("on call holds", False)]),
    (1, [("on call aborts", off_by) for off_by in (0, 0, 1, None)]),
    (1, [("git rolls back to", release) for release in RELEASES]),
    (4, [("git rolls back to", None)]),
    (1, [("texts are", name) for name in TEXTS]),
    (2, [("texts are", "as they were"), ("upstream fails", False)]),
    (1, [("upstream fails", True)]),
    (2, [("the operator", "restarts"), ("the operator", "dies before its status")]),
)
"""How often what happens: enough goes well for flights to land, so that walks get everywhere."""

MOVES = st.sampled_from([move for weight, some in HAPPENS for move in some * weight])
WALKS = st.tuples(st.sampled_from(sorted(STARTS)), st.lists(MOVES, min_size=30, max_size=80))


@dataclass(slots=True)
class Walk:
    """A world on its way, the evidence it meets, and the ledger of what was proven harmful."""

    world: World
    evidence: str = "undecided"
    release: str = "A"
    plan: str = "usual"
    spec_kills: bool = False
    asks: str | None = None
    suspends: bool = False
    back_to: str | None = None
    harmful: dict[str, Latch] = field(default_factory=dict)
    aborted: dict[str, Latch] = field(default_factory=dict)

    def take(self, move: Move) -> None:
        """One move, one pass, every law."""
        dies = move == ("the operator", "dies before its status")
        self._happens(*move)
        self.look(dies=dies)
        self.world.now += timedelta(milliseconds=1)

    def look(self, *, dies: bool = False) -> Pass:
        world, evidence = self.world, EVIDENCE[self.evidence]
        seen, now = world.observed(evidence), world.now
        plan = world.look(evidence, lost=dies)
        one = Pass(seen, now, plan, dict(self.harmful), dict(self.aborted))
        for law in LAWS:
            assert law(one), f"{law.__name__}: {one.before.summary} -> {one.after.summary}"
        if not dies:
            self._note_harm(one)
        return one

    def _note_harm(self, one: Pass) -> None:
        known = {x.at for x in one.before.latches}
        for latch in one.after.latches:
            if latch.at not in known and latch.cause is LatchCause.SIGNAL and latch.digest:
                self.harmful[latch.digest] = latch
            if latch.at not in known and latch.cause is LatchCause.ABORTED and latch.digest:
                self.aborted[latch.digest] = latch
        if one.after.last_known_good is not None:
            self.harmful.pop(one.after.last_known_good.digest, None)

    def _happens(self, what: str, which: object) -> None:
        world = self.world
        match what, which:
            case "time passes", float() | int():
                world.now += timedelta(seconds=which)
            case (("it goes well for" | "it stays undecided for" | "a few are good for"), int()):
                world.now, self.evidence = world.now + timedelta(seconds=which), MEANS[what]
            case "what is live turns bad after", int():
                world.now += timedelta(seconds=which)
                self.evidence = "what is live turned bad"
            case "evidence is", str():
                self.evidence = which
            case "git wants", (str() as release, str() as plan):
                self.release, self.plan = release, plan
                self._write_spec()
            case "a switch comes", str():
                world.kill(which)
            case "a drill comes", int():
                world.drills(which)
            case "people say", None | RequestedPhase():
                world.people(which)
            case "people ask for", None:
                for name in world.troubles:
                    withdraws(world, name)
            case "people ask for", (str() as action, (int() | None) as percent):
                parts: dict[str, Any] = {} if percent is None else {"percent": percent}
                asks(world, action, **parts)
            case "a switch goes", str():
                world.switches.pop(which, None)
            case "spec kills", bool():
                self.spec_kills = which
                self._write_spec()
            case "git suspends", bool():
                self.suspends = which
                self._write_spec()
            case "git rolls back to", (str() | None) as back_to:
                self.back_to = DIGESTS[back_to] if back_to else None
                self._write_spec()
            case "on call holds", bool():
                world.annotations.pop(names.HOLD, None)
                world = world.held() if which else world
            case "on call aborts", (int() | None) as off_by:
                self._aborts(off_by)
            case "a person signs", (str() as release, int() as off_by):
                digest = DIGESTS[release]
                world.signs(digest, self._attempt(digest) + off_by)
            case "people must agree", (str() | None) as mode:
                self.asks = mode
                self._write_spec()
            case "a person decides", (str() as what, str() as by, int() as off_by):
                self._decides(Decision(what), by, off_by)
            case "the policies are", str():
                self._policies(which)
            case "the provider is unknown", bool():
                world.problems = (a_problem(),) if which else ()
            case "the brake is on", bool():
                world.braked = "the brake is on" if which else None
            case "texts are", str():
                world.contents = TEXTS[which]
            case "upstream fails", bool():
                world.upstream = ("search is killed, its fallback serves",) if which else ()
            case "the operator", str():
                world.told = None
                world.contents = None if any(world.spec.content.refs) else world.contents
            case _:
                raise AssertionError((what, which))

    def _write_spec(self) -> None:
        steps = [{"weightPercent": w, "holdSeconds": HOLD} for w in PLANS[self.plan]]
        kill = {"killSwitch": {"engaged": True}} if self.spec_kills else {}
        asks = {"signOff": {"mode": self.asks}} if self.asks else {}
        held = {"suspend": True} if self.suspends else {}
        back = {"rollbackTo": self.back_to} if self.back_to else {}
        parts = kill | asks | held | back
        self.world.wants(RELEASES[self.release], ramp={"steps": steps}, **parts)

    def _aborts(self, off_by: int | None) -> None:
        """What flies, an attempt that does not, or nothing that can be read."""
        flown = self.world.status.candidate
        if off_by is None or flown is None:
            self.world.aborted("now!")
        else:
            self.world.aborted(f"{flown.digest}/{flown.attempt + off_by}")

    def _decides(self, what: Decision, by: str, off_by: int) -> None:
        flown = self.world.status.candidate
        if flown is not None:
            self.world.decides(what, by=by, attempt=flown.attempt + off_by)

    def _policies(self, which: str) -> None:
        match which:
            case "gone":
                self.world.guarded = Guarded(missing="a policy is gone")
            case "new":
                self.world.guarded = Guarded(since=self.world.now)
            case _:
                self.world.guarded = VOUCHED

    def _attempt(self, digest: str) -> int:
        record = self.world.records.get(digest)
        return max(record.attempts if record is not None else 0, 1)

    # what people may do to end it well

    def calmed(self) -> "Walk":
        """Nothing stops the way up any more: no switch, no brake, a valid spec, and no incident
        that people have not called over."""
        world = self.world
        world.people(RequestedPhase.RESOLVED)
        world.switches.clear()
        world.annotations.clear()
        world.upstream = ()
        world.problems, world.braked, self.spec_kills, self.asks = (), None, False, None
        self.suspends, self.back_to = False, None
        self._write_spec()
        return self


def walked(start: str, moves: list[Move]) -> Walk:
    walk = Walk(STARTS[start]())
    walk.world.remembers = walk.world.confirmed = True
    walk.world.contents = TEXTS["as they were"]
    walk.release = next(n for n, r in RELEASES.items() if r == walk.world.spec.release)
    walk.harmful = {
        x.digest: x
        for x in walk.world.status.latches
        if x.cause is LatchCause.SIGNAL and x.digest is not None
    }
    for move in moves:
        walk.take(move)
    return walk
