"""The examples for Git as tests read them: documents, what kustomize makes, what Flux evaluates."""

import subprocess
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from goaround.api.base import Json
from hack.controlplane import resolve
from tests.unit.gitops.argocd import ROOT

OVERLAY: Final = ROOT / "examples" / "gitops" / "overlay"
FLUX: Final = ROOT / "examples" / "gitops" / "flux"


@cache
def kustomized(folder: Path) -> str:
    """What `kubectl kustomize` prints; fails where it warns."""
    kubectl = str(resolve("kubectl"))
    told = subprocess.run(
        [kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stderr) == (0, "")
    return told.stdout


def objects(text: str) -> list[Json]:
    return list(yaml.load_all(text, Loader=yaml.CSafeLoader))


def documents(path: Path) -> list[Json]:
    return objects(path.read_text(encoding="utf-8"))


def of_kind(bodies: list[Json], kind: str) -> Json:
    (found,) = (body for body in bodies if body["kind"] == kind)
    return found


def expressions(name: str) -> Json:
    """`healthCheckExprs` of AIFeature, as an example for Flux states them."""
    (kustomization,) = documents(FLUX / f"{name}.yaml")
    (found,) = kustomization["spec"]["healthCheckExprs"]
    assert (found["apiVersion"], found["kind"]) == ("goaround.dev/v1alpha1", "AIFeature")
    return {part: found[part] for part in ("inProgress", "failed", "current")}


STRICT: Final = expressions("features")
LENIENT: Final = expressions("features-that-wait-for-people")
