"""How far a decision has got, as the flag replicas tell it.

Every replica is asked once for all features; a short cache serves the rest. A replica that does
not answer, or has not listed everything, is a problem to report, never a guess.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import httpx
from pydantic import BaseModel, Field, ValidationError

MAX_AGE_SECONDS = 0.1
TIMEOUT_SECONDS = 1.0
DEAF = "is lowered through its control port and has not heard of the decision itself"


class FeatureRevision(BaseModel):
    """One feature on one replica."""

    revision: int
    streams: int
    lowered: bool = False
    problem: str | None = None


ABSENT = FeatureRevision(revision=0, streams=0, problem="does not serve the feature")


class RevisionsAnswer(BaseModel):
    """What one replica answers; `control` is its control port, if it has one; `problem` says why it
    counts for nothing."""

    listed: bool = False
    replica: str = ""
    control: int | None = Field(default=None, ge=1, le=65535)
    revisions: dict[str, FeatureRevision] = {}
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ReplicaView:
    """One feature on all replicas.

    `revision` is the lowest of the replicas that answered (0 where one does not know the feature),
    None when none did. One that is lowered past the API server does not count as one that answered.
    """

    revision: int | None
    replicas: int
    expected: int
    streams: int
    problems: tuple[str, ...]


class ReplicaSource(Protocol):
    """Where the flag replicas are."""

    async def urls(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class StaticReplicas:
    """The replicas that `--flag-replica` names."""

    listed: tuple[str, ...]

    async def urls(self) -> Sequence[str]:
        return self.listed


class Replicas:
    """All flag replicas, asked together and at most once per `max_age` seconds."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        source: ReplicaSource,
        *,
        max_age: float = MAX_AGE_SECONDS,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._http, self._source = http, source
        self._max_age, self._timeout = max_age, timeout
        self._one_at_a_time = asyncio.Lock()
        self._answers: Mapping[str, RevisionsAnswer] = {}
        self._stale_at = float("-inf")

    async def view(self) -> Mapping[str, RevisionsAnswer]:
        """The answers by URL, at most `max_age` old when the call began."""
        asked = asyncio.get_running_loop().time()
        async with self._one_at_a_time:
            if asked >= self._stale_at:
                urls = await self._source.urls()
                begun = asyncio.get_running_loop().time()
                told = await asyncio.gather(*(ask(self._http, u, self._timeout) for u in urls))
                self._answers = dict(zip(urls, told, strict=True))
                self._stale_at = begun + self._max_age
        return self._answers

    async def read(self, uid: str) -> ReplicaView:
        """One feature, from the shared view."""
        return combined(await self.view(), uid)


async def read_replicas(http: httpx.AsyncClient, urls: Sequence[str], uid: str) -> ReplicaView:
    """One feature, asked now."""
    return await Replicas(http, StaticReplicas(tuple(urls))).read(uid)


def combined(answers: Mapping[str, RevisionsAnswer], uid: str) -> ReplicaView:
    """One feature on all replicas, from what each of them answered. Pure."""
    good = {url: answer for url, answer in answers.items() if answer.problem is None}
    told = {url: answer.revisions.get(uid, ABSENT) for url, answer in good.items()}
    problems = [f"{url}: {answer.problem}" for url, answer in answers.items() if answer.problem]
    problems += [f"{url}: {one.problem}" for url, one in told.items() if one.problem]
    problems += [f"{url}: {DEAF}" for url, one in told.items() if one.lowered]
    heard = [one for one in told.values() if not one.lowered]
    return ReplicaView(
        revision=min((one.revision for one in heard), default=None),
        replicas=len(heard),
        expected=len(answers),
        streams=sum(one.streams for one in told.values()),
        problems=tuple(problems),
    )


async def ask(http: httpx.AsyncClient, url: str, timeout: float) -> RevisionsAnswer:
    """What one replica answers within `timeout` seconds; never raises."""
    try:
        async with asyncio.timeout(timeout):
            response = await http.get(f"{url.rstrip('/')}/revisions")
        response.raise_for_status()
        answer = RevisionsAnswer.model_validate_json(response.content)
    except (httpx.HTTPError, TimeoutError) as error:
        return RevisionsAnswer(problem=f"does not answer ({type(error).__name__})")
    except ValidationError:
        return RevisionsAnswer(problem="answers something else than revisions")
    if not answer.listed:
        return answer.model_copy(update={"problem": "is not ready: not everything is listed"})
    return answer
