"""Flights fed by hand: a feature with the wanted signals, windows with the wanted counts.

Counts are exact shares unless a generator is given, so that most tests draw nothing.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from goaround.api.base import Json, ObjectMeta
from goaround.api.digest import plan_digest, release_digest
from goaround.api.feature import AIFeatureSpec
from goaround.api.kinds import AIFeature
from goaround.api.reasons import Stage
from goaround.api.status import AIFeatureStatus, Candidate, KnownRelease, Split, Step
from goaround.evidence.judge import Counts, Window
from goaround.rollout.observed import Judged
from goaround.runtime.flight import Flight, begin
from goaround.runtime.judging import judged

BEGAN = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
START = int(BEGAN.timestamp())
INTERVAL, LAG = 10, 5.0
NEVER = BEGAN + timedelta(days=1)
TWO_POINTS = {"worseBy": "0.02"}

Shares = Mapping[str, float]


def a_signal(name: str, **bounds: Any) -> Json:
    ratio = {"bad": f'{name}_total{{$match,result="bad"}}', "total": f"{name}_total{{$match}}"}
    return {"name": name, "ratio": ratio, **bounds}


def a_feature(
    *signals: Json,
    weight: int = 10,
    beside: bool = True,
    bucket_by: str = "Request",
    **status: object,
) -> AIFeature:
    """A candidate at `weight`, whose step began at BEGAN; `beside`: next to a last-known-good."""
    spec = AIFeatureSpec.model_validate(
        {
            "release": {"model": {"name": "chat-7b", "version": "2"}},
            "delivery": [{"name": "app", "role": "Split", "flag": {"bucketBy": bucket_by}}],
            "acceptance": {"scope": "support questions", "signals": list(signals)},
            "ramp": {"intervalSeconds": INTERVAL},
        }
    )
    good = KnownRelease(digest="sha256:" + "0" * 64, release=spec.release, since=BEGAN)
    candidate = Candidate(
        digest=release_digest(spec.release),
        release=spec.release,
        since=BEGAN,
        plan_digest=plan_digest(spec),
        attempt=1,
        deadline_at=NEVER,
    )
    rest = 100 - weight
    flying = AIFeatureStatus(
        stage=Stage.RAMPING,
        split=Split(candidate=weight, stable=rest)
        if beside
        else Split(candidate=weight, fallback=rest),
        candidate=candidate,
        last_known_good=good if beside else None,
        step=Step(index=0, since=BEGAN, deadline_at=NEVER),
    )
    meta = ObjectMeta(name="chat", namespace="shop", uid="uid-chat", generation=1)
    return AIFeature(metadata=meta, spec=spec, status=flying.but(**status))


class Flown:
    """A flight, and the requests of its windows; `i` is the number of the last one."""

    def __init__(
        self,
        *signals: Json,
        weight: int = 10,
        requests: int = 1000,
        beside: bool = True,
        bucket_by: str = "Request",
    ) -> None:
        self.feature = a_feature(*signals, weight=weight, beside=beside, bucket_by=bucket_by)
        self.names = [str(s["name"]) for s in signals]
        self.requests = {
            "candidate": requests * weight / 100,
            "stable": requests * (100 - weight) / 100 if beside else 0.0,
        }
        self.i = 0
        self.flight = self.begun()

    @property
    def now(self) -> float:
        """When the last window has become readable."""
        return START + self.i * INTERVAL + LAG

    def begun(self) -> Flight:
        """The flight that status speaks of."""
        found = begin(self.feature, self.now)
        assert found is not None
        return found

    def windows(
        self, bad: Mapping[str, Shares], dice: np.random.Generator | None = None
    ) -> dict[str, list[Window]]:
        """The next window of every signal named in `bad`: the share of bad events of each arm.

        An arm that is missing in the shares has no requests.
        """
        self.i += 1
        end = START + self.i * INTERVAL
        return {
            name: [Window(end, {arm: self._counts(arm, p, dice) for arm, p in arms.items()})]
            for name, arms in bad.items()
        }

    def _counts(self, arm: str, share: float, dice: np.random.Generator | None) -> Counts:
        if dice is None:
            return Counts(self.requests[arm], self.requests[arm] * share)
        asked = int(dice.poisson(self.requests[arm]))
        return Counts(asked, int(dice.binomial(asked, share)))

    def fly(
        self,
        number: int,
        candidate: float | None,
        stable: float | None,
        dice: np.random.Generator | None = None,
    ) -> "Flown":
        """So many windows with these shares in every signal; None: the arm is silent."""
        shares = {"candidate": candidate, "stable": stable}
        arms = {arm: p for arm, p in shares.items() if p is not None}
        for _ in range(number):
            self.feed(self.windows(dict.fromkeys(self.names, arms), dice))
        return self

    def feed(self, windows: Mapping[str, list[Window]]) -> "Flown":
        self.flight.feed(windows, step_began=float(START))
        return self

    def judged(self) -> Judged:
        return judged(self.feature, self.flight, now=self.now, lag=LAG, next_at=None)

    def verdicts(self) -> dict[str, str]:
        return {s.name: s.verdict for s in self.judged().signals}

    def line(self, signal: str) -> str:
        return next(s.message for s in self.judged().signals if s.name == signal)

    def crash(self) -> "Flown":
        """Another process takes over from what would stand in status."""
        evidence = list(self.judged().evidence)
        kept = self.feature.status.but(evidence=evidence)
        self.feature = self.feature.model_copy(update={"status": kept})
        self.flight = self.begun()
        return self
