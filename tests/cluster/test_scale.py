"""A thousand features at once, fifty poisoned ones beside them, and the longest name that flies.

No speeds are asserted, only that everybody gets there, who is told what, and how many writes it
took: as many as a feature alone would need.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest
from pydantic import ValidationError

from goaround.api.base import Json
from goaround.api.kinds import FEATURES, INCIDENTS, RECORDS, AIFeature
from goaround.api.names import MAX_FEATURE_NAME
from goaround.api.reasons import Stage
from goaround.world.kube import path
from hack.controlplane import ControlPlane, apply_crds, control_plane
from tests.cluster.operator_kit import ROOT, Process, client, free_ports, process, running
from tests.cluster.operator_shop import MERGE_PATCH, Shop, a_feature, acceptance, eventually

pytestmark = pytest.mark.cluster

NAMESPACE: Final = "crowd"
GOOD: Final = 1000
POISONED: Final = 50
WRITERS: Final = 8
MOST_WRITES: Final = 6
LONGEST: Final = "the-longest-name-that-some-feature-may-have-at-all"
PATIENCE: Final = 600.0
"""Generous: an idle machine needs a fifth of it."""

RAMP: Final = {"intervalSeconds": 10, "steps": [{"weightPercent": 100}], "cruiseSeconds": 10}
TAKEN: Final = {"name": "app", "role": "Split", "flag": {"key": "good-0000.release"}}
# what is wrong: the part of spec, and the reason that must stand on the object
POISONS: Final[tuple[tuple[Json, str], ...]] = (
    ({"acceptance": acceptance(bad='ai_requests_total{result="error"}')}, "InvalidSpec"),
    ({"acceptance": acceptance(provider="nowhere")}, "UnknownProvider"),
    ({"acceptance": acceptance(bad='ai_requests_total{$match,result="error"')}, "InvalidSpec"),
    ({"acceptance": acceptance(bad="a_total{$match} + b_total{$match}")}, "InvalidSpec"),
    ({"delivery": [TAKEN]}, "FlagKeyTaken"),
)
LONG_AGO: Final = "0000-01-01T00:00:00Z"
# what the schema lets anybody write who may write status: Python has no year 0, nor such a number
FORGERIES: Final[tuple[Json, ...]] = (
    {"history": [{"at": LONG_AGO, "reason": "Forged", "type": "Normal", "message": "forged"}]},
    {"signals": [{"name": "errors", "verdict": "Good", "message": "forged", "eValue": "lots"}]},
)


@dataclass(frozen=True, slots=True)
class Crowd:
    """What was left when everybody had been looked at: bodies by name, status writes that
    succeeded by name, and the operator's log."""

    bodies: Mapping[str, Json]
    writes: Counter[str]
    log: Sequence[Json]

    def stage(self, name: str) -> str | None:
        stage: str | None = self.bodies[name].get("status", {}).get("stage")
        return stage


def good_names() -> list[str]:
    return [f"good-{n:04}" for n in range(GOOD)]


def poisoned() -> dict[str, tuple[Json, str]]:
    """The body of each, and its reason."""
    kinds = {f"poison-{n:02}": POISONS[n % len(POISONS)] for n in range(POISONED)}
    return {name: (a_feature(name, ramp=RAMP, **spec), why) for name, (spec, why) in kinds.items()}


@pytest.fixture(scope="module")
def crowd(cluster_tools: None, tmp_path_factory: pytest.TempPathFactory) -> Crowd:
    """On a control plane of its own, which leaves nothing for the other tests to carry."""
    logs = Path(tmp_path_factory.mktemp("scale"))
    with ExitStack() as stack:
        plane = stack.enter_context(control_plane(prometheus=True, audit=True))
        api = stack.enter_context(client(plane))
        operator = stack.enter_context(running_operator(plane, api, logs))
        good, bad = good_names(), poisoned()
        create(api, [a_feature(name, ramp=RAMP) for name in good])
        create(api, [body for body, _ in bad.values()])
        forge(api, list(bad)[::2])
        eventually(lambda: all_seen(api, good, list(bad)), "everybody looked at", PATIENCE)
        return Crowd(features(api), status_writes(plane), operator.lines())


@contextmanager
def running_operator(plane: ControlPlane, api: httpx.Client, logs: Path) -> Iterator[Process]:
    """Flag replica and operator, all but the provider at their defaults."""
    apply_crds(plane, sorted((ROOT / "crds").glob("goaround.dev_*.yaml")))
    plane.kubectl("create", "namespace", NAMESPACE)
    grpc, http, probes = free_ports("scale", 3)
    config = logs / "operator.json"
    provider = {"name": "default", "url": plane.prometheus, "scrapeSeconds": 1, "lagSeconds": 1}
    config.write_text(json.dumps({"providers": [provider]}))
    here = "--host=127.0.0.1"
    with ExitStack() as stack:
        served = (here, f"--port={grpc}", f"--http-port={http}")
        flags = stack.enter_context(process(plane, logs / "flags.log", http, "flags", *served))
        options = (here, f"--port={probes}", f"--config={config}", f"--flag-replica={flags.url}")
        operator = stack.enter_context(
            process(plane, logs / "operator.log", probes, "operator", *options)
        )
        operator.until_ready()
        yield operator


