"""Every manifest under `examples/` is taken by the real API server, word for word.

Namespaces are replaced by one of these tests, since a dry run needs them to be there.
"""

import json
import subprocess
from pathlib import Path

import pytest

from goaround.api.base import Json
from hack.controlplane import ControlPlane
from tests.cluster.api_objects import NAMESPACE, install
from tests.examples import MANIFESTS, documents, each_manifest

pytestmark = pytest.mark.cluster
EVERYWHERE = {"ClusterRole", "Namespace"}


Answer = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def told(plane: ControlPlane) -> Answer:
    """What is said to all of them: kubectl tells each refusal and goes on."""
    install(plane)
    bodies = [placed(body) for path in MANIFESTS for body in documents(path)]
    return plane.kubectl(
        *("apply", "--server-side", "--dry-run=server", "--force-conflicts"),
        *("--validate=strict", "--filename=-", "--output=name"),
        stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies}),
        check=False,
    )


def placed(body: Json) -> Json:
    """The object in the namespace of these tests, under a name; nothing else changes."""
    metadata = dict(body["metadata"])
    if (prefix := metadata.pop("generateName", None)) is not None:
        metadata["name"] = f"{prefix}1"
    if body["kind"] not in EVERYWHERE:
        metadata["namespace"] = NAMESPACE
    return body | {"metadata": metadata}


@each_manifest
def test_every_example_is_taken_as_it_stands(told: Answer, path: Path) -> None:
    taken = {line.lower() for line in told.stdout.splitlines()}
    for body in map(placed, documents(path)):
        group = body["apiVersion"].rpartition("/")[0].split("/")[0]
        kind = f"{body['kind']}.{group}".removesuffix(".").lower()
        assert f"{kind}/{body['metadata']['name']}" in taken, told.stderr


def test_no_example_earns_a_warning(told: Answer) -> None:
    assert told.stderr == ""
