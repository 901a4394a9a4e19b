"""The streams that apps hold open, and who must be told of a change.

It wakes streams and counts what each has been sent. A stream that is busy is woken once, however
often its set changes, so a slow consumer gets only the newest.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from goaround.delivery.flagset import FeatureKey
from goaround.delivery.flagstate import FlagState, Snapshot
from goaround.delivery.selector import Selector


class TooManyStreams(Exception):
    """The replica holds as many streams as it may."""


@dataclass(slots=True, eq=False)
class Stream:
    """One open stream; `sent` is the set last written to it."""

    selector: Selector
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    sent: Snapshot | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """How far one feature has got: the revision that every stream of it was sent, and how many
    streams carry it. Without streams, the revision that the next one would be sent."""

    revision: int
    streams: int


class Streams:
    """All streams of a replica, at most `limit`."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.closing = False
        self._count = 0
        self._open: dict[Selector, set[Stream]] = defaultdict(set)

    def __len__(self) -> int:
        return self._count

    @contextmanager
    def opened(self, selector: Selector) -> Iterator[Stream]:
        """A stream that is counted while the block runs; raises TooManyStreams."""
        if self._count >= self.limit:
            raise TooManyStreams(
                f"this flag replica holds {self.limit:,} streams, which is its limit: connect to "
                "another replica, or raise --max-streams"
            )
        stream = Stream(selector)
        stream.wake.set()
        self._open[selector].add(stream)
        self._count += 1
        try:
            yield stream
        finally:
            self._count -= 1
            self._open[selector].discard(stream)
            if not self._open[selector]:
                del self._open[selector]

    def changed(self, feature: FeatureKey) -> None:
        """Wakes the streams that carry the feature."""
        for selector in (Selector(*feature), Selector(feature[0])):
            self._wake(self._open.get(selector, ()))

    def wake_all(self) -> None:
        for streams in self._open.values():
            self._wake(streams)

    def close(self) -> None:
        """Ends every stream as soon as it has written what it is writing."""
        self.closing = True
        self.wake_all()

    @staticmethod
    def _wake(streams: Iterable[Stream]) -> None:
        for stream in streams:
            stream.wake.set()

    def carried(self, state: FlagState) -> Mapping[str, Carried]:
        """By uid, how far each feature that has flags has got."""
        sent = {
            selector: Counter(stream.sent for stream in streams if stream.sent is not None)
            for selector, streams in self._open.items()
        }
        nobody: Counter[Snapshot] = Counter()
        found: dict[str, Carried] = {}
        for key, shown in state.shown().items():
            mine = sent.get(Selector(*key), nobody) + sent.get(Selector(key[0]), nobody)
            told = [snapshot.revisions.get(shown.uid, 0) for snapshot in mine]
            found[shown.uid] = Carried(min(told, default=shown.revision), mine.total())
        return found
