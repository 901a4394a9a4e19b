"""Rounds of reading: which windows of which signals are read now, and who is told.

Quick answers of a round are judged together and do not wait for slow ones. What a window says is
not decided here.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from goaround.api.kinds import AIFeature
from goaround.evidence import grid
from goaround.runtime.aftermath import Aftermath
from goaround.runtime.case import Case, Subject, any_answer
from goaround.runtime.lookout import Lookout
from goaround.runtime.metrics import Metrics
from goaround.runtime.queue import Key, key_of
from goaround.runtime.readings import Purpose, is_known, shape_of, understood, wanted
from goaround.world.prometheus import FeatureKey, Provider, Read, Shape

log = logging.getLogger("goaround.desk")

CATCH_UP = 1000
TOGETHER_SECONDS = 0.2
"""So long the quick answers of a round wait for the slow ones, to be judged in one pass."""


class Reader(Protocol):
    """Whoever reads counts of one provider, as `PrometheusReader` does."""

    async def read(self, feature: FeatureKey, shape: Shape, ends: range) -> Read: ...


class Rounds:
    """Starts reads beside the passes. `news` is called when one has been taken in."""

    def __init__(
        self,
        readers: Mapping[str, Reader],
        *,
        news: Callable[[Key], None],
        metrics: Metrics,
        wall: Callable[[], datetime],
    ) -> None:
        self._readers = readers
        self._news = news
        self._metrics = metrics
        self._wall = wall

    def due(
        self,
        feature: AIFeature,
        case: Case,
        provider: Provider,
        subject: Subject,
        now: float,
    ) -> datetime | None:
        """Start the reads that are due; say when the next one is, unless news will come first."""
        interval, lag = subject.interval, provider.lag_seconds
        waiting: dict[str, float] = {}
        due: dict[str, range] = {}
        for name, last_t in subject.read_to.items():
            if name in case.asked or not is_known(feature, name):
                continue
            ends = grid.ends(last_t, now, lag, interval)[:CATCH_UP]
            if ends and now >= case.retry_at.get(name, 0.0):
                due[name] = ends
            else:
                again = case.retry_at.get(name, 0.0)
                waiting[name] = max(grid.due(last_t, interval, lag), again)
        if due:
            case.asked.update(due)
            task = asyncio.create_task(self._round(feature, case, provider, due))
            case.rounds.add(task)
            task.add_done_callback(case.rounds.discard)
        return datetime.fromtimestamp(min(waiting.values()), UTC) if waiting else None

    async def _round(
        self, feature: AIFeature, case: Case, provider: Provider, due: Mapping[str, range]
    ) -> None:
        """Read what is due. What is answered is judged together, and does not wait for the rest."""
        subject = case.subject
        reads = self._begun(feature, provider, due)
        waiting, enough = set(reads), asyncio.ALL_COMPLETED
        patience: float | None = TOGETHER_SECONDS
        try:
            while waiting and case.is_about(subject):
                done, waiting = await asyncio.wait(waiting, timeout=patience, return_when=enough)
                patience, enough = None, asyncio.FIRST_COMPLETED
                told = {name: task.result() for task in done for name in reads[task]}
                if told and case.is_about(subject):
                    purpose = _purpose(subject)
                    answers = {
                        name: understood(feature, name, read, due[name], purpose=purpose)
                        for name, read in told.items()
                    }
                    await self._take(feature, case, answers)
        except Exception:
            # the task's top: whatever breaks here must hold the feature, not blind it in silence
            log.exception("reading failed", extra={"feature": "/".join(feature.key)})
            now = self._wall().timestamp()
            for name in due:
                case.failed(name, "reading failed; the operator's log says why", now)
            self._news(key_of(feature))
        finally:
            for task in reads:
                task.cancel()

    def _begun(
        self, feature: AIFeature, provider: Provider, due: Mapping[str, range]
    ) -> Mapping[asyncio.Task[Read], list[str]]:
        """One read per shape and range of windows, with the signals that it is for."""
        reader, where = self._readers[provider.name], FeatureKey(*feature.key)
        asked: dict[tuple[Shape, range], list[str]] = {}
        for name, ends in due.items():
            question = shape_of(feature, name, ends.step), wanted(feature, name, ends)
            asked.setdefault(question, []).append(name)
        return {
            asyncio.create_task(_read(reader, where, shape, ends)): names
            for (shape, ends), names in asked.items()
        }

    async def _take(self, feature: AIFeature, case: Case, answers: Mapping[str, Read]) -> None:
        read = await case.take(answers, self._wall().timestamp())
        provider = feature.spec.acceptance.provider
        self._metrics.reads.labels(provider, "ok" if read == len(answers) else "failed").inc()
        self._metrics.provider_up.labels(provider).set(any_answer(answers.values()))
        self._news(key_of(feature))


async def _read(reader: Reader, feature: FeatureKey, shape: Shape, ends: range) -> Read:
    return await reader.read(feature, shape, ends)


def _purpose(subject: Subject | None) -> Purpose:
    match subject:
        case Aftermath():
            return Purpose.AFTERMATH
        case Lookout():
            return Purpose.LIVE
        case _:
            return Purpose.FLIGHT
