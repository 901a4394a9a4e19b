"""What the client's tests share: flagd's own evaluator, a clock, and releases that misbehave.

Decides the shapes the flag stream sends. The provider is real but for its wire: the same evaluator
that the in-process provider of flagd runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.contrib.provider.flagd.resolvers.in_process import InProcessResolver
from openfeature.evaluation_context import EvaluationContext
from prometheus_client import CollectorRegistry

from examples.client.goaround_client import BUCKETS, GoAround, Reply, SessionRelease, Wire

FEATURE = "pricing"
OLD, NEW = "aaaaaaaaaaaa", "cccccccccccc"
NUMBER: Wire = {
    "type": "object",
    "required": ["price"],
    "properties": {"price": {"type": "number", "minimum": 0}},
}
CONTRACT: Wire = {
    "input": {"schema": {"type": "object", "properties": {"units": {"type": "integer"}}}},
    "output": {"schema": NUMBER, "retries": 1, "onViolation": "Fallback", "violationLogDays": 9},
}
GOOD, BAD = {"price": 3.5}, {"price": "3.5 hunter2"}
KEY = {"var": "targetingKey"}
_names = count()


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Offline(FlagdProvider):
    """The provider of apps with its in-process evaluator; flags come by `send`, not by a stream."""

    def __init__(self) -> None:
        super().__init__(host="127.0.0.1", port=1, resolver_type=ResolverType.IN_PROCESS)

    def initialize(self, evaluation_context: EvaluationContext) -> None:
        """No stream is opened."""

    def send(self, flag: Mapping[str, object] | None) -> None:
        """Replace the release flag; None: no flags at all."""
        found = {f"{FEATURE}.release": flag, f"{FEATURE}.bucket": BUCKET_FLAG} if flag else {}
        assert isinstance(self.resolver, InProcessResolver)
        self.resolver.evaluator.set_flags(json.dumps({"flags": found}))


def value(release: str = OLD, **more: object) -> dict[str, object]:
    """What a variant carries for a release."""
    return {"enabled": True, "release": release, "model": {"name": "m", "version": "1"}, **more}


def _salted(shares: Sequence[Sequence[object]]) -> dict[str, object]:
    return {"if": [KEY, {"fractional": [{"cat": ["salt", KEY]}, *shares]}, None]}


def flag(
    *,
    percent: int = 0,
    stable: Wire | None = None,
    candidate: Wire | None = None,
    fallback: Wire | None = None,
    serves: str = "stable",
) -> dict[str, object]:
    """The release flag with `percent` of users on the candidate; `serves="fallback"` is a kill."""
    stable = stable or value()
    told: dict[str, object] = {
        "state": "ENABLED",
        "defaultVariant": serves,
        "variants": {
            "stable": stable,
            "candidate": candidate or value(NEW),
            "fallback": {"enabled": False, "release": "", "fallback": fallback or {}},
            "golden": candidate or value(NEW),
            "goldenStable": stable,
        },
        "metadata": {"stableRelease": str(stable["release"])},
    }
    if serves == "fallback":
        return told
    split = _salted([["candidate", percent], ["stable", 100 - percent]])
    pins = [{"==": [KEY, "pin-c"]}, "golden", {"==": [KEY, "pin-s"]}, "goldenStable"]
    return told | {"targeting": {"if": [*pins, split]}}


BUCKET_FLAG: Wire = {
    "state": "ENABLED",
    "defaultVariant": "b00",
    "variants": {bucket: bucket for bucket in BUCKETS},
    "targeting": _salted([[bucket, 1] for bucket in BUCKETS]),
}


@dataclass(slots=True)
class App:
    """One client on offline flags, with a release that says what `says` says, in turn."""

    instead: Mapping[str, Callable[[Any, Wire], Any]] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    flags: Offline = field(default_factory=Offline)
    says: list[object] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    client: GoAround = field(init=False)

    def __post_init__(self) -> None:
        # providers are known by domain in the whole process: each client has a namespace of its own
        self.client = GoAround(
            f"shop-{next(_names)}", FEATURE, CollectorRegistry(), self.instead,
            clock=self.clock, provider=self.flags,
        )  # fmt: skip
        self.client.start()

    def ask(self, release: Wire, _: object) -> Reply:
        """Says the next of `says`, the last for ever; raises what is an exception."""
        self.asked.append(str(release.get("release", release)))
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0] if self.says else GOOD
        if isinstance(said, Exception):
            raise said
        return said if isinstance(said, Reply) else Reply(said)

    def answer(self, session: SessionRelease, request: object = None) -> Reply:
        return self.client.answer(session, {"units": 1} if request is None else request, self.ask)

    def on(self, told: Wire, arm: str = "stable") -> SessionRelease:
        """A session with this value on an arm."""
        return SessionRelease("user-1", arm, arm, "b01", told)

    def read(self, name: str, **labels: str) -> float:
        """Sum of all series of a metric with these labels."""
        found = [s for m in self.client.registry.collect() for s in m.samples if s.name == name]
        return sum(s.value for s in found if labels.items() <= s.labels.items())
