"""What people say past Git, on the real API server: abort, hold and resume, rollbackTo."""

import json
from pathlib import Path
from typing import Final

import pytest
import yaml

from goaround.api import names
from goaround.api.base import Json
from goaround.api.digest import short
from goaround.api.kinds import INCIDENTS, RECORDS
from goaround.api.reasons import Stage
from goaround.api.status import Split
from tests.cluster.operator_kit import Stack
from tests.cluster.operator_shop import Shop, a_feature, condition, digest

pytestmark = pytest.mark.cluster

ABORTED, HELD, BACK = "aborted", "held", "back"
BETTER: Final = "v42"
EXAMPLE: Final = Path(__file__).resolve().parents[2] / "examples" / "control.yaml"
SLOW: Final = [{"weightPercent": 10, "holdSeconds": 3600, "minSamples": 50}, {"weightPercent": 100}]


def plan(name: str, version: str = "v41", **spec: object) -> Json:
    body = a_feature(name, version, **spec)
    if name != BACK:
        body["spec"]["ramp"]["steps"] = SLOW
    return body


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Shop:
    """Three features that serve v41 are asked for v42."""
    shop = stack.shop()
    shop.apply(*(plan(name) for name in (ABORTED, HELD, BACK)))
    for name in (ABORTED, HELD, BACK):
        shop.until_live(name)
        shop.apply(plan(name, BETTER))
    return shop


def marks(shop: Shop, name: str, version: str) -> Json:
    """Annotations of the record of this feature; others have records of the same digest."""
    record = shop.get(RECORDS, names.record_name(name, digest(version)))
    assert record is not None
    found: Json = record["metadata"]["annotations"]
    return found


def test_an_annotation_aborts_what_flies_and_only_that(shop: Shop) -> None:
    flown = shop.until_stage(ABORTED, Stage.RAMPING).status.candidate
    assert flown is not None
    shop.kubectl("annotate", "aif", ABORTED, f"{names.ABORT}={short(digest('v41'))}/1")
    ignored = shop.until(ABORTED, lambda f: f.status.last_abort, "that it is ignored")
    assert ignored.status.split.candidate == 10
    words = f"{short(flown.digest)}/{flown.attempt}"
    shop.kubectl("annotate", "--overwrite", "aif", ABORTED, f"{names.ABORT}={words}")
    down = shop.until_stage(ABORTED, Stage.REJECTED)
    assert down.status.split == Split(stable=100)
    assert condition(down, "Stalled")[1] == "Rejected"
    shop.until(ABORTED, lambda f: f.status.latches[0].incident_opened_at, "the note")
    (note,) = shop.all(INCIDENTS)
    assert (note["spec"]["severity"], note["spec"]["trigger"]["source"]) == ("P4", "Aborted")
    told = [e["reason"] for e in shop.events(ABORTED)]
    assert (told.count("AbortIgnored"), told.count("Aborted")) == (1, 1)
    assert names.QUARANTINED not in marks(shop, ABORTED, BETTER)


def test_a_hold_outlives_what_git_applies_and_ends_when_it_is_taken_off(shop: Shop) -> None:
    shop.until_stage(HELD, Stage.RAMPING)
    shop.kubectl("annotate", "aif", HELD, f"{names.HOLD}=the index is rebuilt")
    held = shop.until_stage(HELD, Stage.HOLDING)
    assert condition(held, "Ready")[:2] == ("Unknown", "Suspended")
    assert condition(held, "Stalled")[0] == ""
    shop.apply(plan(HELD, BETTER))
    body = json.dumps(plan(HELD, BETTER, suspend=True))
    shop.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=body)
    both = shop.until(HELD, lambda f: "spec.suspend" in (f.status.hold or ""), "suspended, too")
    assert "the index is rebuilt" in condition(both, "Suspended")[2]
    shop.patch(HELD, {"spec": {"suspend": None}})
    shop.kubectl("annotate", "aif", HELD, f"{names.HOLD}-")
    again = shop.until_stage(HELD, Stage.RAMPING)
    assert again.status.split.candidate == 10
    assert condition(again, "Suspended")[0] == ""


def test_spec_goes_back_to_a_good_release_at_once_and_flies_anew_without_it(shop: Shop) -> None:
    shop.until_live(BACK, BETTER)
    refused = shop.patch(BACK, {"spec": {"rollbackTo": "v41"}})
    assert "a release is named by its digest" in refused.text
    shop.patch(BACK, {"spec": {"rollbackTo": "0" * 12}})
    told = shop.until(BACK, lambda f: condition(f, "Stalled")[0], "that nobody knows it")
    assert (
        f"Good releases of this feature: {short(digest(BETTER))}, {short(digest('v41'))}"
        in (condition(told, "Stalled")[2])
    )
    shop.patch(BACK, {"spec": {"rollbackTo": short(digest("v41"))}})
    back = shop.until_live(BACK)
    assert back.status.split == Split(stable=100)
    assert condition(back, "Ready")[:2] == ("True", "RolledBackTo")
    assert back.status.latches == []
    shop.patch(BACK, {"spec": {"rollbackTo": None}})
    shop.until(BACK, lambda f: f.status.split.candidate, "that it flies anew")
    assert marks(shop, BACK, BETTER)[names.ATTEMPTS] == "2"
    example = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    example["metadata"].pop("namespace")
    told_of = shop.kubectl("apply", "--dry-run=server", "--filename=-", stdin=json.dumps(example))
    assert "created" in told_of
