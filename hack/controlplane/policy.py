"""Waits until admission policies bite: the API server takes up to about a second to load new ones.

Works by adding policies of our own, newer than the caller's, and asking until they bite: the server
loads all policies of a type at once, in the order of their creation. Policies whose parameters are
objects of a fresh CRD may need a moment more, since the server watches those apart.
"""

import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hack.controlplane.api import request

WAIT_SECONDS = 30.0
POLL_SECONDS = 0.05
GROUP_VERSION = "admissionregistration.k8s.io/v1"
VALIDATING, MUTATING = "Validating", "Mutating"


def wait_until_enforced(server: str, data: Path) -> None:
    """Return when all validating and mutating policies made before this call are enforced.

    Raises `TimeoutError`, or `RuntimeError` when the probe is refused.
    """
    name = f"goaround-probe-{secrets.token_hex(4)}"
    probes = [
        _Probe(server, data, kind, f"{name}-{kind.lower()}") for kind in (VALIDATING, MUTATING)
    ]
    try:
        # A list, so that each probe is added before the first is asked.
        waiting = [probe for probe in probes if probe.add()]
        deadline = time.monotonic() + WAIT_SECONDS
        while not all(probe.bites() for probe in waiting):
            if time.monotonic() > deadline:
                raise TimeoutError(f"admission policies not enforced after {WAIT_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)
    finally:
        for probe in probes:
            probe.remove()


@dataclass(frozen=True, slots=True)
class _Probe:
    """A policy that denies, or changes, the creation of one ConfigMap that nobody creates."""

    server: str
    data: Path
    kind: str
    name: str

    def add(self) -> bool:
        """False on servers before 1.36, which have no mutating policies in v1 to wait for."""
        policy = self._spec()
        binding: dict[str, Any] = {"policyName": self.name}
        if self.kind == VALIDATING:
            binding["validationActions"] = ["Deny"]
        return self._create("Policy", policy) and self._create("PolicyBinding", binding)

    def bites(self) -> bool:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": self.name}}
        path = "/api/v1/namespaces/default/configmaps?dryRun=All"
        answer = request(self.server, path, self.data, "POST", body=body)
        if self.kind == VALIDATING:
            return answer.status == 422 and self.name in str(answer.body.get("message"))
        return answer.is_ok and bool(answer.body.get("data"))

    def remove(self) -> None:
        for what in ("PolicyBinding", "Policy"):
            request(self.server, f"{self._path(what)}/{self.name}", self.data, "DELETE")

    def _create(self, what: str, spec: dict[str, Any]) -> bool:
        body = {
            "apiVersion": GROUP_VERSION,
            "kind": f"{self.kind}Admission{what}",
            "metadata": {"name": self.name},
            "spec": spec,
        }
        answer = request(self.server, self._path(what), self.data, "POST", body=body)
        if answer.status == 404 and self.kind == MUTATING:
            return False
        if not answer.is_ok:
            raise RuntimeError(f"cannot create the probe: {answer.body.get('message')}")
        return True

    def _path(self, what: str) -> str:
        plural = {"Policy": "policies", "PolicyBinding": "policybindings"}[what]
        return f"/apis/{GROUP_VERSION}/{self.kind.lower()}admission{plural}"

    def _spec(self) -> dict[str, Any]:
        rule = {
            "apiGroups": [""],
            "apiVersions": ["v1"],
            "resources": ["configmaps"],
            "operations": ["CREATE"],
        }
        condition = {"name": "probe", "expression": f"object.metadata.name == '{self.name}'"}
        spec: dict[str, Any] = {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [rule]},
            "matchConditions": [condition],
        }
        if self.kind == VALIDATING:
            return spec | {"validations": [{"expression": "false", "message": self.name}]}
        change = {"expression": "Object{data: {'probe': 'seen'}}"}
        mutation = {"patchType": "ApplyConfiguration", "applyConfiguration": change}
        return spec | {"reinvocationPolicy": "Never", "mutations": [mutation]}
