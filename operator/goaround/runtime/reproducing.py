"""The reproduction desk: runs golden sets on the release that failed and on last-known-good.

Decides when a run is given up. Beside the passes, through a pin, at 0 % of users; a restart begins
it again. What it found is judged in `incident/reproduction.py`.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from secrets import token_urlsafe
from typing import Final

import httpx

from goaround.api import names
from goaround.api.incident_status import Reproduction, ReproductionState
from goaround.api.kinds import INCIDENTS, AIFeature, AIIncident
from goaround.api.preflight import PreflightVerdict
from goaround.evidence.golden_report import Report
from goaround.incident.reproduction import found, impossible
from goaround.runtime.errands import Errands, FeatureKey
from goaround.runtime.golden_job import Tools, Troubled, check, read_set
from goaround.runtime.lease import NotOwner
from goaround.runtime.queue import Key
from goaround.world import pins
from goaround.world.backoff import doubling
from goaround.world.golden import Offload
from goaround.world.kube import Api, KubeError

log = logging.getLogger("goaround.reproduction")

TRIES: Final = 6
"""After so many the incident says why it could not be run."""


class ReproductionDesk:
    """Runs for incidents. endpoints: url by the name that an administrator gave it; `news` is
    called when there is a verdict; `draw` makes a pin."""

    def __init__(
        self,
        api: Api,
        http: httpx.AsyncClient,
        endpoints: Mapping[str, str],
        *,
        news: Callable[[Key], None],
        offload: Offload = asyncio.to_thread,
        draw: Callable[[], str] = token_urlsafe,
    ) -> None:
        self._tools = Tools(api, http, endpoints, offload, draw)
        self._news = news
        self._found: dict[FeatureKey, Reproduction] = {}
        self._errands = Errands()
        self._turns = asyncio.Semaphore(1)

    def reproduced(self, incident: AIIncident, feature: AIFeature | None) -> Reproduction | None:
        """What was found; begins once the feature lets a run reach the release that failed. A run
        that is not wanted any more ends here."""
        key, known = incident.key, incident.status.reproduction
        pending = known is not None and known.state is ReproductionState.PENDING
        let = feature.status.reproducing if feature is not None else None
        if feature is None or not pending or let is None or let.incident != incident.metadata.name:
            self._found.pop(key, None)
            self._errands.cancel(key)
            return None
        if key not in self._found and key not in self._errands:
            self._errands.start(key, self._run(key, feature))
        return self._found.get(key)

    async def close(self) -> None:
        """Stop; another process begins anew."""
        await self._errands.close()

    async def _run(self, key: FeatureKey, feature: AIFeature) -> None:
        try:
            async with self._turns:
                self._found[key] = await self._tried(feature)
        except NotOwner:
            return  # the next tenure begins anew
        except Exception:
            # the task's top: whatever breaks is said on the incident, and is no verdict
            log.exception("reproduction failed", extra={"incident": "/".join(key)})
            self._found[key] = impossible("the run failed; the operator's log says why")
        self._errands.finish(key)  # before news: what is next may begin
        self._news(Key(INCIDENTS.plural, *key))

    async def _tried(self, feature: AIFeature) -> Reproduction:
        why = ""
        for number in range(1, TRIES + 1):
            try:
                return _judged(await self._once(feature))
            except Troubled as err:
                why = err.problem.message
            except KubeError as err:
                why = f"the API server did not do it ({type(err).__name__}): {err}"
            await asyncio.sleep(doubling(number, 2.0, 60.0))
        return impossible(why)

    async def _once(self, feature: AIFeature) -> Report:
        """One run. Its pin is gone when it ends. Raises Troubled, KubeError."""
        wanted, flown, api = feature.spec.preflight, feature.status.candidate, self._tools.api
        assert wanted is not None
        assert flown is not None
        golden = await read_set(self._tools, feature, wanted)
        mine = names.pin_of(feature.metadata.uid, flown.digest, flown.attempt)
        keys = await pins.keep(api, *feature.key, owner=mine, draw=self._tools.draw)
        try:
            return await check(self._tools, feature, golden, keys)
        finally:
            await pins.drop(api, *feature.key)


def _judged(report: Report) -> Reproduction:
    """Runs of both, as the report has them case by case."""
    if not report.cases:
        return impossible(report.message)
    failed, good = (
        tuple(map(sum, zip(*(_runs(str(row[arm])) for row in report.cases), strict=True)))
        for arm in ("candidate", "stable")
    )
    regressed = report.verdict is PreflightVerdict.FAILED
    return found((failed[0], failed[1]), (good[0], good[1]), regressed)


def _runs(told: str) -> tuple[int, int]:
    passed, _, total = told.partition("/")
    return int(passed), int(total)
