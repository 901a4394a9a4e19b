"""The two digests: what a release is, and what a sign-off binds.

`release_digest` identifies content (quarantine, last-known-good, records). `plan_digest` adds what
the release is accepted by: steps, signals, budget. Canonical JSON: sorted keys, no nulls, no empty
members, no spaces, so that adding an optional field later changes no digest that exists.
"""

import hashlib
import json

from goaround.api.base import Json
from goaround.api.feature import AIFeatureSpec, Release

SHORT = 12


def _sha256(value: Json) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def release_digest(release: Release) -> str:
    """`sha256:<64 hex>` over the release's content."""
    return _sha256(release.wire())


def plan_digest(spec: AIFeatureSpec) -> str:
    """`sha256:<64 hex>` over the release, the steps and the signals with their budget."""
    return _sha256(
        {
            "release": spec.release.wire(),
            "steps": [s.wire() for s in spec.ramp.steps],
            "acceptance": spec.acceptance.wire(),
        }
    )


def short(digest: str) -> str:
    """The 12 hex digits by which people and record names call a digest."""
    return digest.removeprefix("sha256:")[:SHORT]