def create(api: httpx.Client, bodies: Sequence[Json]) -> None:
    """All at once, as far as one client can."""
    where = path(FEATURES, NAMESPACE)

    def one(body: Json) -> None:
        answer = api.post(where, json=body)
        assert answer.is_success, answer.text

    with ThreadPoolExecutor(WRITERS) as writers:
        list(writers.map(one, bodies))


def forge(api: httpx.Client, names: Sequence[str]) -> None:
    for n, name in enumerate(names):
        where = path(FEATURES, NAMESPACE, name) + "/status"
        forged = {"status": FORGERIES[n % len(FORGERIES)]}
        answer = api.patch(where, json=forged, headers=MERGE_PATCH)
        assert answer.is_success, answer.text


def features(api: httpx.Client) -> dict[str, Json]:
    found = api.get(path(FEATURES, NAMESPACE)).json()["items"]
    return {body["metadata"]["name"]: body for body in found}


def all_seen(api: httpx.Client, good: Sequence[str], bad: Sequence[str]) -> bool:
    """Whether every good one is adopted, and every poisoned one stalled and mended."""
    time.sleep(1)  # a list of all is some work for the API server, too
    bodies = features(api)
    return all(is_adopted(bodies[name]) for name in good) and all(
        stalled(bodies[name]) and is_readable(bodies[name]) for name in bad
    )


def is_adopted(body: Json) -> bool:
    return body.get("status", {}).get("stage") in {Stage.CRUISING, Stage.LIVE}


def is_readable(body: Json) -> bool:
    try:
        AIFeature.model_validate(body)
    except ValidationError:
        return False
    return True


def stalled(body: Json) -> str | None:
    """The reason of `Stalled`, where that is True."""
    told = body.get("status", {}).get("conditions", [])
    return next(
        (c["reason"] for c in told if (c["type"], c["status"]) == ("Stalled", "True")), None
    )


def status_writes(plane: ControlPlane) -> Counter[str]:
    """Status writes of features that succeeded, by name, as the API server's audit log has them."""
    assert plane.audit_log is not None
    with plane.audit_log.open() as lines:
        events = map(json.loads, lines)
        return Counter(
            event["objectRef"]["name"]
            for event in events
            if event["verb"] == "patch"
            and event["objectRef"]["resource"] == FEATURES.plural
            and event["objectRef"].get("subresource") == "status"
            and event["responseStatus"]["code"] == 200
        )


def test_every_good_feature_is_adopted(crowd: Crowd) -> None:
    assert [name for name in good_names() if not is_adopted(crowd.bodies[name])] == []


def test_every_poisoned_feature_is_stalled_with_its_reason(crowd: Crowd) -> None:
    wanted = {name: why for name, (_, why) in poisoned().items()}
    assert {name: stalled(crowd.bodies[name]) for name in wanted} == wanted


def test_no_poisoned_feature_has_taken_off(crowd: Crowd) -> None:
    stages = {crowd.bodies[name]["status"].get("stage") for name in poisoned()}
    assert stages == {None}


def test_no_pass_failed(crowd: Crowd) -> None:
    told = Counter(line["message"] for line in crowd.log)
    assert told["pass failed"] == 0
    assert [line for line in crowd.log if line["level"] == "ERROR" and is_news(line)] == []


def is_news(line: Json) -> bool:
    """An error that nobody asked for: a forged status is told of as what it is."""
    return bool(line["message"] != "object cannot be read")


def test_a_good_feature_costs_no_more_status_writes_than_alone(crowd: Crowd) -> None:
    most = {name: n for name, n in crowd.writes.items() if n > MOST_WRITES}
    assert {name: n for name, n in most.items() if name in set(good_names())} == {}


@pytest.fixture
def longest(plane: ControlPlane, tmp_path: Path) -> Iterator[Shop]:
    """A namespace with a feature whose name is as long as may be, which went around."""
    with running(plane, tmp_path) as stack:
        shop = stack.shop()
        shop.apply(a_feature(LONGEST))
        shop.until_live(LONGEST)
        shop.serve(LONGEST, candidate_error=0.4)
        shop.ask_for(LONGEST, "v42")
        shop.until_stage(LONGEST, Stage.ROLLED_BACK)
        yield shop


def test_the_longest_name_flies_and_all_that_is_named_after_it_exists(longest: Shop) -> None:
    feature = longest.until(LONGEST, is_told, "told of")
    (incident,) = longest.all(INCIDENTS)
    assert incident["metadata"]["name"] == feature.status.latches[0].incident
    assert len(longest.records()) == 2
    assert all(r["metadata"]["name"].startswith(LONGEST) for r in longest.all(RECORDS))
    told = [event["reason"] for event in longest.events(LONGEST)]
    assert {"Adopted", "Promoted", "RolledBack"} <= set(told)
    assert longest.events(incident["metadata"]["name"]) != []
    assert len(LONGEST) == MAX_FEATURE_NAME


def is_told(feature: AIFeature) -> bool:
    """Its incident exists, and every transition so far was posted as an event."""
    status = feature.status
    opened = bool(status.latches) and status.latches[0].incident_opened_at is not None
    return opened and status.announced_at is not None
