"""What `goaround doctor` looks at: CRDs, policies, the operator's Lease, clocks, rights, features.

Decides each verdict by itself: a check that may not be made is told as such, and hides no other.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final

from goaround.api.crd import crd
from goaround.api.kinds import (
    ACCESS_REVIEWS,
    CRDS,
    FEATURES,
    INCIDENTS,
    KILL_SWITCHES,
    LEASES,
    SERVED,
    SIGN_OFFS,
    Kind,
    Served,
)
from goaround.api.policies import fingerprint
from goaround.cli.doctor_features import LOOK, OK, WRONG, Finding, Place, features
from goaround.cli.whoami import review
from goaround.world.kube import Api, Body, KubeError, NotFound, NotServed, Refused
from goaround.world.policies import VOUCHING, shipped

Json = dict[str, Any]

MOST_SKEW_SECONDS: Final = 300
LEASE: Final = "goaround"
APPLY_CRDS: Final = "helm upgrade, or kubectl apply --server-side -k crds of this release"

RIGHTS: Final = (
    ("see features", "list", FEATURES),
    ("kill", "create", KILL_SWITCHES),
    ("revive", "reenable", FEATURES),
    ("hold, abort", "patch", FEATURES),
    ("sign", "create", SIGN_OFFS),
    ("approve, reject", "approve", FEATURES),
    ("promote", "promote", FEATURES),
    ("retry", "retry", FEATURES),
    ("see incidents", "list", INCIDENTS),
    ("work on incidents", "patch", INCIDENTS),
)


async def examined(api: Api, place: Place) -> list[Finding]:
    """All findings, in the order in which they explain one another. Raises KubeError where nothing
    at all is answered."""
    server = await _server_time(api)
    found = [finding async for finding in _crds(api)]
    if all(f.state == WRONG for f in found):
        return found  # nothing else can be asked
    found += [_clock(place.now, server)]
    found += [finding async for finding in _policies(api)]
    found += [finding async for finding in _leases(api, place, server or place.now)]
    found += [await _rights(api, place)]
    found += [finding async for finding in features(api, place)]
    return found


async def _server_time(api: Api) -> datetime | None:
    """When the API server says that it is; every answer about oneself is stamped."""
    return _time(((await review(api)).get("metadata") or {}).get("creationTimestamp"))


def _time(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None


async def _crds(api: Api) -> AsyncIterator[Finding]:
    for served in SERVED:
        name = f"{served.kind.plural}.{served.kind.group}"
        check = f"CRD {name}"
        try:
            body = await api.get(CRDS, "", name)
        except NotFound:
            yield Finding(check, WRONG, "is not installed", APPLY_CRDS)
        except Refused:
            yield await _served(api, served, check)
        else:
            yield _same_crd(body, served, check)


async def _served(api: Api, served: Served, check: str) -> Finding:
    """Who may not read CRDs can still ask for their objects."""
    try:
        await api.get(served.kind, "default", "goaround-doctor-asks")
    except NotServed:
        return Finding(check, WRONG, "is not installed", APPLY_CRDS)
    except KubeError:
        pass
    return Finding(check, OK, "is served (you may not read it, so its version is not known)")


def _same_crd(body: Body, served: Served, check: str) -> Finding:
    ours = crd(served)["spec"]["versions"][0]
    versions = {v["name"]: v for v in body["spec"].get("versions", [])}
    theirs = versions.get(ours["name"])
    if theirs is None or not theirs.get("served"):
        return Finding(check, WRONG, f"does not serve version {ours['name']}", APPLY_CRDS)
    if _plain(theirs["schema"]) == _plain(ours["schema"]):
        return Finding(check, OK, "is that of this version")
    return Finding(
        check,
        LOOK,
        "is of another version than this command: fields may be unknown to one of them",
        f"{APPLY_CRDS}; or use the goaround command of the installed release",
    )


def _plain(value: Any) -> Any:
    """Without what the API server leaves out or adds when it stores a schema."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if v not in (None, {}, [])}
    return [_plain(v) for v in value] if isinstance(value, list) else value


def _clock(now: datetime, server: datetime | None) -> Finding:
    if server is None:
        return Finding("clock", LOOK, "the API server does not say what time it is")
    skew = (now - server).total_seconds()
    if abs(skew) > MOST_SKEW_SECONDS:
        return Finding(
            "clock",
            WRONG,
            f"this machine and the API server are {abs(skew):.0f} s apart (at most "
            f"{MOST_SKEW_SECONDS})",
            "set the clocks right; a status from the future holds every climb (ClockSkew)",
        )
    return Finding("clock", OK, f"{abs(skew):.0f} s from the API server's")


