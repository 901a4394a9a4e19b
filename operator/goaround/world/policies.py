"""Whether the API server has the admission policies that make sign-offs true, as they were shipped.

Fails closed: a policy or binding that is missing, altered or cannot be read means that no approval
counts, and says which one and what to do. Reads these few names only, and changes nothing.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files

from goaround.api.kinds import POLICY_BINDINGS, VALIDATING_POLICIES, Kind
from goaround.api.policies import fingerprint
from goaround.rollout.observed import Guarded
from goaround.world.kube import Api, Body, KubeError, NotFound, Refused

VOUCHING = ("goaround-author", "goaround-signoff-identity", "goaround-signoff-plan")
"""Without one of these a sign-off may lie. Those that only stamp are a convenience: what they write
is checked by these."""

REPAIR = "apply crds/policies of this release again (kubectl apply --server-side -k crds)"


async def guarded(api: Api) -> Guarded:
    """Whether all that vouch are there, unaltered, and since when."""
    newest: list[datetime] = []
    for kind in (VALIDATING_POLICIES, POLICY_BINDINGS):
        for name in VOUCHING:
            what = f"{kind.kind} {name}"
            try:
                body = await api.get(kind, "", name)
            except NotFound:
                return Guarded(missing=f"{what} does not exist: {REPAIR}")
            except Refused as err:
                return Guarded(missing=f"{what} may not be read ({err}): grant verb get on it")
            except KubeError as err:
                return Guarded(missing=f"{what} cannot be read now: {err}"[:400])
            if fingerprint(body.get("spec") or {}) != shipped()[kind.plural][name]:
                return Guarded(missing=f"{what} is not as it was shipped: {REPAIR}")
            newest.append(_since(body))
    return Guarded(since=max(newest))


@cache
def shipped() -> Mapping[str, Mapping[str, str]]:
    """Fingerprints of what `crds/policies` holds, by plural and name; written by hack/gen-crds."""
    text = files(__package__).joinpath("policies.json").read_text(encoding="utf-8")
    found: Mapping[str, Mapping[str, str]] = json.loads(text)
    return found


def needs() -> tuple[tuple[Kind, str], ...]:
    """What has to be readable, by kind and name."""
    return tuple(
        (kind, name) for kind in (VALIDATING_POLICIES, POLICY_BINDINGS) for name in VOUCHING
    )


async def in_force(api: Api, name: str) -> datetime | None:
    """Since when one policy and its binding are there as they were shipped; None where they are
    not, or cannot be read."""
    newest: list[datetime] = []
    for kind in (VALIDATING_POLICIES, POLICY_BINDINGS):
        try:
            body = await api.get(kind, "", name)
        except KubeError:
            return None
        if fingerprint(body.get("spec") or {}) != shipped()[kind.plural][name]:
            return None
        newest.append(_since(body))
    return max(newest)


def _since(body: Body) -> datetime:
    """When it last became what it is: an approval from before a change was not checked by it."""
    meta = body["metadata"]
    changed = [
        str(entry["time"])
        for entry in meta.get("managedFields") or []
        if "time" in entry and not entry.get("subresource")
    ]
    return max(map(datetime.fromisoformat, [str(meta["creationTimestamp"]), *changed]))
