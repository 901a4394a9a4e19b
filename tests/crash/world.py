"""One run: a store, users, people with a script, and operator processes that may die at any call.

A crash discards every object of a process; only the store and the clock go on. Decides when a run
is over. Judges nothing: `watchman.py` and `judge.py` do.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import httpx

from goaround.api.base import Json
from goaround.api.kinds import FEATURES, INCIDENTS, OURS, Kind
from goaround.api.status import AIFeatureStatus
from goaround.world.kube import merge_patch
from tests.crash import policies
from tests.crash.clock import Stuck, VirtualTimeLoop
from tests.crash.faults import WATCH_FAULTS, Call, Fault, Injection
from tests.crash.process import Process, errors_in, tracked, unexpected
from tests.crash.script import (
    FEATURE,
    NAMESPACE,
    Annotate,
    Change,
    Ending,
    Order,
    Player,
    Put,
    Remove,
    Resolve,
    Say,
    Scenario,
    WipeStatus,
)
from tests.crash.store import PEOPLE, Commit, Store
from tests.crash.traffic import Conditions, Segment, Traffic
from tests.crash.watchman import Watchman

BEGIN: Final = datetime(2026, 11, 21, 9, 0, 3, tzinfo=UTC)
HEARING_SECONDS: Final = 0.01
STALE_SECONDS: Final = 4.0
AGAIN_SECONDS: Final = 0.5
QUIET_SECONDS: Final = 150.0
"""So long whoever is not where the script ends may wait, for instance for the end of a hold."""

QUIET_AT_END_SECONDS: Final = 70.0
"""Longer than one whole list takes to come (60 s), which mends what no event told, and than a live
release takes until its first window is read: a scrape (15 s), two windows of 20 s, a lag (2 s)."""

UNDISTURBED_SECONDS: Final = 80.0
"""The run that all others are compared with takes its time."""

LONGEST_SECONDS: Final = 3600.0
OPERATOR: Final = "operator"
TWIN: Final = "twin"


@dataclass(frozen=True, slots=True)
class Image:
    """Where one run ended and another may begin."""

    store: str
    at: datetime
    segments: tuple[Segment, ...]
    conditions: Conditions


@dataclass(frozen=True, slots=True)
class Run:
    """What is known of a run once it is over."""

    store: Store
    watchman: Watchman
    calls: tuple[Call, ...]
    commits: int
    ends: Ending
    faults: tuple[str, ...]
    image: Image

    @property
    def writes(self) -> int:
        return sum(1 for c in self.calls if c.writes)


class World:
    """Everything outside the operator, and the operator's processes."""

    def __init__(
        self,
        scenario: Scenario,
        image: Image | None,
        injections: Sequence[Injection] = (),
        *,
        before: Callable[["World", bool, int], None] | None = None,
        reborn: Callable[["World"], None] | None = None,
        unmoved: Callable[[], None] | None = None,
    ) -> None:
        self.loop = VirtualTimeLoop(image.at if image is not None else BEGIN)
        self.store = Store(self.loop.wall)
        conditions = image.conditions if image is not None else scenario.conditions
        self.traffic = Traffic(lambda: self.loop.wall().timestamp(), conditions)
        self.watchman = Watchman(self.store, scenario.weights)
        self.calls: list[Call] = []
        self.faults: list[str] = []
        self._commits = 0
        self._ends = scenario.ends
        self._changed_at = 0.0
        self._status: AIFeatureStatus | None = None
        self._processes: dict[str, Process] = {}
        self._before = before
        self._reborn = reborn
        self._unmoved = unmoved
        self._calls_hit: dict[int, Fault] = {}
        self._commits_hit: dict[int, Fault] = {}
        self.inject(injections)
        self._player = Player(
            scenario.acts, self, perform=self._perform, later=self.loop.call_later
        )
        if image is not None:
            self._begin_with(image, scenario)
        else:
            policies.install(self.store)
        self.store.hearers.append(self._committed)

    def _begin_with(self, image: Image, scenario: Scenario) -> None:
        self.store.load(image.store)
        self.traffic.segments.extend(image.segments)
        self._look(self.store.find(FEATURES, NAMESPACE, FEATURE))
        self.watchman.begin(self._status)
        self.traffic.change(quality=scenario.conditions.quality)

    def inject(self, injections: Sequence[Injection]) -> None:
        """What is to go wrong from here on."""
        for one in injections:
            hit = self._commits_hit if one.fault in WATCH_FAULTS else self._calls_hit
            hit[one.at] = one.fault

    # -- the run ---------------------------------------------------------------------------------

    def run(self) -> Run:
        """Until everything is quiet. The caller may trust that nothing of it goes on."""
        self.loop.set_task_factory(tracked)
        self.loop.set_exception_handler(lambda _, told: self.faults.append(unexpected(told)))
        with errors_in(self.faults):
            try:
                self.loop.run_until_complete(self._until_quiet())
            except Stuck as err:
                self.faults.append(f"stuck: {err}")
            finally:
                self._close()
        return Run(
            store=self.store,
            watchman=self.watchman,
            calls=tuple(self.calls),
            commits=self._commits,
            ends=self._ends,
            faults=(*self.faults, *self.store.refusals),
            image=Image(
                store=self.store.image(),
                at=self.loop.wall(),
                segments=tuple(self.traffic.segments),
                conditions=self.traffic.conditions,
            ),
        )

    async def _until_quiet(self) -> None:
        self.launch(OPERATOR, HEARING_SECONDS)
        self._player.look()
        while self.loop.time() < LONGEST_SECONDS:
            await asyncio.sleep(5)
            if self._player.finished and self.loop.time() - self._changed_at >= self._patience():
                return
        self.faults.append(
            f"not quiet after {LONGEST_SECONDS:.0f} s"
            + ("" if self._player.finished else "; an act never had its moment")
        )

    def _patience(self) -> float:
        """For how long nothing must have changed, for the run to be over."""
        if self._status is None or self._status.stage is not self._ends.stage:
            return QUIET_SECONDS
        disturbed = self._calls_hit or self._commits_hit
        return QUIET_AT_END_SECONDS if disturbed else UNDISTURBED_SECONDS

    def _close(self) -> None:
        for process in self._processes.values():
            process.end()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    def launch(self, name: str, hearing: float) -> None:
        """Begin a process; it knows nothing."""
        self._processes[name] = process = Process(self, name, hearing)
        process.begin()

    def relaunch(self, name: str, hearing: float) -> None:
        """Begin another life of a process that died."""
        if self._reborn is not None:
            self._reborn(self)
        self.launch(name, hearing)

    @property
    def stand(self) -> tuple[int, bool, int]:
        """How far people are with their script, and how many commits there were."""
        return *self._player.stand, self._commits

    # -- what comes in ---------------------------------------------------------------------------

    def arrived(self, call: Call) -> Fault | None:
        """A call reached the API server; what goes wrong with it."""
        self.calls.append(call)
        self._about_to(False, len(self.calls))
        fault = self._calls_hit.get(len(self.calls))
        if fault is Fault.TWIN:
            self.launch(TWIN, STALE_SECONDS)
            return None
        return fault

    def _about_to(self, commit: bool, number: int) -> None:
        """A call is about to be answered, or a commit to be heard of."""
        if self._before is not None:
            self._before(self, commit, number)

    def revisions(self, _: httpx.Request) -> httpx.Response:
        """The one flag replica: it streams what is committed."""
        bodies = self.store.list(FEATURES, None, None)
        told = {
            b["metadata"]["uid"]: {"revision": b["status"].get("revision", 0), "streams": 2}
            for b in bodies
        }
        return httpx.Response(200, json={"listed": True, "replica": "flags-0", "revisions": told})

    def _committed(self, commit: Commit) -> None:
        self._commits += 1
        self._about_to(True, self._commits)
        self._changed_at = self.loop.time()
        if commit.kind is FEATURES:
            self._look(commit.after)
        self.watchman.saw(commit, self._status, self.loop.time())
        fault = self._commits_hit.get(self._commits)
        if commit.kind in OURS:
            self._spread(commit, fault)
        elif fault is not None and self._unmoved is not None:
            self._unmoved()  # nobody is told of it, so that nobody misses it
        self._player.look()

    def _look(self, body: Json | None) -> None:
        status = body["status"] if body is not None else None
        self._status = AIFeatureStatus.model_validate(status) if status is not None else None
        self.traffic.serve(status or {})

    def _spread(self, commit: Commit, fault: Fault | None) -> None:
        """Every living process hears of it, sooner or later, unless that is what goes wrong."""
        text = (commit.kind, commit.body, commit.after is None)
        for process in self._processes.values():
            if fault is Fault.LOST:
                self.loop.call_later(process.hearing, self._miss, process, *text)
                continue
            self.loop.call_later(process.hearing, process.hear, *text)
            if fault is Fault.DOUBLED:
                again = process.hearing + AGAIN_SECONDS
                self.loop.call_later(again, self._hear_again, process, *text)

    def _hear_again(self, process: Process, kind: Kind, body: Json, removed: bool) -> None:
        if process.hears_nothing_new(kind, body, removed) and self._unmoved is not None:
            self._unmoved()

    def _miss(self, process: Process, kind: Kind, body: Json, removed: bool) -> None:
        if process.knows(kind, body, removed) and self._unmoved is not None:
            self._unmoved()

    # -- people ----------------------------------------------------------------------------------

    @property
    def status(self) -> AIFeatureStatus | None:
        return self._status

    def seen(self, kind: Kind, name: str) -> Json | None:
        return self.store.find(kind, NAMESPACE, name)

    def _perform(self, order: Order) -> None:
        match order:
            case Put():
                self._put(order)
            case Remove(kind, name):
                self.store.delete(kind, NAMESPACE, name, PEOPLE)
            case Annotate(kind, name, annotations):
                noted: Json = {"metadata": {"annotations": dict(annotations)}}
                self.store.patch(kind, NAMESPACE, name, patch=noted, status=False, author=PEOPLE)
            case WipeStatus(kind, name):
                self.store.wipe_status(kind, NAMESPACE, name)
            case Change(fields):
                self.traffic.change(**fields)
            case Resolve():
                self._say({"spec": {"requestedPhase": "Resolved"}})
            case Say(patch):
                self._say(patch)

    def _say(self, said: Json) -> None:
        for body in self.store.list(INCIDENTS, NAMESPACE, None):
            name = body["metadata"]["name"]
            self.store.patch(INCIDENTS, NAMESPACE, name, patch=said, status=False, author=PEOPLE)

    def _put(self, order: Put) -> None:
        known = self.seen(order.kind, order.name)
        if known is None:
            body: Json = {
                "apiVersion": order.kind.api_version,
                "kind": order.kind.kind,
                "metadata": {"name": order.name, "labels": dict(order.labels)},
                order.part: order.spec,
            }
            self.store.create(order.kind, NAMESPACE, body, PEOPLE)
            return
        patch: Json = {order.part: merge_patch(known[order.part], order.spec)}
        about = (order.kind, NAMESPACE, order.name)
        self.store.patch(*about, patch=patch, status=False, author=PEOPLE)
