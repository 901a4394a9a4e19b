"""The drift watch at work: reads inputs beside the passes, and says what each look found.

Decides how much is read at once. A provider that is slow or dead delays no pass, no evidence and
no way down; what drift does to a release is decided in `rollout/drifts.py`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from goaround.api.drift import DriftInput, DriftReference
from goaround.api.kinds import CONFIG_MAPS, AIFeature
from goaround.evidence.baseline import Baseline, UnreadableBaseline, pack, unpack
from goaround.evidence.drift import Sample
from goaround.evidence.drift_plan import status_of
from goaround.evidence.drift_watch import Arms, References, establish, look
from goaround.evidence.model import CANDIDATE, STABLE
from goaround.rollout.observed import Drifted, Record
from goaround.runtime.drift_case import DriftCase, Watched, begin, watched
from goaround.runtime.errands import Desk
from goaround.runtime.queue import Key, key_of
from goaround.world.kube import Api, KubeError
from goaround.world.prom_drift import Parts
from goaround.world.prometheus import FeatureKey, Provider, Unreadable

log = logging.getLogger("goaround.drift")

TURNS: Final = 2
"""Inputs read at once from one provider: windows of all features end together, and half of its
turns are left to evidence."""

Faults = dict[str, str]


class DriftReader(Protocol):
    """Whoever reads inputs of one provider, as `PrometheusReader` does."""

    async def drift(
        self, feature: FeatureKey, watched: DriftInput, ends: range, variants: Sequence[str]
    ) -> Parts | Unreadable: ...


class DriftDesk(Desk[DriftCase]):
    """Looks at the inputs of features. `news` is called when there is something new."""

    def __init__(
        self,
        readers: Mapping[str, DriftReader],
        providers: Mapping[str, Provider],
        api: Api,
        *,
        news: Callable[[Key], None],
        wall: Callable[[], datetime],
    ) -> None:
        super().__init__()
        self._readers = readers
        self._providers = providers
        self._api = api
        self._news = news
        self._wall = wall
        self._turns = {name: asyncio.Semaphore(TURNS) for name in readers}

    def drifted(
        self, feature: AIFeature, records: Iterable[Record], now: datetime
    ) -> Drifted | None:
        """What is known now; starts reading what is due. None where nothing is watched."""
        who, name = watched(feature), feature.spec.acceptance.provider
        provider = self._providers.get(name)
        if who is None or provider is None or name not in self._readers:
            self.forget(*feature.key)
            return None
        case, lag, at = self._case(feature, who), provider.lag_seconds, now.timestamp()
        recorded = next((r.baseline for r in records if r.digest == who.digest), None)
        if case.baseline is None:
            case.recall(recorded)
        if feature.key not in self._errands and at >= case.retry_at:
            self._begin(feature, case, lag, at)
        return case.told(feature, recorded, at, lag)

    def _case(self, feature: AIFeature, who: Watched) -> DriftCase:
        known = self._cases.get(feature.key)
        if known is None or known.who != who:
            self.forget(*feature.key)
            known = self._cases[feature.key] = begin(feature, who, known)
        return known

    def _begin(self, feature: AIFeature, case: DriftCase, lag: float, now: float) -> None:
        """What the inputs looked like before comes first: later looks rely on it."""
        if (ends := case.pin_ends(now, lag)) is not None:
            work = self._done(feature, case, ends, self._pin)
        elif (ends := case.look_ends(feature, now, lag)) is not None:
            work = self._done(feature, case, ends, self._look)
        else:
            return
        self._errands.start(feature.key, work)

    async def _done(
        self,
        feature: AIFeature,
        case: DriftCase,
        ends: range,
        work: Callable[[AIFeature, DriftCase, range], Awaitable[None]],
    ) -> None:
        try:
            await work(feature, case, ends)
        except Exception:
            # the task's top: whatever breaks here must be told, not blind the watch in silence
            log.exception("drift cannot be read", extra={"feature": "/".join(feature.key)})
            told = "reading failed; the operator's log says why"
            names = (i.name for i in case.who.drift.inputs)
            case.failed(dict.fromkeys(names, told), self._wall().timestamp())
        self._errands.finish(feature.key)  # before news: what is next may begin
        self._news(key_of(feature))

    async def _pin(self, feature: AIFeature, case: DriftCase, ends: range) -> None:
        """Establish the baseline; where too few asked then, there is none."""
        who = case.who
        seen, faults = await self._read(feature, who.pinned, ends, (STABLE,))
        if faults:
            case.failed(faults, self._wall().timestamp())
            return
        made = establish(
            who.drift.but(inputs=who.pinned),
            seen,
            began=float(ends[0] - ends.step),
            ended=float(ends[-1]),
            digest=who.beside or "",
        )
        case.pinned(pack(made) if made is not None else None, ends)

    async def _look(self, feature: AIFeature, case: DriftCase, ends: range) -> None:
        """Compare the newest window."""
        who, step = case.who, feature.status.step
        seen, faults, training = await self._window(feature, who, ends)
        if len(faults) == len(who.drift.inputs):
            case.failed(faults, self._wall().timestamp())
            return
        live = who.arm == STABLE
        ended = float(ends[-1] - who.earlier) if live else None
        divided = step.since.timestamp() if step is not None and not live else who.since
        findings = look(
            who.drift,
            seen,
            References(case.baseline, training, ended),
            arm=CANDIDATE,
            now=float(ends[-1]),
            split_since=divided,
            before=case.status,
        )
        status = status_of(findings, observed=ends[-1], baseline=case.baseline, digest=who.digest)
        case.looked(status, faults, self._wall().timestamp())

    async def _window(
        self, feature: AIFeature, who: Watched, ends: range
    ) -> tuple[dict[str, Arms], Faults, Baseline | None]:
        """The arms of every input: under judgement, as `candidate`, and what it is held against."""
        inputs, live = who.drift.inputs, who.arm == STABLE
        arms = (STABLE,) if live else (STABLE, CANDIDATE)
        found, faults = await self._read(feature, inputs, ends, arms)
        past: Mapping[str, Arms] = found
        if live:
            own = [i for i in inputs if i.reference is DriftReference.LAST_KNOWN_GOOD]
            earlier = range(ends[0] - who.earlier, ends[-1] - who.earlier + 1, ends.step)
            past, missing = await self._read(feature, own, earlier, arms)
            faults |= missing
        training, why = await self._training(feature, who)
        if why is not None:
            trained = (i for i in inputs if i.reference is DriftReference.TRAINING)
            faults |= {i.name: why for i in trained}
        shift = who.earlier if live else 0
        seen: dict[str, Arms] = {
            name: {
                CANDIDATE: _since(of.get(who.arm, {}), who.since + ends.step),
                STABLE: {
                    end + shift: part for end, part in past.get(name, {}).get(STABLE, {}).items()
                },
            }
            for name, of in found.items()
            if name not in faults
        }
        return seen, faults, training

    async def _read(
        self,
        feature: AIFeature,
        inputs: Sequence[DriftInput],
        ends: range,
        arms: Sequence[str],
    ) -> tuple[dict[str, Arms], Faults]:
        """What could be read of each input, and why the others could not."""
        name = feature.spec.acceptance.provider
        reader, where = self._readers[name], FeatureKey(*feature.key)

        async def one(asked: DriftInput) -> Parts | Unreadable:
            async with self._turns[name]:
                return await reader.drift(where, asked, ends, arms)

        found = await asyncio.gather(*(one(asked) for asked in inputs))
        seen: dict[str, Arms] = {}
        faults: Faults = {}
        for asked, parts in zip(inputs, found, strict=True):
            if isinstance(parts, Unreadable):
                faults[asked.name] = parts.message
            else:
                seen[asked.name] = parts
        return seen, faults

    async def _training(
        self, feature: AIFeature, who: Watched
    ) -> tuple[Baseline | None, str | None]:
        """The counts of the training data, or why there are none; nothing where none are asked."""
        wanted = who.drift.training
        if wanted is None:
            return None, None
        where = f"ConfigMap {wanted.name}, key {wanted.key}"
        try:
            body = await self._api.get(CONFIG_MAPS, feature.key[0], wanted.name)
            return unpack(str((body.get("data") or {})[wanted.key])), None
        except KubeError as err:
            return None, f"{where}: cannot be read ({type(err).__name__}); create it"
        except KeyError:
            return None, f"{where}: there is no such key; add it, or name another in drift.training"
        except UnreadableBaseline as err:
            return None, f"{where}: is not what drift.training asks for ({err})"


def _since(parts: Mapping[int, Sample], first: float) -> dict[int, Sample]:
    """Without what another release got before it."""
    return {end: part for end, part in parts.items() if end >= first}
