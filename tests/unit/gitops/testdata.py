"""`python -m tests.unit.gitops.testdata`: writes the files of Argo CD's own tests.

Inputs are objects of states.py, cut down to what the scripts read. Statuses come from states.py,
actions and their results from acting.py; only words for people (messages, names of buttons) come
from the scripts themselves, to be read by whoever commits them.
"""

import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from goaround.api.base import Json
from hack.generated import run
from tests.unit.gitops.acting import OFFERED, SHOWN, done
from tests.unit.gitops.argocd import ACTIONS, ROOT, TREE, discovered, health
from tests.unit.gitops.states import STATES, State, held_alone, without_status

HEADER: Final = "# made by python -m tests.unit.gitops.testdata: do not edit\n"
METADATA: Final = ("name", "namespace", "generation", "annotations", "deletionTimestamp")
READ: Final[Mapping[str, tuple[str, ...]]] = {
    "AIFeature": (
        *("observedGeneration", "stage", "revision", "releaseDigest", "candidate", "latches"),
        *("kill", "conditions"),
    ),
    "AIIncident": ("observedGeneration", "phase", "severity", "nextDue", "conditions"),
    "AIKillSwitch": ("observedGeneration", "latchedAt", "endedAt", "message"),
    "AISignOff": (),
}
"""Of status, what the scripts may read."""

SPEC: Final = ("suspend", "featureRef", "decision", "digest", "attempt", "approver", "reason")
FLIGHT: Final = ("digest", "planDigest", "attempt", "adopted")
CONDITIONS: Final = frozenset(
    {"Ready", "Reconciling", "Stalled", "Suspended", "Killed", "Resolved"}
)


def kept(body: Json) -> Json:
    """What the scripts read of it."""
    kind = body["kind"]
    found: Json = {"apiVersion": body["apiVersion"], "kind": kind}
    found["metadata"] = _only(body["metadata"], METADATA)
    found["spec"] = _only(body["spec"], SPEC)
    if "status" in body:
        found["status"] = _status(_only(body["status"], READ[kind]))
    return found


def _status(status: Json) -> Json:
    if "candidate" in status:
        status["candidate"] = _only(status["candidate"], FLIGHT)
    if "latches" in status:
        status["latches"] = [_only(latch, FLIGHT) for latch in status["latches"][:1]]
    if "conditions" in status:
        told = [c for c in status["conditions"] if c["type"] in CONDITIONS]
        status["conditions"] = told
    return status


def _only(body: Json, names: tuple[str, ...]) -> Json:
    return {name: body[name] for name in names if name in body}


def inputs() -> dict[Path, Json]:
    """Every input, by its path."""
    made = {_place(name, state): kept(state.make()) for name, state in STATES.items()}
    folder = TREE / "AIFeature" / "testdata"
    return made | {
        folder / "no-status.yaml": kept(without_status()),
        folder / "held-alone.yaml": kept(held_alone()),
    }


def _place(name: str, state: State) -> Path:
    return TREE / state.kind.kind / "testdata" / f"{name}.yaml"


ALONE: Final = {"no-status": "Progressing", "held-alone": "Suspended"}
"""Health of what is in no table."""


def tests(kind: str, made: Mapping[Path, Json]) -> Json:
    """health_test.yaml of one kind."""
    mine = {path: body for path, body in made.items() if path.parts[-3] == kind}
    found = health(kind, list(mine.values()))
    entries: list[Json] = []
    for path, told in zip(mine, found, strict=True):
        known = STATES.get(path.stem)
        status = known.argocd if known is not None else ALONE[path.stem]
        wanted = {"status": status, "message": told["message"]}
        entries.append({"healthStatus": wanted, "inputPath": f"testdata/{path.name}"})
    return {"tests": entries}


def action_tests(made: Mapping[Path, Json]) -> dict[Path, Any]:
    """action_test.yaml, and what each action must come to."""
    flown = {path.stem: body for path, body in made.items() if path.stem in OFFERED}
    discoveries: list[Json] = [
        {"inputPath": f"../testdata/{name}.yaml", "result": _offer(found, OFFERED[name])}
        for name, found in zip(flown, discovered(list(flown.values())), strict=True)
    ]
    results: dict[Path, Any] = {}
    actions: list[Json] = []
    sources = {path.stem: body for path, body in made.items()}
    for action, names in SHOWN.items():
        for name in names:
            output = f"testdata/{name}-{action}.yaml"
            entry = {"inputPath": f"../testdata/{name}.yaml", "expectedOutputPath": output}
            actions.append({"action": action, **entry})
            results[ACTIONS / output] = _listed(done(action, sources[name]))
    tried = {"discoveryTests": discoveries, "actionTests": actions}
    return results | {ACTIONS / "action_test.yaml": tried}


def _offer(found: Mapping[str, Json], wanted: set[str]) -> list[Json]:
    return [
        {"name": name, "disabled": name not in wanted}
        | {key: found[name][key] for key in ("displayName", "iconClass")}
        for name in sorted(found)
    ]


def _listed(result: tuple[str, Json]) -> Any:
    """As Argo CD's harness wants it: a changed source as it is, all else in a list."""
    operation, body = result
    if operation == "patch":
        return body
    return [{"k8sOperation": operation, "unstructuredObj": body}]


@cache
def files() -> Mapping[Path, str]:
    """Everything that is written, by its path."""
    made = inputs()
    found: dict[Path, Any] = dict(made) | action_tests(made)
    for kind in READ:
        found[TREE / kind / "health_test.yaml"] = tests(kind, made)
    return {path: _written(body) for path, body in found.items()}


def _written(body: Any) -> str:
    text: str = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100)
    # Argo CD knows a list by the first character of its file
    return text if isinstance(body, list) else HEADER + text


if __name__ == "__main__":
    sys.exit(run(ROOT, files(), sys.argv[1:], __doc__))
