"""The manifests under `examples/`, as every test that holds them to their word finds them.

A new file is found by itself. Folders of programs may hold manifests, too. What other tools read
(`examples/gitops`) is not for the API server; tests/unit/gitops holds it to its word.
"""

from pathlib import Path
from typing import Final

import pytest
import yaml

from goaround.api.base import Json

ROOT: Final = Path(__file__).resolve().parents[1]
EXAMPLES: Final = ROOT / "examples"
GITOPS: Final = EXAMPLES / "gitops"
MANIFESTS: Final = tuple(
    sorted(path for path in EXAMPLES.rglob("*.yaml") if not path.is_relative_to(GITOPS))
)

each_manifest = pytest.mark.parametrize(
    "path", MANIFESTS, ids=[str(p.relative_to(EXAMPLES)) for p in MANIFESTS]
)


def documents(path: Path) -> list[Json]:
    """Every object in a manifest, in the order in which it is written."""
    with path.open(encoding="utf-8") as text:
        return [body for body in yaml.load_all(text, Loader=yaml.CSafeLoader) if body is not None]


def of_kind(kind: str) -> list[tuple[Path, Json]]:
    """All objects of one kind under `examples/`, with the file they stand in."""
    return [(path, body) for path in MANIFESTS for body in documents(path) if body["kind"] == kind]
