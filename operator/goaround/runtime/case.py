"""One feature at the desk: what it is about, which signals are being read, which ones fail.

Takes answers in and pauses what fails. Decides neither when to read nor what evidence means.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from goaround.evidence.judge import Counts, ImpossibleCounts, Window
from goaround.runtime.aftermath import Aftermath
from goaround.runtime.flight import Fault, Flight, Windows, by_end
from goaround.runtime.lookout import Lookout
from goaround.world.backoff import doubling
from goaround.world.prometheus import Read, Unreadable, UnreadableReason

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0
SLICE = 25
"""Windows of a catch-up that are judged in one go."""

SILENT = {
    UnreadableReason.TIMEOUT,
    UnreadableReason.REFUSED,
    UnreadableReason.REDIRECT,
    UnreadableReason.BAD_ANSWER,
}
BAD_QUESTION = {400, 413, 414, 422}


Subject = Flight | Aftermath | Lookout


@dataclass(slots=True)
class Case:
    """A flight, what follows on one, or a live release. asked: signals that are being read.
    feeding: in the middle of a catch-up, of which nothing is said yet."""

    subject: Subject | None = None
    step_began: float = 0.0
    rounds: set[asyncio.Task[None]] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    feeding: bool = False
    failures: dict[str, int] = field(default_factory=dict)
    retry_at: dict[str, float] = field(default_factory=dict)

    @property
    def flight(self) -> Flight | None:
        return self.subject if isinstance(self.subject, Flight) else None

    @property
    def aftermath(self) -> Aftermath | None:
        return self.subject if isinstance(self.subject, Aftermath) else None

    @property
    def lookout(self) -> Lookout | None:
        return self.subject if isinstance(self.subject, Lookout) else None

    def about(self, subject: Subject | None) -> None:
        """What it is about from now on, if anything; what is read for something else is dropped."""
        if subject is None or subject is not self.subject:
            self.drop()
        self.subject = subject

    def is_about(self, subject: Subject | None) -> bool:
        return subject is not None and subject is self.subject

    def drop(self) -> None:
        """Stop reading."""
        for task in self.rounds:
            task.cancel()
        self.asked, self.failures, self.retry_at = set(), {}, {}

    async def take(self, answers: Mapping[str, Read], now: float) -> int:
        """Judge what was answered, by signal; returns how many signals could be read."""
        windows: dict[str, list[Window]] = {}
        for name, read in answers.items():
            try:
                windows[name] = _windows(read)
            except (_Unusable, ImpossibleCounts) as err:
                self.failed(name, str(err), now)
            else:
                self._succeeded(name)
        match self.subject:
            case Flight() | Lookout() as judged:
                await self._feed(judged, windows)
            case Aftermath() as aftermath:
                aftermath.feed(windows)
        self.asked.difference_update(answers)
        return len(windows)

    def failed(self, name: str, message: str, now: float) -> None:
        """Try this signal again after a pause; the others are read on time."""
        self.asked.discard(name)
        count = self.failures[name] = self.failures.get(name, 0) + 1
        self.retry_at[name] = now + doubling(count, FIRST_PAUSE, LONGEST_PAUSE)
        if (faults := self._faults) is not None:
            known = faults.get(name)
            faults[name] = Fault(message, known.since if known is not None else now)

    def _succeeded(self, name: str) -> None:
        self.failures.pop(name, None)
        self.retry_at.pop(name, None)
        if (faults := self._faults) is not None:
            faults.pop(name, None)

    @property
    def _faults(self) -> dict[str, Fault] | None:
        judged = self.flight or self.lookout
        return judged.faults if judged is not None else None

    async def _feed(self, judged: Flight | Lookout, windows: Windows) -> None:
        """A long catch-up goes in slices, so that nobody's kill waits for it. Meanwhile nothing is
        said: one half of what is in hand must not climb before the other half was looked at."""
        instants = by_end(windows)
        self.feeding = True
        try:
            for start in range(0, len(instants), SLICE):
                if start:
                    await asyncio.sleep(0)
                part = _part(instants[start : start + SLICE])
                if isinstance(judged, Flight):
                    judged.feed(part, step_began=self.step_began)
                else:
                    judged.feed(part)
        finally:
            self.feeding = False


def any_answer(answers: Collection[Read]) -> bool:
    """Whether the provider works. A bad answer to a bad question is one, too."""
    return any(not isinstance(a, Unreadable) or _is_answer(a) for a in answers)


def _is_answer(read: Unreadable) -> bool:
    if read.reason is UnreadableReason.HTTP_STATUS:
        return read.status in BAD_QUESTION
    return read.reason not in SILENT


class _Unusable(Exception):
    """A signal could not be read; the text says why."""


def _windows(read: Read) -> list[Window]:
    if isinstance(read, Unreadable):
        raise _Unusable(read.message)
    return [
        Window(
            end=w.end,
            arms={arm: Counts(c.total, c.bad, c.squares) for arm, c in w.arms.items()},
            buckets={
                arm: tuple(Counts(c.total, c.bad) for c in some) for arm, some in w.buckets.items()
            },
        )
        for w in read.windows
    ]


def _part(instants: Collection[tuple[int, Mapping[str, Window]]]) -> dict[str, list[Window]]:
    found: dict[str, list[Window]] = {}
    for _, now in instants:
        for name, window in now.items():
            found.setdefault(name, []).append(window)
    return found
