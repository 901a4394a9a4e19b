"""The chart as every test finds it: its files, its values for CI, and what Helm makes of them."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from goaround.api.base import Json
from hack.controlplane import resolve

ROOT: Final = Path(__file__).resolve().parents[1]
CHART: Final = ROOT / "charts" / "goaround"
CI: Final = tuple(sorted((CHART / "ci").glob("*.yaml")))
RELEASE, HOME, KUBE = "goaround", "goaround-system", "1.36.0"

Done = subprocess.CompletedProcess[str]


class OnceOnly(yaml.CSafeLoader):
    """YAML in which a key that stands twice is an error, as it is for the API server."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key stands twice at {node.start_mark}"
        return super().construct_mapping(node, deep=deep)


@dataclass(frozen=True, slots=True)
class Rendered:
    """The objects of a release, in the order in which Helm installs them."""

    bodies: tuple[Json, ...]

    def of_kind(self, *kinds: str) -> list[Json]:
        return [body for body in self.bodies if body["kind"] in kinds]

    def one(self, kind: str, name: str = "") -> Json:
        """The only object of this kind whose name ends so."""
        (found,) = (b for b in self.of_kind(kind) if b["metadata"]["name"].endswith(name))
        return found

    def pods(self) -> Iterator[tuple[str, Json]]:
        """Every pod, and every template of one, by the name of its owner."""
        for body in self.of_kind("Pod", "Deployment", "StatefulSet"):
            pod = body if body["kind"] == "Pod" else body["spec"]["template"]
            yield body["metadata"]["name"], pod

    def server(self, component: str) -> Json:
        """The container of the operator, or of the flag server."""
        for _, pod in self.pods():
            for container in pod["spec"]["containers"]:
                if container["name"] == component:
                    found: Json = container
                    return found
        raise AssertionError(f"no container {component}")


def helm(*arguments: str, check: bool = True, env: Mapping[str, str] | None = None) -> Done:
    """Run Helm; fails with what it said."""
    done = subprocess.run(
        [str(resolve("helm")), *arguments], capture_output=True, text=True, check=False, env=env
    )
    assert done.returncode == 0 or not check, done.stderr
    return done


def sets(values: Sequence[str]) -> list[str]:
    return [f"--set={value}" for value in values]


@cache
def rendered(*values: str, ci: str = "default", kube: str = KUBE, chart: Path = CHART) -> Rendered:
    """What `helm template` makes of a file in `ci/`.

    With `--set` values, or for another API server, without CRDs: to parse them takes longer than
    all the rest.
    """
    file = f"--values={CHART / 'ci' / f'{ci}-values.yaml'}"
    lean = ["crds.install=false"] if values or kube != KUBE else []
    about = [RELEASE, str(chart), f"--namespace={HOME}", f"--kube-version={kube}"]
    told = helm("template", *about, file, *sets([*lean, *values])).stdout
    bodies = yaml.load_all(told, Loader=OnceOnly)
    return Rendered(tuple(body for body in bodies if body is not None))


def cases() -> list[str]:
    """The names of the files in `ci/`."""
    return [path.name.removesuffix("-values.yaml") for path in CI]
