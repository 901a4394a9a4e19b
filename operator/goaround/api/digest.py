"""The two digests: what a release is, and what a sign-off binds.

`release_digest` identifies content (quarantine, last-known-good, records). `plan_digest` adds what
the release is accepted by: steps of both ramps, signals, budget, pre-flight. Canonical JSON: sorted
keys, no spaces, and no member that is at its default, so that adding a field later changes no
digest that exists.
"""

from goaround.api.base import Json, Model
from goaround.api.canonical import canonical, sha256_of
from goaround.api.feature import AIFeatureSpec, Release
from goaround.api.plain import PREFIX
from goaround.api.plain import short as short
from goaround.api.remembered import Remembered


def _meant(model: Model) -> Json:
    """What the author decided: defaults are the same whether they are written out or not."""
    return model.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def release_digest(release: Release) -> str:
    """`sha256:<64 hex>` over the release's content."""
    return _of_release(release)


def plan_digest(spec: AIFeatureSpec, golden: str | None = None) -> str:
    """`sha256:<64 hex>` over the release, the steps, the signals with their budget, and pre-flight
    with the hash of its golden set, as far as that is known."""
    known = _of_plan(spec)
    if golden not in known:
        known[golden] = _plan_digest(spec, golden)
    return known[golden]


def _plan_digest(spec: AIFeatureSpec, golden: str | None) -> str:
    before: Json = {"preflight": _meant(spec.preflight), "golden": golden} if spec.preflight else {}
    if "reenable" in (ramp := _meant(spec.ramp)):
        before["reenable"] = ramp["reenable"]
    meant = {
        "release": _meant(spec.release),
        "steps": [_meant(s) for s in spec.ramp.steps],
        "acceptance": _meant(spec.acceptance),
    } | before
    return sha256_of(canonical(meant))


# one pass asks for them a dozen times, and they change only when somebody writes the object anew
_of_release = Remembered[Release, str](lambda release: sha256_of(canonical(_meant(release))))
_of_plan = Remembered[AIFeatureSpec, dict[str | None, str]](lambda _: {})


def is_named(digest: str, start: str) -> bool:
    """Whether people mean this digest by its beginning, or by all of it; `sha256:` may be left
    out."""
    return digest.removeprefix(PREFIX).startswith(start.removeprefix(PREFIX))
