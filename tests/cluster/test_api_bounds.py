"""The largest legal objects are accepted and small enough; one more of anything is refused."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from goaround.api.base import Json
from goaround.api.kinds import SERVED
from hack.controlplane import ControlPlane
from tests.cluster.api_objects import an_object, create, install, patch, stored
from tests.largest import largest_spec, largest_status, schema

pytestmark = pytest.mark.cluster
KIB = 1024


@pytest.fixture(scope="module")
def api(plane: ControlPlane) -> ControlPlane:
    install(plane)
    return plane


@pytest.mark.parametrize("kind", [served.kind.kind for served in SERVED])
def test_the_largest_legal_spec_is_accepted_and_stays_small(api: ControlPlane, kind: str) -> None:
    body = an_object(kind, "largest") | {"spec": largest_spec(kind)}
    assert create(api, body) == ""
    assert len(json.dumps(stored(api, f"{kind}/largest")["spec"])) < 128 * KIB


@pytest.mark.parametrize("kind", ["AIFeature", "AIIncident"])
def test_the_largest_legal_status_is_accepted_and_the_server_can_store_it(
    api: ControlPlane, kind: str
) -> None:
    name = f"full-{kind.lower()}"
    assert create(api, an_object(kind, name)) == ""
    status = largest_status(kind)
    assert patch(api, f"{kind}/{name}", {"status": status}, "--subresource=status") == ""
    # etcd takes 1.5 MiB; nobody may be able to reach it by legal content.
    assert len(json.dumps(stored(api, f"{kind}/{name}"))) < 640 * KIB


def excesses(below: Json, value: Any) -> Iterator[tuple[str, Any]]:
    """Every way to pass one bound of `below` by one: the field, and `value` with that change."""
    more = one_more(below, value)
    if more is not None:
        yield "", more
    match value:
        case dict() if "properties" in below:
            for name, inner in value.items():
                for path, changed in excesses(below["properties"][name], inner):
                    yield f".{name}{path}", value | {name: changed}
        case [first, *others]:
            for path, changed in excesses(below["items"], first):
                yield f"[0]{path}", [changed, *others]


def one_more(below: Json, value: Any) -> Any:
    """`value` with one more than its bound allows; None where there is no bound."""
    match value:
        case str() if "maxLength" in below:
            return value.ljust(below["maxLength"] + 1, "0")
        case int() if "maximum" in below:
            return below["maximum"] + 1
        case [*items] if "maxItems" in below:
            return [*items, another(items[-1])]
        case dict() if "maxProperties" in below:
            return value | {"one-more": "x"}
        case _:
            return None


def another(item: Any) -> Any:
    """One more item of a list, under a name of its own where items have names."""
    if isinstance(item, str):
        return "one-more"
    return item | ({"name": "one-more"} if "name" in item else {})


@pytest.mark.parametrize("kind", [served.kind.kind for served in SERVED])
def test_one_more_than_any_bound_is_refused(api: ControlPlane, kind: str) -> None:
    ways = list(excesses(schema(kind, "spec"), largest_spec(kind)))
    assert len(ways) >= 2
    bodies = [
        an_object(kind, f"over-{number}") | {"spec": spec} for number, (_, spec) in enumerate(ways)
    ]
    # One call for all of them: kubectl tells each refusal and goes on.
    everything = {"apiVersion": "v1", "kind": "List", "items": bodies}
    told = api.kubectl("create", "--filename=-", stdin=json.dumps(everything), check=False)
    assert told.stdout == ""
    answers = told.stderr.split(f"{kind} ")
    for number, (path, _) in enumerate(ways):
        (answer,) = (a for a in answers if f'"over-{number}" is invalid' in a)
        assert f"spec{path}" in answer
