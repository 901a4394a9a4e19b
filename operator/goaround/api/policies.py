"""What identifies an admission policy: a fingerprint of its spec, the same wherever it is computed.

Refuses to tell which policies there are or what they mean: `crds/policies` does.
"""

import hashlib
import json
from typing import Any

from goaround.api.base import Json


def fingerprint(spec: Json) -> str:
    """`sha256:<64 hex>` of a policy's spec. White space does not count: tools fold long lines."""
    text = json.dumps(_folded(spec), sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _folded(value: Any) -> Any:
    match value:
        case str():
            return " ".join(value.split())
        case dict():
            return {k: _folded(v) for k, v in value.items()}
        case list():
            return [_folded(v) for v in value]
        case _:
            return value
