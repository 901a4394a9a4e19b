"""One pre-flight from end to end: what is read, who is asked, and what is kept of it.

Decides what to call whatever stands in the way. Refuses to keep an answer: the report has verdicts.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import httpx

from goaround.api import API_VERSION, names
from goaround.api.base import Json
from goaround.api.digest import short
from goaround.api.kinds import CONFIG_MAPS, FEATURES, AIFeature
from goaround.api.preflight import Endpoint, Preflight
from goaround.api.reasons import Reason
from goaround.evidence.golden_report import Report, broken_contracts, contracts_kept, report
from goaround.evidence.golden_set import GoldenSet, GoldenSetError, parse, require
from goaround.rollout.observed import Problem
from goaround.world.asking import Limits, Target
from goaround.world.backends import NoBackend, located
from goaround.world.contracts import BadContract, breach, ready
from goaround.world.golden import Arm, GoldenRun, Offload, Terms, Unavailable
from goaround.world.kube import AlreadyExists, Api, KubeError, NotFound, Refused
from goaround.world.pins import Pins

log = logging.getLogger("goaround.preflight")

REPORT_KEY: Final = "report.json"


class Troubled(Exception):
    """No verdict now; `problem` says why, on the object."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Tools:
    """What a run needs of the world. endpoints: url by the name that an administrator gave it."""

    api: Api
    http: httpx.AsyncClient
    endpoints: Mapping[str, str]
    offload: Offload
    draw: Callable[[], str]


async def read_set(tools: Tools, feature: AIFeature, wanted: Preflight) -> GoldenSet | None:
    """The golden set that spec names, if any. Raises Troubled."""
    source = wanted.golden_set
    if source is None:
        return None
    ref = source.config_map_ref
    where = f"ConfigMap {ref.name}, key {ref.key}"
    try:
        body = await tools.api.get(CONFIG_MAPS, feature.key[0], ref.name)
        text = (body.get("data") or {})[ref.key]
        golden: GoldenSet = await tools.offload(parse, text)
        require(golden, min_cases=source.min_cases, tags=source.required_tags)
    except GoldenSetError as err:
        raise _invalid(f"{where}: {err}") from err
    except NotFound as err:
        raise _invalid(f"{where}: there is no such ConfigMap; create it") from err
    except KeyError as err:
        raise _invalid(f"{where}: there is no such key; add it, or name another") from err
    except KubeError as err:
        raise _invalid(f"{where}: cannot be read ({type(err).__name__})") from err
    return golden


async def check(tools: Tools, feature: AIFeature, golden: GoldenSet | None, pins: Pins) -> Report:
    """Contracts first, then the golden set. Raises Troubled."""
    wanted, flown = feature.spec.preflight, feature.status.candidate
    assert wanted is not None
    assert flown is not None
    candidate = _arm(feature, pins.candidate, flown.digest)
    try:
        if broken := await _contracts(tools, feature, wanted, candidate):
            return broken_contracts(broken)
        if golden is None:
            return contracts_kept(len(wanted.contracts))
        return await _golden(tools, feature, golden, pins, candidate=candidate)
    except (Unavailable, NoBackend) as err:
        raise _unavailable(str(err)) from err
    except BadContract as err:
        raise Troubled(Problem(Reason.GOLDEN_SET_INVALID, str(err)[:512])) from err


async def keep_report(
    tools: Tools, feature: AIFeature, golden: GoldenSet | None, found: Report
) -> str | None:
    """Write the verdict of every case into a ConfigMap of the feature's own; its name, or None
    where somebody else has that name, or it is refused: a verdict needs no report. Raises
    KubeError; doing it again is always safe."""
    meta, name = feature.metadata, names.report_name(feature.metadata.name)
    body = _report_body(feature, name, golden, found)
    try:
        await tools.api.create(CONFIG_MAPS, meta.namespace, body)
    except Refused as err:
        log.warning("report refused", extra={"feature": "/".join(feature.key), "error": str(err)})
        return None
    except AlreadyExists:
        known = await tools.api.get(CONFIG_MAPS, meta.namespace, name)
        owners = known.get("metadata", {}).get("ownerReferences") or []
        if meta.uid not in {owner.get("uid") for owner in owners}:
            return None
        await tools.api.patch(CONFIG_MAPS, meta.namespace, name, {"data": body["data"]})
    return name


async def _contracts(
    tools: Tools, feature: AIFeature, wanted: Preflight, candidate: Arm
) -> Mapping[str, str]:
    """Why, by name of the checks that do not hold."""
    broken: dict[str, str] = {}
    for contract in wanted.contracts:
        asked = ready(contract, candidate)
        targets = await _targets(tools, feature, contract.endpoint)
        limits = _limits(wanted)
        why = await breach(tools.http, targets[0], asked, limits, offload=tools.offload)
        if why is not None:
            broken[contract.name] = why
    return broken


async def _golden(
    tools: Tools, feature: AIFeature, golden: GoldenSet, pins: Pins, *, candidate: Arm
) -> Report:
    wanted, good = feature.spec.preflight, feature.status.last_known_good
    assert wanted is not None
    assert wanted.endpoint is not None
    run = GoldenRun(
        tools.http,
        await _targets(tools, feature, wanted.endpoint),
        golden,
        candidate=candidate,
        stable=_arm(feature, pins.stable, good.digest) if good is not None else None,
        terms=Terms(wanted.repeats, wanted.concurrency, _limits(wanted)),
        offload=tools.offload,
    )
    flown, stable = await run.run()
    scoring = partial(report, golden, flown, stable, min_pass_percent=wanted.min_pass_percent)
    found: Report = await tools.offload(scoring)
    return found


async def _targets(tools: Tools, feature: AIFeature, endpoint: Endpoint) -> list[Target]:
    """Where an endpoint is. Raises NoBackend."""
    return await located(tools.api, tools.endpoints, feature.key[0], endpoint)


def _arm(feature: AIFeature, pin: str, digest: str) -> Arm:
    return Arm(pin, f"{feature.metadata.name}@{short(digest)}")


def _limits(wanted: Preflight) -> Limits:
    return Limits(float(wanted.timeout_seconds), wanted.max_response_bytes)


def _invalid(message: str) -> Troubled:
    return Troubled(Problem(Reason.GOLDEN_SET_INVALID, message[:512]))


def _unavailable(message: str) -> Troubled:
    return Troubled(Problem(Reason.ENDPOINT_UNAVAILABLE, message[:512]))


def _report_body(feature: AIFeature, name: str, golden: GoldenSet | None, found: Report) -> Json:
    flown, meta = feature.status.candidate, feature.metadata
    content: Json = {
        "digest": flown.digest if flown is not None else "",
        "attempt": flown.attempt if flown is not None else 0,
        "goldenHash": golden.hash if golden is not None else "",
        "verdict": found.verdict.value,
        "message": found.message,
        "cases": list(found.cases),
    }
    owner: Json = {
        "apiVersion": API_VERSION,
        "kind": FEATURES.kind,
        "name": meta.name,
        "uid": meta.uid,
    }
    return {
        "apiVersion": CONFIG_MAPS.api_version,
        "kind": CONFIG_MAPS.kind,
        "metadata": {
            "name": name,
            "labels": {names.FEATURE_LABEL: meta.name},
            "ownerReferences": [owner],
        },
        "data": {REPORT_KEY: json.dumps(content, separators=(",", ":"))},
    }
