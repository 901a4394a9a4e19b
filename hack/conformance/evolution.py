"""How the API may change under objects that exist: rows A15, A16, A18, A19, D19.

It changes CRDs of its own API server and puts them back; it decides nothing about versions to come.
"""

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hack.conformance import server
from hack.conformance.row import require
from hack.conformance.server import accepted, feature, incident, refused
from hack.conformance.site import Json, Site, documents, eventually
from hack.schemas import main as write_schemas

WIDE = 100
COLUMNS = 6
GONE_SECONDS = 60.0


def ratchets(site: Site) -> str:
    """A15: an object that an older, looser CRD took keeps living under the tighter one."""
    namespace = site.namespace()
    tight = documents(site.root / "crds" / "goaround.dev_aifeatures.yaml")[0]
    loose = copy.deepcopy(tight)
    _scope(loose)["maxLength"] = 100_000
    wordy = server.SPEC["acceptance"] | {"scope": "x" * 5000}
    old = feature(namespace, "old", acceptance=wordy)
    try:
        accepted(site.tell("apply", loose, "--server-side", "--force-conflicts"), "the older CRD")
        eventually(lambda: site.tell("create", old).returncode == 0, "a long scope is taken")
    finally:
        back = site.tell("apply", tight, "--server-side", "--force-conflicts")
    accepted(back, "the newer CRD")
    probe = feature(namespace, "probe", acceptance=wordy)
    eventually(
        lambda: site.tell("create", probe, "--dry-run=server").returncode != 0, "it is refused"
    )
    here = ["aif", "old", f"--namespace={namespace}"]
    accepted(site.kubectl("label", *here, "seen=yes"), "a label on the old object")
    change = '{"spec":{"acceptance":{"scope":"' + "y" * 5001 + '"}}}'
    changed = site.kubectl("patch", *here, "--type=merge", f"--patch={change}")
    refused(changed, ["spec.acceptance.scope"], "another scope that is too long")
    return "under a tightened rule the old object takes a label; the field itself is refused"


def _scope(crd: Json) -> Json:
    at: Json = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for name in ("spec", "acceptance", "scope"):
        at = at["properties"][name]
    return at


def columns(site: Site) -> str:
    """A16: what `kubectl get` shows fits, ends in Age, and keeps messages for -o wide."""
    for crd in site.crds:
        kind = crd["spec"]["names"]["kind"]
        listed = crd["spec"]["versions"][0]["additionalPrinterColumns"]
        narrow = [one["name"] for one in listed if not one.get("priority")]
        require(len(narrow) <= COLUMNS, f"{kind} shows {narrow}")
        require(narrow[-1] == "Age", f"{kind} ends in {narrow[-1]}")
    namespace = site.namespace()
    accepted(site.tell("create", feature(namespace, "a" * 40)), "a feature of a long name")
    here = ["get", "aif", f"--namespace={namespace}"]
    shown = site.kubectl(*here).stdout.splitlines()
    require(max(map(len, shown)) <= WIDE, f"{max(map(len, shown))} characters wide")
    wide = site.kubectl(*here, "--output=wide").stdout.splitlines()[0]
    return f"`kubectl get aif` is {max(map(len, shown))} wide; -o wide has {wide.split()}"


def one_version(site: Site) -> str:
    """A18: what was applied is read back the same at each served version."""
    namespace = site.namespace()
    accepted(site.tell("apply", feature(namespace)), "a small feature")
    for crd in site.crds:
        spec, names = crd["spec"], crd["spec"]["names"]
        require(spec.get("conversion", {}).get("strategy", "None") == "None", "a conversion")
        stored = [one["name"] for one in spec["versions"] if one["storage"]]
        require(crd["status"]["storedVersions"] == stored, f"{names['plural']}: stored versions")
    read: list[Any] = []
    for version in (one["name"] for one in site.crds[0]["spec"]["versions"] if one["served"]):
        at = f"/apis/goaround.dev/{version}/namespaces/{namespace}/aifeatures/chat"
        read.append(json.loads(site.plane.kubectl("get", "--raw", at).stdout)["spec"])
    require(all(one == read[0] for one in read), "versions differ")
    wanted = feature(namespace)["spec"]
    require(_within(wanted, read[0]), "what was applied is not what is read")
    return f"{len(read)} served version; conversion None; storedVersions as served"


def _within(part: Any, whole: Any) -> bool:
    """Everything of `part` stands in `whole`, which may have defaults besides."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            key in whole and _within(value, whole[key]) for key, value in part.items()
        )
    if isinstance(part, list):
        return len(part) == len(whole) and all(map(_within, part, whole))
    return bool(part == whole)


def published(site: Site) -> str:
    """A19: OpenAPI v3 has our kinds; the schema files of a release tell good from bad."""
    told = site.plane.kubectl("get", "--raw", "/openapi/v3/apis/goaround.dev/v1alpha1").stdout
    known = json.loads(told)["components"]["schemas"]
    kinds = {crd["spec"]["names"]["kind"] for crd in site.crds}
    require({f"dev.goaround.v1alpha1.{kind}" for kind in kinds} <= known.keys(), "OpenAPI v3")
    schemas = site.folder / "schemas"
    require(write_schemas([str(schemas)]) == 0, "hack.schemas")
    # what Argo CD tests our Lua by are not manifests; the overlay is tried by row C9
    paths = (p for p in sorted((site.root / "examples").rglob("*.yaml")) if "gitops" not in p.parts)
    bodies = [body for path in paths for body in documents(path) if body["kind"] in kinds]
    require(_conforms(site, schemas, bodies) == "", _conforms(site, schemas, bodies))
    faults: tuple[Json, ...] = ({"rampp": {}}, {"mode": "Enforced"}, {"release": {}})
    for fault in faults:
        passed = _conforms(site, schemas, [feature("shop", **fault)]) == ""
        require(not passed, f"kubeconform takes {fault}")
    passed_by = f"kubeconform passes {len(bodies)} examples and fails {len(faults)} faults"
    return f"OpenAPI v3 has {len(kinds)} kinds; {passed_by}"


def _conforms(site: Site, schemas: Path, bodies: Sequence[Json]) -> str:
    """What kubeconform says against these objects: "" when all of them are valid."""
    where = f"-schema-location={schemas}/{{{{.ResourceKind}}}}_{{{{.ResourceAPIVersion}}}}.json"
    text = "---\n".join(json.dumps(body) + "\n" for body in bodies)
    done = site.tool("kubeconform", "-strict", where, stdin=text)
    return "" if done.returncode == 0 else done.stdout + done.stderr or "without a word"


def deletes(site: Site) -> str:
    """D19: a namespace with our objects goes, and nothing holds it."""
    namespace = site.namespace()
    accepted(site.tell("create", feature(namespace)), "a small feature")
    accepted(site.tell("create", incident(namespace)), "an incident")
    site.plane.kubectl("delete", "namespace", namespace, "--wait=false")
    where = ["get", "namespace", namespace, "--ignore-not-found", "--output=name"]
    took = eventually(lambda: site.kubectl(*where).stdout == "", "the namespace goes", GONE_SECONDS)
    return f"a namespace with a feature and an incident was gone after {took:.0f} s"
