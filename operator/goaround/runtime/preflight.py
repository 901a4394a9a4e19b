"""The pre-flight desk: runs contract checks and golden sets beside the passes.

Decides when a run begins, is repeated and is given up. A run that hangs delays no pass and no way
down; what a verdict does to a release is decided in `rollout/preflight.py`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from secrets import token_urlsafe
from typing import Final

import httpx

from goaround.api import names
from goaround.api.digest import plan_digest
from goaround.api.feature import Mode
from goaround.api.kinds import AIFeature
from goaround.api.reasons import Reason, Stage
from goaround.rollout.moves import in_flight
from goaround.rollout.observed import Checked, Problem
from goaround.rollout.preflight import is_awaited
from goaround.runtime.errands import Desk
from goaround.runtime.golden_job import Tools, Troubled, check, keep_report, read_set
from goaround.runtime.lease import NotOwner
from goaround.runtime.queue import Key, key_of
from goaround.world import pins
from goaround.world.backoff import doubling
from goaround.world.golden import Offload
from goaround.world.kube import Api, KubeError

log = logging.getLogger("goaround.preflight")

AT_ONCE: Final = 4
"""Runs at once, of all features together; each bounds its own requests."""

LONGEST_PAUSE: Final = 60.0
SET_SECONDS: Final = 60.0
"""So often the golden set of a flight is read again: another one starts the flight anew."""

Identity = tuple[str, str, int, str, bool]


@dataclass(slots=True)
class Case:
    """One attempt at the desk, while it waits for its verdict or after. pinned: this process made a
    pin that it has not seen gone."""

    who: Identity
    checked: Checked
    failures: int = 0
    retry_at: float = 0.0
    read_at: float | None = None
    pinned: bool = False

    def failed(self, problem: Problem | None, now: float) -> None:
        """Try again after a pause."""
        self.failures += 1
        self.retry_at = now + doubling(self.failures, 1.0, LONGEST_PAUSE)
        again = datetime.fromtimestamp(self.retry_at, UTC)
        self.checked = replace(self.checked, problem=problem, next_at=again)


Work = Callable[[AIFeature, Case], Awaitable[None]]


class PreflightDesk(Desk[Case]):
    """Runs what features ask for before take-off. `news` is called when there is something new."""

    def __init__(
        self,
        api: Api,
        http: httpx.AsyncClient,
        endpoints: Mapping[str, str],
        *,
        news: Callable[[Key], None],
        wall: Callable[[], datetime],
        offload: Offload = asyncio.to_thread,
        draw: Callable[[], str] = token_urlsafe,
    ) -> None:
        """`endpoints`: url by the name that an administrator gave it; `draw` makes a pin."""
        super().__init__()
        self._tools = Tools(api, http, endpoints, offload, draw)
        self._news = news
        self._wall = wall
        self._turns = asyncio.Semaphore(AT_ONCE)

    def checked(self, feature: AIFeature, now: datetime) -> Checked | None:
        """What is known now; starts what is due. None where nothing is asked, and no pin left."""
        left, known = feature.status.preflight, self._cases.get(feature.key)
        pinned = (left is not None and left.pin is not None) or (known is not None and known.pinned)
        if feature.spec.preflight is None and not pinned:
            self.forget(*feature.key)
            return None
        case, at = self._case(feature), now.timestamp()
        free = feature.key not in self._errands and at >= case.retry_at
        if free and (work := self._due(feature, case, at)) is not None:
            case.checked = replace(case.checked, next_at=None)
            self._errands.start(feature.key, self._done(feature, case, work))
        checked = case.checked
        # a time that has passed, and nothing is due: with it the feature were looked at without end
        past = checked.next_at is not None and checked.next_at <= now
        return replace(checked, next_at=None) if past else checked

    def gone(self, namespace: str, name: str) -> None:
        """The feature was deleted: its pin goes, too."""
        known = self._cases.get((namespace, name))
        self.forget(namespace, name)
        if known is not None and (known.pinned or known.who[-1]):
            self._errands.start((namespace, name), self._swept(namespace, name))

    def _case(self, feature: AIFeature) -> Case:
        """A run that is not wanted any more ends here: killed, superseded, or by another plan."""
        flown, known = feature.status.candidate, self._cases.get(feature.key)
        digest, attempt = (flown.digest, flown.attempt) if flown is not None else ("", 0)
        plan, runs = plan_digest(feature.spec), is_wanted(feature)
        who = (feature.metadata.uid, digest, attempt, plan, runs)
        if known is None or known.who != who:
            self.forget(*feature.key)
            pinned = known is not None and known.pinned
            known = Case(who, Checked(digest, attempt), pinned=pinned)
            self._cases[feature.key] = known
        return known

    def _due(self, feature: AIFeature, case: Case, now: float) -> Work | None:
        left = feature.status.preflight
        if is_wanted(feature):
            return self._run if case.checked.found is None else None
        told = left is not None and left.pin is not None
        if case.pinned or (told and case.checked.pin_gone != owner(feature)):
            return self._sweep
        if not is_followed(feature):
            return None
        if case.read_at is not None and now - case.read_at < SET_SECONDS:
            return None
        case.read_at = now
        return self._read_again

    async def _done(self, feature: AIFeature, case: Case, work: Work) -> None:
        """`work`, and what to say where it fails."""
        try:
            await work(feature, case)
        except Troubled as err:
            case.failed(err.problem, self._now())
        except NotOwner:
            return  # the next tenure begins anew, from status
        except KubeError as err:
            told = f"the API server did not do it ({type(err).__name__}): {err}"
            case.failed(Problem(Reason.ENDPOINT_UNAVAILABLE, told[:512]), self._now())
        except Exception:
            # the task's top: whatever breaks here must be told, and never becomes a verdict
            log.exception("pre-flight failed", extra={"feature": "/".join(feature.key)})
            told = "pre-flight failed; the operator's log says why"
            case.failed(Problem(Reason.ENDPOINT_UNAVAILABLE, told), self._now())
        self._errands.finish(feature.key)  # before news: what is next may begin
        self._news(key_of(feature))

    async def _run(self, feature: AIFeature, case: Case) -> None:
        """To the verdict. The pin is gone before that is said."""
        wanted, tools = feature.spec.preflight, self._tools
        assert wanted is not None
        namespace, name = feature.key
        async with self._turns:
            golden = await read_set(tools, feature, wanted)
            seen = golden.hash if golden is not None else None
            case.checked = replace(case.checked, golden=seen)
            mine = owner(feature)
            case.pinned = True
            keys = await pins.keep(tools.api, namespace, name, owner=mine, draw=tools.draw)
            found = await check(tools, feature, golden, keys)
            await pins.drop(tools.api, namespace, name)
            case.pinned = False
            kept = await keep_report(tools, feature, golden, found)
        case.checked = replace(
            case.checked,
            found=found.found,
            report=kept,
            problem=None,
            pin_gone=mine,
            next_at=None,
        )

    async def _sweep(self, feature: AIFeature, case: Case) -> None:
        await pins.drop(self._tools.api, *feature.key)
        case.pinned = False
        case.checked = replace(case.checked, pin_gone=owner(feature), problem=None, next_at=None)

    async def _swept(self, namespace: str, name: str) -> None:
        try:
            await pins.drop(self._tools.api, namespace, name)
        except (KubeError, NotOwner) as err:
            # harmless: without its feature there is no flag that knows it
            told = {"feature": f"{namespace}/{name}", "error": str(err)}
            log.warning("a pin was left behind", extra=told)

    async def _read_again(self, feature: AIFeature, case: Case) -> None:
        """Whether the golden set of the flight is still the one it was cleared by."""
        if feature.spec.preflight is None:
            return
        try:
            golden = await read_set(self._tools, feature, feature.spec.preflight)
        except Troubled:
            golden = None  # a set that cannot be read says nothing new
        again = datetime.fromtimestamp(self._now() + SET_SECONDS, UTC)
        seen = golden.hash if golden is not None else case.checked.golden
        case.checked = replace(case.checked, golden=seen, next_at=again)

    def _now(self) -> float:
        return self._wall().timestamp()


def owner(feature: AIFeature) -> str:
    """Whose pin it is that status speaks of."""
    known = feature.status.preflight
    digest, attempt = (known.digest or "", known.attempt) if known is not None else ("", 0)
    return names.pin_of(feature.metadata.uid, digest, attempt)


def is_wanted(feature: AIFeature) -> bool:
    """Whether the candidate waits for a verdict."""
    enforced = feature.spec.mode is Mode.ENFORCE and feature.metadata.deletion_timestamp is None
    return feature.spec.preflight is not None and enforced and is_awaited(feature.status)


def is_followed(feature: AIFeature) -> bool:
    """Whether another golden set would mean another flight."""
    wanted, status = feature.spec.preflight, feature.status
    flown = status.candidate
    if wanted is None or wanted.golden_set is None or flown is None or flown.adopted:
        return False
    return in_flight(status) or status.stage is Stage.INCONCLUSIVE
