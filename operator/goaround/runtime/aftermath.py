"""Traffic after a way down, until nobody is on the release any more.

Counts what still reached it, window by window. Refuses to speak of a window that not every signal
has been read in: some see few requests, and their silence would be taken for containment.
"""

from dataclasses import dataclass, field
from datetime import datetime

from goaround.api.kinds import AIFeature
from goaround.api.status import Latch
from goaround.evidence.judge import CANDIDATE
from goaround.evidence.plan import readings
from goaround.rollout.observed import Judged, Traffic
from goaround.runtime.flight import Windows, at


@dataclass(slots=True)
class Aftermath:
    """What is known since the proof of one latch. exposed: requests that the release served."""

    latch: Latch
    interval: int
    read_to: dict[str, int]
    exposed: float
    traffic: Traffic | None = None
    _partly: dict[int, dict[str, float]] = field(default_factory=dict)

    def feed(self, windows: Windows) -> None:
        """Take what was read; a window counts once, as soon as every signal has it."""
        for name, some in windows.items():
            for window in (w for w in some if w.end > self.read_to[name]):
                self._see(window.end, {arm: c.total for arm, c in window.arms.items()})
                self.read_to[name] = max(self.read_to[name], window.end)
        through = min(self.read_to.values())
        for end in sorted(e for e in self._partly if e <= through):
            requests = self._partly.pop(end)
            self.exposed += requests.get(CANDIDATE, 0.0)
            self.traffic = Traffic(at(end - self.interval), at(end), requests)

    def _see(self, end: int, requests: dict[str, float]) -> None:
        known = self._partly.setdefault(end, {})
        known |= {arm: max(n, known.get(arm, 0.0)) for arm, n in requests.items()}

    def judged(self, next_at: datetime | None) -> Judged:
        return Judged(
            digest=self.latch.digest or "",
            attempt=self.latch.attempt,
            exposed=int(self.exposed),
            traffic=self.traffic,
            next_at=next_at,
        )


def after(feature: AIFeature, latch: Latch, lag: float) -> Aftermath:
    """Watched from the window that proved the harm, or from the decision where none did."""
    interval = feature.spec.ramp.interval_seconds
    proven = latch.proven_at.timestamp() - lag if latch.proven_at is not None else None
    start = int((proven if proven is not None else latch.at.timestamp()) // interval) * interval
    return Aftermath(
        latch=latch,
        interval=interval,
        read_to=dict.fromkeys(readings(feature.spec), start),
        exposed=float(latch.exposed_requests or 0),
    )
