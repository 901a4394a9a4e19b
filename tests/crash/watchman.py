"""Watches every commit for what must never be written, and keeps the course that was flown.

It looks at the store only, so that it believes no object of the code under test.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from goaround.api import names
from goaround.api.base import Json
from goaround.api.digest import short
from goaround.api.kinds import FEATURES, INCIDENTS, KILL_SWITCHES, RECORDS, AIFeature, AIKillSwitch
from goaround.api.reasons import Stage
from goaround.api.status import AIFeatureStatus, LatchCause
from goaround.rollout.moves import in_flight
from tests.crash.script import FEATURE
from tests.crash.store import PEOPLE, RESTORE, Commit, Store

MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the course: what people were served, and by which release."""

    stage: str
    split: tuple[int, int, int]
    candidate: str
    good: str

    def __str__(self) -> str:
        split = "/".join(map(str, self.split))
        return f"{self.stage} {split} candidate={self.candidate} good={self.good}"


class Watchman:
    """Collects violations and the course. `weights`: all that a candidate may ever get."""

    def __init__(self, store: Store, weights: frozenset[int]) -> None:
        self._store = store
        self._weights = weights
        self.latched: dict[tuple[str, str], int] = {}
        self.course: list[Point] = []
        self.violations: list[str] = []

    def begin(self, status: AIFeatureStatus | None) -> None:
        """What is already flown when the run begins."""
        if status is not None:
            self._fly(_point(status))
            self._remember(FEATURE, status)

    def saw(self, commit: Commit, status: AIFeatureStatus | None, at: float) -> None:
        """One commit; `status` is that of the feature, as it stands now."""
        match commit.kind:
            case kind if kind is FEATURES:
                found = self._feature(commit, status)
            case kind if kind is KILL_SWITCHES:
                found = self._switch(commit)
            case kind if kind is INCIDENTS:
                found = _incident(commit)
            case _:
                return
        told = [f"{at:.3f} s: {f}" for f in found]
        self.violations += told[: max(0, MOST - len(self.violations))]

    # -- features --------------------------------------------------------------------------------

    def _feature(self, commit: Commit, status: AIFeatureStatus | None) -> Iterator[str]:
        if status is None:
            self._fly(Point("deleted", (0, 0, 0), "", ""))
            return
        self._fly(_point(status))
        if commit.author == RESTORE:
            return  # not a move of ours, and nothing before it binds us
        before = commit.before["status"] if commit.before is not None else {}
        was = AIFeatureStatus.model_validate(before)
        yield from self._weight(status)
        yield from self._latches(commit.name, status)
        yield from self._killed(commit, was, status)
        yield from self._recorded(commit.name, status)
        yield from _revisions(was, status)

    def _fly(self, point: Point) -> None:
        if not self.course or self.course[-1] != point:
            self.course.append(point)

    def _weight(self, status: AIFeatureStatus) -> Iterator[str]:
        if status.split.candidate not in self._weights:
            yield f"weight {status.split.candidate} % is not of this scenario"

    def _latches(self, feature: str, status: AIFeatureStatus) -> Iterator[str]:
        flown = status.candidate
        if flown is not None and status.split.candidate > 0:
            latched = self.latched.get((feature, flown.digest), 0)
            if flown.attempt <= latched:
                yield (
                    f"{short(flown.digest)} attempt {flown.attempt} at {status.split.candidate} % "
                    f"although attempt {latched} is latched"
                )
        self._remember(feature, status)

    def _remember(self, feature: str, status: AIFeatureStatus) -> None:
        for latch in status.latches:
            ended = latch.cause in {LatchCause.SIGNAL, LatchCause.ABORTED}
            if ended and latch.digest is not None:
                key = (feature, latch.digest)
                self.latched[key] = max(latch.attempt, self.latched.get(key, 0))

    def _killed(
        self, commit: Commit, was: AIFeatureStatus, status: AIFeatureStatus
    ) -> Iterator[str]:
        if status.stage is Stage.KILLED and status.split.fallback != 100:
            yield f"killed, and yet {status.split}"
        if was.stage is not Stage.KILLED or status.stage is Stage.KILLED:
            return
        feature = AIFeature.model_validate(commit.body)
        for source in was.kill.sources if was.kill is not None else []:
            raw = self._store.find(KILL_SWITCHES, feature.metadata.namespace, source.name)
            if raw is not None and AIKillSwitch.model_validate(raw).matches(feature.metadata):
                yield f"left Killed while switch {source.name} exists"

    def _recorded(self, feature: str, status: AIFeatureStatus) -> Iterator[str]:
        """Up: record, then act."""
        flown, good = status.candidate, status.last_known_good
        if flown is not None and in_flight(status):
            marks = self._marks(feature, flown.digest)
            if int(marks.get(names.ATTEMPTS, 0)) < flown.attempt:
                yield f"{short(flown.digest)} flies attempt {flown.attempt} without a record of it"
        if good is not None and names.GOOD_SINCE not in self._marks(feature, good.digest):
            yield f"{short(good.digest)} is last-known-good without a record of it"

    def _marks(self, feature: str, digest: str) -> dict[str, str]:
        name = names.record_name(feature, digest)
        found = (b for b in self._store.list(RECORDS, None, None) if b["metadata"]["name"] == name)
        marks: dict[str, str] = next(found, {}).get("metadata", {}).get("annotations", {})
        return marks

    # -- switches --------------------------------------------------------------------------------

    def _switch(self, commit: Commit) -> Iterator[str]:
        """Latched means: recorded as killed, everywhere it matches."""
        before, after = commit.before, commit.after
        if after is None or "latchedAt" not in after["status"]:
            return
        if before is not None and "latchedAt" in before["status"]:
            return
        switch = AIKillSwitch.model_validate(after)
        for body in self._store.list(FEATURES, switch.metadata.namespace, None):
            feature = AIFeature.model_validate(body)
            if switch.matches(feature.metadata) and not _obeys(feature.status, switch):
                yield f"switch {commit.name} latched while {feature.metadata.name} is not killed"


def _obeys(status: AIFeatureStatus, switch: AIKillSwitch) -> bool:
    """Killed, or in the drill, or through with it."""
    known = status.kill_switch
    if switch.spec.drill:
        return status.drill is not None or (known is not None and switch.held(known.last_drill))
    return status.stage is Stage.KILLED


def _point(status: AIFeatureStatus) -> Point:
    flown, good, split = status.candidate, status.last_known_good, status.split
    return Point(
        stage=status.stage or "none",
        split=(split.stable, split.candidate, split.fallback),
        candidate=f"{short(flown.digest)}#{flown.attempt}" if flown is not None else "",
        good=short(good.digest) if good is not None else "",
    )


def _revisions(was: AIFeatureStatus, status: AIFeatureStatus) -> Iterator[str]:
    if status.revision < was.revision:
        yield f"revision fell from {was.revision} to {status.revision}"
    moved = status.split != was.split and status.stage is not None
    if moved and was.revision and status.revision == was.revision:
        yield f"the split moved to {status.split} under the same revision"


def _incident(commit: Commit) -> Iterator[str]:
    """A milestone is set once; spec is written once by us, and then by people only."""
    if commit.before is None or commit.after is None:
        return
    was: Json = commit.before["status"].get("milestones", {})
    now: Json = commit.after["status"].get("milestones", {})
    moved = [name for name, at in was.items() if now.get(name) != at]
    if moved:
        yield f"incident {commit.name}: milestones rewritten: {', '.join(moved)}"
    if commit.before["spec"] != commit.after["spec"] and commit.author != PEOPLE:
        yield f"incident {commit.name}: spec rewritten"
