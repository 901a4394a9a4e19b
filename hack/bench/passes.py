"""What one pass costs in CPU, part by part, without any I/O; and what a feature costs in memory.

The parts are the real ones: parsing, feeding a window to the tests, judging, deciding.
"""

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from goaround.api.base import Json
from goaround.api.digest import release_digest
from goaround.api.feature import Release
from goaround.api.kinds import AIFeature
from goaround.api.reasons import Stage
from goaround.api.status import ALL_STABLE, AIFeatureStatus, KnownRelease
from goaround.evidence.judge import Counts, Window
from goaround.rollout.decide import decide
from goaround.rollout.observed import Observed
from goaround.runtime.flight import Flight, begin
from goaround.runtime.judging import judged
from hack.bench.figures import table
from hack.bench.usage import rss_mib
from hack.bench.world import GOOD, manifest, release

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ROUNDS = 400
LAG = 1.0


@dataclass(slots=True)
class Held:
    """What the operator keeps of one feature: the body, the object made of it, its evidence."""

    body: Json
    feature: AIFeature
    flight: Flight


def run(features: int) -> Json:
    """CPU microseconds of each part for one feature at 10 %, and KiB of `features` of them."""
    before = rss_mib(os.getpid())
    held = [_held(f"feature-{n:04}") for n in range(features)]
    grown = rss_mib(os.getpid()) - before
    rows = [
        {"part": part, "CPU µs": round(_microseconds(do, held), 1)} for part, do in PARTS.items()
    ]
    memory = {"features": features, "MiB": round(grown, 1), "KiB each": _kib(grown, features)}
    print(table("one pass over one feature at 10 %, two signals (CPU µs)", rows))
    print(table("memory of features in flight", [memory]), end="\n\n")
    return {"rows": rows, "memory": memory, "bodyBytes": len(json.dumps(held[0].body))}


def _kib(mib: float, features: int) -> float:
    return round(mib * 1024 / features, 1)


def _held(name: str) -> Held:
    feature = _at_ten(name)
    flight = begin(feature, NOW.timestamp())
    assert flight is not None
    _feed(Held({}, feature, flight), 1)
    body = json.loads(json.dumps(feature.wire()))
    return Held(body, AIFeature.model_validate(body), flight)


def _at_ten(name: str) -> AIFeature:
    """A feature whose release was good, and which asked for another one."""
    good = Release.model_validate(release(GOOD))
    known = KnownRelease(digest=release_digest(good), release=good, since=NOW)
    body = manifest(name, "v42")
    body["metadata"] |= {"namespace": "bench", "uid": f"uid-{name}", "resourceVersion": "1"}
    status = AIFeatureStatus(stage=Stage.LIVE, split=ALL_STABLE, last_known_good=known)
    feature = AIFeature.model_validate(body).but(status=status)
    while feature.status.stage is not Stage.RAMPING:
        feature = feature.but(status=decide(Observed(feature=feature), NOW).status)
    return feature


def _feed(held: Held, end: int) -> None:
    """One window of one second, with no harm in it."""
    at = int(NOW.timestamp()) + end
    arms = {"stable": Counts(180.0, 1.0), "candidate": Counts(20.0, 0.0)}
    windows = {s.name: [Window(at, arms)] for s in held.feature.spec.acceptance.signals}
    held.flight.feed(windows, step_began=NOW.timestamp())


def _judge(held: Held, end: int) -> Observed:
    now = NOW + timedelta(seconds=end + LAG)
    told = judged(held.feature, held.flight, now=now.timestamp(), lag=LAG, next_at=None)
    return Observed(feature=held.feature, judged=told)


def _decide(held: Held, end: int) -> None:
    decide(OBSERVED[id(held)], NOW + timedelta(seconds=end + LAG))


OBSERVED: dict[int, Observed] = {}
PARTS: dict[str, Callable[[Held, int], object]] = {
    "parse the body": lambda held, _: AIFeature.model_validate(held.body),
    "feed one window": _feed,
    "judge": _judge,
    "decide": _decide,
    "status for the wire": lambda held, _: held.feature.status.wire(),
}


def _microseconds(do: Callable[[Held, int], object], held: Sequence[Held]) -> float:
    """CPU time of one call, on average over 400 of them."""
    some = [held[n % len(held)] for n in range(ROUNDS)]
    OBSERVED.update({id(h): _judge(h, 1) for h in some})
    began = time.process_time()
    for n, one in enumerate(some):
        do(one, 2 + n)
    return (time.process_time() - began) / ROUNDS * 1e6
