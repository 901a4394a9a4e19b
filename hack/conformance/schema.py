"""Walks over the schemas of our CRDs, as the API server holds them: rows A3, A4, A6, A7, E3, E13.

It asks what stands in a schema; whether the server enforces it is asked elsewhere.
"""

import re
from collections.abc import Iterator

from hack.conformance.row import require
from hack.conformance.site import Json, Site

CAMEL = re.compile(r"^[A-Z][A-Za-z0-9]*$")
# names of things: clocks are keys of status.deadlines
NAMES = re.compile(r"[.]preset$|[.]clocks\[\][.]name$")
TAKEN_OVER = re.compile(r"metadata$|\[\]$|\{\}$")


def fields(site: Site) -> Iterator[tuple[str, Json]]:
    """Every field at every depth by its path: `AIFeature.spec.ramp.steps[].weightPercent`."""
    for crd in site.crds:
        for version in crd["spec"]["versions"]:
            kind = crd["spec"]["names"]["kind"]
            yield from _below(kind, version["schema"]["openAPIV3Schema"])


def _below(path: str, schema: Json) -> Iterator[tuple[str, Json]]:
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from _below(f"{path}.{name}", field)
    for key, end in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(inner := schema.get(key), dict):
            yield f"{path}{end}", inner
            yield from _below(f"{path}{end}", inner)


def _none(found: list[str], what: str) -> None:
    require(not found, f"{what}: {', '.join(found[:5])}{' …' if len(found) > 5 else ''}")


def structural(site: Site) -> str:
    """A3: the key that switches pruning off stands nowhere."""
    key = "x-kubernetes-preserve-unknown-fields"
    _none([path for path, field in fields(site) if key in field], key)
    told = site.plane.kubectl("get", "crd", "--output=json").stdout
    require(told.count(key) == 0, f"{key} stands in `kubectl get crd`")
    return f"`kubectl get crd -o json`: {key} stands there 0 times"


def described(site: Site) -> str:
    """A4: a description each, and nothing that `kubectl explain` can only call an Object."""
    found = dict(fields(site))
    silent = [p for p, f in found.items() if "description" not in f and not TAKEN_OVER.search(p)]
    _none(silent, "fields without a description")
    for crd in site.crds:
        plural = f"{crd['spec']['names']['plural']}.{crd['spec']['group']}"
        shown = site.plane.kubectl("explain", f"{plural}.spec", "--recursive").stdout
        _none(_opaque(shown), f"`kubectl explain {plural}.spec` shows only Object")
    return f"{len(found)} fields described; explain --recursive shows what each object holds"


def _opaque(shown: str) -> list[str]:
    """Lines of `<Object>` below which nothing is indented deeper."""
    lines = [line for line in shown.splitlines() if "\t<" in line or " <" in line]
    deep = [len(line) - len(line.lstrip()) for line in lines]
    after = [*deep[1:], 0]
    return [
        line.strip()
        for line, at, then in zip(lines, deep, after, strict=True)
        if re.search(r"<(\[\])?Object>", line) and then <= at
    ]


def no_floats(site: Site) -> str:
    """A6: no number but ints in spec, percents from 0 to 100, thresholds with a pattern."""
    spec = [(path, field) for path, field in fields(site) if ".spec" in path]
    _none([path for path, field in spec if field["type"] == "number"], "floats in spec")
    percents = [(path, field) for path, field in spec if path.endswith("Percent")]
    wide = [p for p, f in percents if not (f["minimum"] >= 0 and f["maximum"] <= 100)]
    _none(wide, "percents outside 0 to 100")
    names = ("alpha", "beta", "max", "min", "worseBy", "rejectAt", "below")
    loose = [path for path, field in spec if path.rpartition(".")[2] in names
             and field["type"] == "string" and "pattern" not in field]  # fmt: skip
    _none(loose, "thresholds without a pattern")
    return f"0 of {len(spec)} fields of spec are floats; {len(percents)} percents within 0 to 100"


def camel_case(site: Site) -> str:
    """A7: enums are strings in CamelCase."""
    found = [(path, field["enum"]) for path, field in fields(site) if "enum" in field]
    enums = [(path, values) for path, values in found if not NAMES.search(path)]
    odd = [f"{path}={value}" for path, values in enums for value in values
           if not (isinstance(value, str) and CAMEL.match(value))]  # fmt: skip
    _none(odd, "values that are no CamelCase")
    require(enums, "no enum at all was found")
    named = len(found) - len(enums)
    return f"{len(enums)} enums; {named} lists of names (presets, clocks) are no states"


def same_namespace(site: Site) -> str:
    """E3: no reference names a namespace."""
    names = [path for path, _ in fields(site) if ".spec" in path]
    found = [path for path in names if path.lower().rpartition(".")[2].startswith("namespace")]
    _none(found, "fields that name a namespace")
    return "no field of spec is called namespace"


def nothing_runs(site: Site) -> str:
    """E13: no pod, no job, no account of anybody's in any spec: there is nothing to run as."""
    words = re.compile(r"(podTemplate|jobTemplate|template|serviceAccountName|image)$")
    found = [path for path, _ in fields(site) if ".spec" in path and words.search(path)]
    _none(found, "fields that run something")
    return "no field of spec holds a pod, a job, an image or an account"