async def _policies(api: Api) -> AsyncIterator[Finding]:
    """One finding for all that are well, one for each that is not."""
    from goaround.api.kinds import POLICY_BINDINGS, VALIDATING_POLICIES

    well = 0
    for kind in (VALIDATING_POLICIES, POLICY_BINDINGS):
        for name, wanted in shipped()[kind.plural].items():
            state = WRONG if name in VOUCHING else LOOK
            check = f"{kind.kind} {name}"
            try:
                body = await api.get(kind, "", name)
            except NotFound:
                yield Finding(check, state, "does not exist", _repair(name))
            except Refused:
                yield Finding("policies", LOOK, "you may not read them", "ask an administrator")
                return
            else:
                if fingerprint(body.get("spec") or {}) != wanted:
                    yield Finding(check, state, "is not as it was shipped", _repair(name))
                else:
                    well += 1
    if well:
        yield Finding("policies", OK, f"{well} policies and bindings are as they were shipped")


def _repair(name: str) -> str:
    lost = "; until then no approval counts" if name in VOUCHING else ""
    return f"kubectl apply --server-side -f crds/policies of this release, or helm upgrade{lost}"


async def _leases(api: Api, place: Place, now: datetime) -> AsyncIterator[Finding]:
    try:
        bodies = await api.list(LEASES, namespace=place.home)
    except Refused:
        yield Finding("operator", LOOK, f"you may not read its Lease in {place.home}")
        return
    ours = [b for b in bodies if str(b["metadata"]["name"]).partition(".")[0] == LEASE]
    if not ours:
        yield Finding(
            "operator",
            WRONG,
            f"there is no Lease of it in namespace {place.home}: none runs there",
            "say where with --operator-namespace, or install it; kill switches work without it",
        )
    for body in ours:
        yield lease(body, now)


def lease(body: Body, now: datetime) -> Finding:
    """Whether an operator holds it. now: as the API server's clock has it."""
    spec, name = body.get("spec", {}), body["metadata"]["name"]
    renewed, holder = _time(spec.get("renewTime")), spec.get("holderIdentity") or "nobody"
    check = f"operator (Lease {name})"
    limit = int(spec.get("leaseDurationSeconds") or 15)
    if renewed is None:
        return Finding(check, WRONG, f"{holder} never renewed it", _look_at_logs(body))
    age = (now - renewed).total_seconds()
    if age > limit:
        return Finding(
            check,
            WRONG,
            f"{holder} renewed it {age:.0f} s ago, {limit} are allowed: no operator runs",
            f"{_look_at_logs(body)}; until then: goaround kill works, nothing climbs",
        )
    return Finding(check, OK, f"{holder} holds it, renewed {max(age, 0):.0f} s ago")


def _look_at_logs(body: Body) -> str:
    home = body["metadata"].get("namespace", "")
    component = "app.kubernetes.io/component=operator"
    return f"kubectl -n {home} get pods, and logs of those with -l {component}"


async def _rights(api: Api, place: Place) -> Finding:
    may: list[str] = []
    may_not: list[str] = []
    for words, verb, kind in RIGHTS:
        try:
            (may if await _allowed(api, verb, kind, place) else may_not).append(words)
        except Refused:
            return Finding("your rights", LOOK, "you may not ask for them")
    at = f"in {place.namespace}" if place.namespace else "in all namespaces"
    told = f"{at} you may: {', '.join(may) or 'nothing'}"
    if not may_not:
        return Finding("your rights", OK, told)
    lacks = f"{told}; you may not: {', '.join(may_not)}"
    return Finding("your rights", OK if may else LOOK, lacks)


async def _allowed(api: Api, verb: str, kind: Kind, place: Place) -> bool:
    wanted = {"group": kind.group, "resource": kind.plural, "verb": verb}
    if place.namespace is not None:
        wanted["namespace"] = place.namespace
    body: Json = {"apiVersion": ACCESS_REVIEWS.api_version, "kind": ACCESS_REVIEWS.kind}
    answer = await api.create(ACCESS_REVIEWS, "", body | {"spec": {"resourceAttributes": wanted}})
    return bool((answer.get("status") or {}).get("allowed"))
