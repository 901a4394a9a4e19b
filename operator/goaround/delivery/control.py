"""Lowering past the API server: what the operator may ask of a flag replica when status is late.

It only ever takes users off a candidate, and only until status says something newer: status stays
the truth. It refuses to raise, to move another flight than the one named, and to keep any secret.
"""

import asyncio
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx
from pydantic import BaseModel, Field, ValidationError, model_validator

from goaround.api.base import Digest, Model
from goaround.api.kinds import AIFeature
from goaround.api.status import Split
from goaround.delivery.replicas import TIMEOUT_SECONDS, ReplicaSource, ask

MAX_BODY_BYTES = 4096
PATH = "/lower"
SHORTEST_TOKEN = 16
LARGEST_REVISION = 1 << 53

FeatureKey = tuple[str, str]


class Lowering(Model):
    """Serve the candidate of this attempt no more than `split` says, until `status.revision` is
    greater than `revision`."""

    uid: str = Field(min_length=1, max_length=64)
    attempt: int = Field(ge=1)
    digest: Digest
    split: Split
    revision: int = Field(ge=0, le=LARGEST_REVISION)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        split = self.split
        if split.stable + split.candidate + split.fallback != 100:
            raise ValueError("the split must sum to 100")
        return self

    def concerns(self, feature: AIFeature) -> bool:
        """Whether it speaks of the flight that the feature's status shows, and is not outdated."""
        flown = feature.status.candidate
        return (
            flown is not None
            and (self.uid, self.digest, self.attempt)
            == (feature.metadata.uid, flown.digest, flown.attempt)
            and feature.status.revision <= self.revision
        )


class NotLowered(Exception):
    """The replica does not do it; the text says why. `candidate` is the share it serves."""

    def __init__(self, reason: str, candidate: int) -> None:
        super().__init__(reason)
        self.candidate = candidate


class UnknownFeature(Exception):
    """No feature has this uid."""


class Held:
    """The lowerings that a replica holds, by feature. In memory only: status is the truth."""

    def __init__(self) -> None:
        self._held: dict[FeatureKey, Lowering] = {}

    def applied(self, feature: AIFeature) -> AIFeature:
        """The feature as it is to be served; forgets a lowering that status has passed.

        Returns the very same object where nothing is lowered.
        """
        held = self._in_force(feature)
        if held is None or feature.status.split.candidate <= held.split.candidate:
            return feature
        return feature.but(status=feature.status.but(split=held.split))

    def take(self, wanted: Lowering, feature: AIFeature, served: Split) -> None:
        """Holds it from now on; `served` is what users get now. Raises NotLowered.

        A repeat of what is held is taken, so that the sender need not know what arrived.
        """
        if not wanted.concerns(feature):
            raise NotLowered(_other_flight(wanted, feature), served.candidate)
        held = self._in_force(feature)
        if held is not None and held.split == wanted.split:
            latest = max(held.revision, wanted.revision)
            self._held[feature.key] = held.but(revision=latest)
            return
        if wanted.split.candidate >= served.candidate:
            raise NotLowered(
                f"the candidate is served {served.candidate} %, and {wanted.split.candidate} % is "
                "not lower",
                served.candidate,
            )
        if wanted.split.fallback < served.fallback:
            reason = f"{served.fallback} % are on the fallback and may not leave it"
            raise NotLowered(reason, served.candidate)
        self._held[feature.key] = wanted

    def forget(self, key: FeatureKey) -> None:
        """The feature vanished."""
        self._held.pop(key, None)

    def _in_force(self, feature: AIFeature) -> Lowering | None:
        held = self._held.get(feature.key)
        if held is not None and not held.concerns(feature):
            del self._held[feature.key]
            return None
        return held


def _other_flight(wanted: Lowering, feature: AIFeature) -> str:
    status = feature.status
    if status.revision > wanted.revision:
        return f"status.revision is {status.revision} already, newer than {wanted.revision}"
    return f"attempt {wanted.attempt} of {wanted.digest[7:19]} is not what flies here"


@dataclass(frozen=True, slots=True)
class TokenFile:
    """The bearer token that operator and replicas share. Read at each use, because a mounted Secret
    is renewed in place."""

    path: Path

    def read(self) -> str:
        """The token. Raises ValueError, in words for an administrator, where there is none."""
        try:
            token = self.path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"the control token {self.path} cannot be read: {error}") from error
        if len(token) < SHORTEST_TOKEN:
            raise ValueError(
                f"the control token {self.path} is shorter than {SHORTEST_TOKEN} characters"
            )
        return token

    def admits(self, authorization: str) -> bool:
        """Whether an `Authorization` header carries the token; compared in constant time."""
        try:
            wanted = f"Bearer {self.read()}"
        except ValueError:
            return False
        return hmac.compare_digest(authorization.encode(errors="surrogateescape"), wanted.encode())


class LowerAnswer(BaseModel):
    """What a control port answers: the candidate's share that it serves now, and why if it did
    nothing."""

    candidate: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a lowering: how many of the replicas serve no more than it says."""

    lowered: int
    replicas: int
    problems: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"lowered on {self.lowered} of {self.replicas} flag replicas"


class ControlPorts:
    """The control ports of all flag replicas. Each replica tells its own port in `/revisions`, so
    that there is one list of replicas, and a port that the kernel chose is found again."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        source: ReplicaSource,
        token: TokenFile,
        *,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._http, self._source, self._token = http, source, token
        self._timeout = timeout
        self._known: dict[str, int] = {}

    async def lower(self, wanted: Lowering, only: Collection[str] | None = None) -> Told:
        """Asks all replicas (or only these URLs) at once, each for at most `timeout` seconds.

        Raises nothing: a replica that is dead or refuses is a problem that is told.
        """
        urls = [u for u in await self._source.urls() if only is None or u in only]
        try:
            token = self._token.read()
        except ValueError as error:
            return Told(0, len(urls), (str(error),))
        answers = await asyncio.gather(*(self._lower(url, token, wanted) for url in urls))
        problems = tuple(f"{u}: {why}" for u, why in zip(urls, answers, strict=True) if why)
        return Told(len(urls) - len(problems), len(urls), problems)

    async def _lower(self, url: str, token: str, wanted: Lowering) -> str:
        """Why this replica may serve more than wanted; "" when it does not."""
        try:
            async with asyncio.timeout(self._timeout):
                port = self._known.get(url) or await self._found(url)
                try:
                    return await self._posted(url, port, token, wanted)
                except httpx.ConnectError:
                    # a replica that was started anew may have chosen another port
                    return await self._posted(url, await self._found(url), token, wanted)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return f"its control port does not answer ({type(error).__name__})"

    async def _found(self, url: str) -> int | None:
        self._known.pop(url, None)
        answer = await ask(self._http, url, self._timeout)
        if answer.control is not None:
            self._known[url] = answer.control
        return answer.control

    async def _posted(self, url: str, port: int | None, token: str, wanted: Lowering) -> str:
        if port is None:
            return "it tells no control port: it is dead, or was started without a token"
        response = await self._http.post(
            httpx.URL(url).copy_with(port=port, raw_path=PATH.encode()),
            content=wanted.model_dump_json(by_alias=True),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        try:
            answer = LowerAnswer.model_validate_json(response.content)
        except ValidationError:
            answer = LowerAnswer(reason="the answer is not understood")
        share = answer.candidate if response.status_code in (200, 409) else None
        if share is not None and share <= wanted.split.candidate:
            return ""
        return f"{response.status_code}: {answer.reason[:200]}"
