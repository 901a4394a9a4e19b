"""What checks are run against: the repository, and a real API server that is started on demand.

Decides nothing about rows. The server has our CRDs and policies and the controllers that delete
namespaces; it runs no pods.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from hack.conformance.row import CannotRun, Failed
from hack.controlplane import ControlPlane, ToolMissing, apply_crds, control_plane, resolve

Json = dict[str, Any]
Done = subprocess.CompletedProcess[str]
PATIENCE_SECONDS = 60.0
RIGHTS = {"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}


@dataclass
class Site:
    """`folder` is where the suite left its logs, `whole` whether it ran the tests of all rows;
    whatever is started ends with `stack`."""

    root: Path
    folder: Path
    stack: ExitStack
    whole: bool = True
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    @cached_property
    def plane(self) -> ControlPlane:
        """A control plane of our own with CRDs and policies. Raises `CannotRun`."""
        try:
            plane = self.stack.enter_context(
                control_plane(prometheus=False, controller_manager=True)
            )
        except ToolMissing as error:
            raise CannotRun(" ".join(str(error).split())) from error
        apply_crds(plane, sorted((self.root / "crds").glob("goaround.dev_*.yaml")))
        plane.kubectl("apply", "--server-side", f"--filename={self.root / 'crds' / 'policies'}")
        plane.wait_policy()
        # policies whose parameters are objects of ours need a moment more: those are watched apart
        probe = ["create", "--dry-run=server", f"--filename={self.root / 'examples/observe.yaml'}"]
        eventually(lambda: plane.kubectl(*probe, check=False).returncode == 0, "a feature is taken")
        return plane

    @cached_property
    def crds(self) -> tuple[Json, ...]:
        """The CRDs as the API server holds them."""
        listed: Json = json.loads(self.kubectl("get", "crd", "--output=json").stdout)
        return tuple(one for one in listed["items"] if one["spec"]["group"] == "goaround.dev")

    @cached_property
    def _home(self) -> str:
        home = self.namespace()
        made = self.tool("helm", "template", "goaround", "charts/goaround", f"--namespace={home}")
        rights = [
            body for body in yaml.safe_load_all(made.stdout) if body and body["kind"] in RIGHTS
        ]
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": rights})
        self.plane.kubectl("apply", "--server-side", "--filename=-", stdin=listed)
        return home

    def installed_rights(self) -> str:
        """The chart's accounts, roles and bindings are there; the namespace of the accounts."""
        return self._home

    def kubectl(self, *words: str, stdin: str | None = None, user: Path | None = None) -> Done:
        """kubectl as administrator, or as `user`; it may fail."""
        return self.plane.kubectl(*words, stdin=stdin, check=False, kubeconfig=user)

    def namespace(self) -> str:
        """A new one."""
        name = f"conformance-{next(self.numbers)}"
        self.plane.kubectl("create", "namespace", name)
        return name

    def tell(self, verb: str, body: object, *more: str) -> Done:
        """`kubectl apply` or `create` of one object."""
        return self.kubectl(verb, "--filename=-", *more, stdin=json.dumps(body))

    def tool(self, name: str, *words: str, stdin: str | None = None) -> Done:
        """Another tool of the catalogue. Raises `CannotRun` when it cannot be had."""
        try:
            found = resolve(name)
        except ToolMissing as error:
            raise CannotRun(" ".join(str(error).split())) from error
        return run([str(found), *words], self.root, stdin=stdin)


def run(
    argv: Sequence[str], cwd: Path, *, stdin: str | None = None, path: Path | None = None
) -> Done:
    """A command and what it said; it may fail. `path` is all that it finds programs in."""
    env = os.environ | ({"PATH": str(path)} if path else {})
    return subprocess.run(
        argv, cwd=cwd, env=env, input=stdin, capture_output=True, text=True, check=False,
        timeout=600,
    )  # fmt: skip


def eventually(holds: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> float:
    """Seconds until it held. Raises `Failed` when it did not in time."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            raise Failed(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.1)
    return time.monotonic() - began


def documents(path: Path) -> list[Json]:
    """Every object in a YAML file."""
    return [body for body in yaml.load_all(path.read_text("utf-8"), yaml.CSafeLoader) if body]
