"""JSON schemas of our kinds, for editors and for checks of manifests without a cluster.

Made from `crds/`; `python -m hack.schemas FOLDER` writes one file per kind, named as kubeconform
looks for them. Rules between fields (CEL) are not in them: only an API server knows those.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]
ROOT = Path(__file__).resolve().parents[1]
DRAFT = "http://json-schema.org/draft-07/schema#"


def closed_schemas(root: Path = ROOT) -> dict[str, Json]:
    """A schema by kind, in which a field that does not exist is an error, as for the API server."""
    found: dict[str, Json] = {}
    for path in sorted((root / "crds").glob("goaround.dev_*.yaml")):
        crd = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
        for version in crd["spec"]["versions"]:
            schema = _closed(version["schema"]["openAPIV3Schema"])
            # the API server knows metadata itself
            schema["properties"]["metadata"] = {"type": "object"}
            found[crd["spec"]["names"]["kind"]] = {"$schema": DRAFT} | schema
    return found


def _closed(schema: Json) -> Json:
    """Without what only Kubernetes understands, and closed where the fields are named."""
    kept: Json = {key: value for key, value in schema.items() if not key.startswith("x-")}
    if named := schema.get("properties"):
        kept["properties"] = {name: _closed(field) for name, field in named.items()}
        kept["additionalProperties"] = False
    for key in ("items", "additionalProperties"):
        if isinstance(inner := schema.get(key), dict):
            kept[key] = _closed(inner)
    return kept


def main(arguments: Sequence[str]) -> int:
    """Exit code: 2 without a folder to write to."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for kind, schema in closed_schemas().items():
        name = f"{kind.lower()}_v1alpha1.json"
        (folder / name).write_text(json.dumps(schema, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
