"""An incident that a person opens: the operator keeps its clocks, and closes it once it is written
up; policies keep the record as it was. On the real API server."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
import yaml

from goaround.api.base import Json
from goaround.api.kinds import INCIDENTS, AIIncident
from hack.controlplane import ControlPlane
from tests.cluster.operator_kit import ROOT, Stack, running
from tests.cluster.operator_shop import Shop, eventually
from tests.cluster.sign_off_kit import as_user, bind
from tests.unit.incident.life import WRITTEN_UP

pytestmark = pytest.mark.cluster

POLICIES = [ROOT / "crds" / "policies" / f"incident-{name}.yaml" for name in ("closed", "source")]
EXAMPLE: Final = ROOT / "examples" / "incident.yaml"
NAME, PERSON = "support-chat-1", "ana"


@pytest.fixture(scope="module")
def stack(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """With two policies of crds/, which are lifted again: other tests share the API server."""
    files = [f"--filename={path}" for path in POLICIES]
    plane.kubectl("apply", "--server-side", *files)
    plane.wait_policy()
    try:
        with running(plane, Path(tmp_path_factory.mktemp("incident"))) as stack:
            yield stack
    finally:
        plane.kubectl("delete", *files)


@pytest.fixture(scope="module")
def shop(plane: ControlPlane, stack: Stack) -> Shop:
    shop = stack.shop()
    bind(plane, shop.namespace, {PERSON: ["goaround-release-manager"]})
    return shop


def an_incident(name: str, **spec: object) -> str:
    body: Json = next(yaml.safe_load_all(EXAMPLE.read_text(encoding="utf-8")))
    metadata = {"name": name}
    return json.dumps(body | {"metadata": metadata, "spec": body["spec"] | spec})


def incident(shop: Shop) -> AIIncident:
    body = shop.get(INCIDENTS, NAME)
    assert body is not None
    return AIIncident.model_validate(body)


def says(shop: Shop, **spec: object) -> str:
    patch = json.dumps({"spec": spec})
    return shop.kubectl(
        *("patch", "aii", NAME, "--type=merge", f"--patch={patch}"), *as_user(PERSON), check=False
    )


def test_a_person_opens_one_and_its_clocks_run(shop: Shop) -> None:
    forged = an_incident("forged", trigger={"source": "Rollback", "key": "it was not me"})
    told = shop.kubectl("create", "--filename=-", *as_user(PERSON), stdin=forged, check=False)
    assert "incidents of source Rollback are opened by the operator" in told
    shop.kubectl("create", "--filename=-", *as_user(PERSON), stdin=an_incident(NAME))
    eventually(lambda: incident(shop).status.phase, "the operator saw it")
    status = incident(shop).status
    made = status.milestones.detected_at
    assert status.phase == "Diagnosing"
    assert {str(status.deadlines[n].state) for n in ("assign", "classify", "engineer")} == {"Met"}
    assert made is not None
    assert status.deadlines["leadership"].due - made == timedelta(hours=1)
    assert str(status.next_due).startswith("brief ")


def test_it_is_closed_when_it_is_written_up_and_is_a_record_from_then_on(shop: Shop) -> None:
    says(shop, requestedPhase="Closed")
    eventually(lambda: incident(shop).status.milestones.resolved_at, "it is over")
    told = {c.type: c.message for c in incident(shop).status.conditions}["Closable"]
    assert told.startswith("missing: spec.rootCause, spec.remediation.line, spec.guardrail")
    held = incident(shop).status.milestones.resolved_at
    assert isinstance(held, datetime)
    review = WRITTEN_UP["review"] | {"heldAt": held.isoformat()}
    says(shop, **WRITTEN_UP | {"review": review})
    eventually(lambda: incident(shop).status.phase == "Closed", "it is closed")
    refused = says(shop, severity="P4", severityReason="it was nothing")
    assert "this incident is Closed, and its spec is a record that nobody changes" in refused
    shop.kubectl("annotate", "aii", NAME, "example.com/ticket=4711")
    assert incident(shop).metadata.annotations["example.com/ticket"] == "4711"
