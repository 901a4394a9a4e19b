"""Lowering past the API server: what the operator may ask of a flag replica when status is late.

It only ever takes users off one release, and only until status says something newer: status stays
the truth. It refuses to raise a candidate, to leave another release than the one named, to serve
one that status does not hold, and to keep any secret.
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
from goaround.api.status import ALL_FALLBACK, ALL_STABLE, AIFeatureStatus, Split
from goaround.delivery.replicas import TIMEOUT_SECONDS, ReplicaSource, ask

MAX_BODY_BYTES = 4096
PATH = "/lower"
SHORTEST_TOKEN = 16
LARGEST_REVISION = 1 << 53

FeatureKey = tuple[str, str]


class Lowering(Model):
    """Serve the candidate of this attempt no more than `split` says, until `status.revision` is
    greater than `revision`.

    attempt 0: `digest` is last-known-good and turned bad, nobody is to be served it. The good
    release before it serves everybody where it is `back_to` and in status with its content, else
    the fallback: no content is posted, so that whoever posts cannot choose what is served.
    """

    uid: str = Field(min_length=1, max_length=64)
    attempt: int = Field(ge=0)
    digest: Digest
    split: Split
    revision: int = Field(ge=0, le=LARGEST_REVISION)
    back_to: Digest | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        split = self.split
        if split.stable + split.candidate + split.fallback != 100:
            raise ValueError("the split must sum to 100")
        if self.attempt == 0 and split != (ALL_STABLE if self.back_to else ALL_FALLBACK):
            raise ValueError("what replaces last-known-good is backTo or the fallback, with 100 %")
        return self

    def concerns(self, feature: AIFeature) -> bool:
        """Whether it speaks of the flight that the feature's status shows, or of what is live
        there, and is not outdated."""
        status = feature.status
        if self.uid != feature.metadata.uid or status.revision > self.revision:
            return False
        if self.attempt == 0:
            return status.last_known_good is not None and (
                status.last_known_good.digest == self.digest
            )
        flown = status.candidate
        return flown is not None and (self.digest, self.attempt) == (flown.digest, flown.attempt)

    def applied(self, status: AIFeatureStatus) -> AIFeatureStatus:
        """What is to be served of `status`; the very same object where that is as little."""
        if self.attempt > 0:
            less = status.split.candidate <= self.split.candidate
            return status if less else status.but(split=self.split)
        back = status.previous_good
        if back is None or back.digest != self.back_to or status.split.fallback > 0:
            return status.but(last_known_good=None, split=ALL_FALLBACK)
        return status.but(last_known_good=back, previous_good=None, split=ALL_STABLE)

    def share(self, status: AIFeatureStatus, served: Split) -> int:
        """Percent of users on what it takes users off, as far as a replica with this status that
        divides them so can tell."""
        if self.attempt > 0:
            return served.candidate
        good = status.last_known_good
        newer = status.revision > self.revision
        left = good is not None and (
            good.digest == self.back_to or (newer and good.digest != self.digest)
        )
        return 0 if left else 100 - served.fallback


class NotLowered(Exception):
    """The replica does not do it; the text says why. `candidate` is the share that the release
    which was named goes on to be served."""

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
        status = held.applied(feature.status) if held is not None else feature.status
        return feature if status is feature.status else feature.but(status=status)

    def take(self, wanted: Lowering, feature: AIFeature, served: Split) -> None:
        """Holds it from now on; `served` is what users get now. Raises NotLowered.

        A repeat of what is held is taken, so that the sender need not know what arrived.
        """
        share = wanted.share(self.applied(feature).status, served)
        if not wanted.concerns(feature):
            raise NotLowered(_other_flight(wanted, feature), share)
        held, latest = self._in_force(feature), wanted.revision
        if held is not None and held.but(revision=latest) == wanted:
            self._held[feature.key] = held.but(revision=max(held.revision, latest))
            return
        if wanted.split.candidate >= share:
            reason = f"it is served {share} %, and {wanted.split.candidate} % is not lower"
            raise NotLowered(reason, share)
        if wanted.split.fallback < served.fallback:
            reason = f"{served.fallback} % are on the fallback and may not leave it"
            raise NotLowered(reason, share)
        # whatever it replaces was to hold until then, and is not to end earlier for it
        latest = max(latest, held.revision if held is not None else 0)
        self._held[feature.key] = wanted.but(revision=latest)

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
    if wanted.attempt == 0:
        return f"{wanted.digest[7:19]} is not what is live here"
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
    """What a control port answers: the share that it serves of the release that was named, and why
    if it did nothing."""

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
