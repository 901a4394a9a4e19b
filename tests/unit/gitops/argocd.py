"""Argo CD's own test files, read as its harness reads them: health, discovery and actions.

`resource_customizations/<group>/<Kind>/` is the shape of Argo CD's tree. What a script returns is
cleaned and compared as Argo CD does before it patches.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from goaround.api.base import Json
from tests.unit.gitops.judges import lua

ROOT: Final = Path(__file__).resolve().parents[3]
HOME: Final = ROOT / "examples" / "gitops" / "argocd"
TREE: Final = HOME / "resource_customizations" / "goaround.dev"
KINDS: Final = tuple(sorted(path.name for path in TREE.iterdir()))
ACTIONS: Final = TREE / "AIFeature" / "actions"
STATUSES: Final = frozenset(
    {"Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"}
)


def loaded(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def health(kind: str, objects: list[Json]) -> list[Json]:
    """Status and message of each, by health.lua; fails where the script does."""
    script = (TREE / kind / "health.lua").read_text(encoding="utf-8")
    return [_value(verdict) for verdict in lua(objects, script)]


def discovered(objects: list[Json]) -> list[dict[str, Json]]:
    """The actions that are offered for each object, by name."""
    script = (ACTIONS / "discovery.lua").read_text(encoding="utf-8")
    return [_value(verdict) for verdict in lua(objects, script)]


def offered(found: dict[str, Json]) -> set[str]:
    return {name for name, action in found.items() if not action["disabled"]}


def acted(action: str, *sources: Json) -> list[tuple[str, Json]]:
    """What Argo CD would do to each: operation and object, `patch` only of the source itself."""
    script = (ACTIONS / action / "action.lua").read_text(encoding="utf-8")
    verdicts = zip(lua(sources, script), sources, strict=True)
    return [_impact(_value(verdict), source) for verdict, source in verdicts]


def _impact(returned: Any, source: Json) -> tuple[str, Json]:
    if isinstance(returned, dict):
        return "patch", cleaned(returned, source)
    (only,) = returned
    return only["operation"], only["resource"]


def _value(verdict: Any) -> Any:
    assert "error" not in verdict, verdict["error"]
    return verdict["value"]


def cleaned(new: Any, old: Any) -> Any:
    """An empty array where there was an object is that object: Lua cannot tell them apart."""
    match new, old:
        case [], dict():
            return old
        case dict(), dict():
            return {k: cleaned(v, old.get(k)) for k, v in new.items()}
        case list(), list():
            pairs = zip(new, [*old, *[None] * len(new)], strict=False)
            return [cleaned(a, b) for a, b in pairs]
        case _:
            return new


def health_tests() -> Iterator[tuple[str, Json]]:
    """Kind and entry of every health_test.yaml."""
    for kind in KINDS:
        yield from ((kind, entry) for entry in loaded(TREE / kind / "health_test.yaml")["tests"])


def action_tests(part: str) -> list[Json]:
    """Entries of action_test.yaml: `discoveryTests` or `actionTests`."""
    found: list[Json] = loaded(ACTIONS / "action_test.yaml")[part]
    return found
