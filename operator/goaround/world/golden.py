"""Runs golden cases and contract checks against an endpoint, on both releases side by side.

Decides which release answered (by its own word, in a header) and whether a run passed. Refuses to
score what another release answered, and to take an endpoint that is down for a bad release.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import httpx

from goaround.evidence.golden import Runs
from goaround.evidence.golden_assertions import answer, broken
from goaround.evidence.golden_report import Tallies, Tally
from goaround.evidence.golden_set import GoldenCase, GoldenSet
from goaround.world.asking import Failure, Limits, Question, Reply, Target, ask

PIN_SECONDS: Final = 10.0
"""So long a pin may take to reach every app: flags are streamed, and a replica looks for the pin
every half second."""

PIN_PAUSE: Final = 0.25


class Unavailable(Exception):
    """No verdict is possible now; the text says why, and what to do."""


class Offload(Protocol):
    """Computes beside the event loop, as `asyncio.to_thread` does."""

    def __call__(self, work: Callable[..., Any], /, *args: Any) -> Awaitable[Any]: ...


@dataclass(frozen=True, slots=True)
class Arm:
    """One release under test: the pin that selects it, and what it must say of itself."""

    pin: str
    release: str


@dataclass(frozen=True, slots=True)
class Terms:
    """How the cases are run."""

    repeats: int
    concurrency: int
    limits: Limits


@dataclass(slots=True)
class _Count:
    passed: int = 0
    total: int = 0
    why: Counter[str] = field(default_factory=Counter)


class GoldenRun:
    """One run of a whole set. `stable` is absent where there is no last-known-good."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        targets: Sequence[Target],
        golden: GoldenSet,
        *,
        candidate: Arm,
        stable: Arm | None,
        terms: Terms,
        offload: Offload,
    ) -> None:
        self._client = client
        self._targets = targets
        self._golden = golden
        self._arms = [candidate, stable] if stable is not None else [candidate]
        self._terms = terms
        self._offload = offload
        self._counts = {(arm, one.name): _Count() for arm in self._arms for one in golden.cases}
        self._bodies = {one.name: json.dumps(one.input).encode() for one in golden.cases}

    async def run(self) -> tuple[Tallies, Tallies | None]:
        """Runs by case, of the candidate and of stable. Raises Unavailable."""
        for target in self._targets:
            await self._pinned(target)
        todo = iter(self._todo())

        async def work() -> None:
            for arm, case, target in todo:
                await self._one(arm, case, target)

        await _all([work() for _ in range(self._terms.concurrency)])
        self._require_answers()
        tallies = [self._tallies(arm) for arm in self._arms]
        return tallies[0], tallies[1] if len(tallies) > 1 else None

    @property
    def _reference(self) -> Arm:
        """The arm that must answer for anything to be proven: not the one under suspicion, where
        there is another."""
        return self._arms[-1]

    def _todo(self) -> list[tuple[Arm, GoldenCase, Target]]:
        """Both releases of one case go to the same place, one after the other."""
        rounds = [(r, c) for r in range(self._terms.repeats) for c in self._golden.cases]
        return [
            (arm, case, self._targets[number % len(self._targets)])
            for number, (_, case) in enumerate(rounds)
            for arm in self._arms
        ]

    async def _pinned(self, target: Target) -> None:
        """Wait until the pin has reached the app."""
        loop = asyncio.get_running_loop()
        until = loop.time() + PIN_SECONDS
        number = 0
        while True:
            case = self._golden.cases[number % len(self._golden.cases)]
            reply = await self._ask(self._reference, case, target)
            if isinstance(reply, Reply) and reply.release == self._reference.release:
                return
            if reply is Failure.UNREACHABLE:
                raise Unavailable("the endpoint takes no connection: check that it runs")
            if loop.time() >= until:
                raise Unavailable(self._unpinned(reply))
            number += 1
            await asyncio.sleep(PIN_PAUSE)

    def _unpinned(self, reply: Reply | Failure) -> str:
        wanted = self._reference.release
        if isinstance(reply, Failure):
            return f"the endpoint does not answer as {wanted} ({reply}): check the app"
        if not reply.release:
            return (
                f"the endpoint does not say which release answers (HTTP {reply.status}): it must "
                "send x-aifeature-release, as the reference app does"
            )
        return (
            f"another release than {wanted} answers: the app must evaluate the flag with "
            "x-goaround-pin as targeting key"
        )

    async def _one(self, arm: Arm, case: GoldenCase, target: Target) -> None:
        reply = await self._ask(arm, case, target)
        why = await self._failed(reply, arm, case)
        count = self._counts[arm, case.name]
        count.total += 1
        if why is None:
            count.passed += 1
        else:
            count.why[why] += 1

    async def _failed(self, reply: Reply | Failure, arm: Arm, case: GoldenCase) -> str | None:
        """Why this run did not pass; None: it did."""
        if reply is Failure.UNREACHABLE:
            raise Unavailable("the endpoint went away: it takes no connection any more")
        if isinstance(reply, Failure):
            return str(reply)
        if not 200 <= reply.status < 300:
            return "status"
        if reply.release != arm.release:
            raise Unavailable(
                f"another release than {arm.release} answered to its pin: nothing of this run "
                "counts"
            )
        why: str | None = await self._offload(_judged, case, reply.body)
        return why

    async def _ask(self, arm: Arm, case: GoldenCase, target: Target) -> Reply | Failure:
        question = Question("POST", self._bodies[case.name], arm.pin)
        return await ask(self._client, target, question, self._terms.limits)

    def _require_answers(self) -> None:
        """A reference that mostly gives no answer at all proves nothing about the other."""
        kinds = {*map(str, Failure), "status"}
        counts = [c for (arm, _), c in self._counts.items() if arm is self._reference]
        silent = sum(n for c in counts for why, n in c.why.items() if why in kinds)
        total = sum(c.total for c in counts)
        if 2 * silent > total:
            raise Unavailable(
                f"{silent} of {total} requests to {self._reference.release} got no answer: the "
                "endpoint is not well, which proves nothing about the candidate"
            )

    def _tallies(self, arm: Arm) -> Mapping[str, Tally]:
        return {
            name: Tally(Runs(count.passed, count.total), dict(count.why))
            for (of, name), count in self._counts.items()
            if of is arm
        }


def _judged(case: GoldenCase, body: bytes) -> str | None:
    return broken(case.assertions, answer(body))


async def _all(work: Sequence[Awaitable[None]]) -> None:
    """All of it, or the first failure, after which nothing of it goes on."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
