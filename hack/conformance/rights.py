"""Who may do what, asked of the API server with the chart's own roles: rows D13, E2, E6.

It asks (SubjectAccessReview) and tries; it grants the chart's roles to names of its own, nothing
else.
"""

import json
from collections.abc import Iterable

from hack.conformance.row import require
from hack.conformance.server import accepted, feature, refused
from hack.conformance.site import Json, Site

GROUP = "goaround.dev"
ROLES = ("oncall", "approver", "release-manager", "reporter", "view", "edit")
# verb and what of: who may
VERBS: dict[str, set[str]] = {
    "list aifeatures": set(ROLES),
    "patch aifeatures": {"edit"},
    "delete aifeatures": {"edit"},
    "patch aifeatures/status": set(),
    "operate aifeatures": set(),
    "approve aifeatures": {"approver", "release-manager"},
    "promote aifeatures": {"release-manager"},
    "reenable aifeatures": {"release-manager"},
    "create aikillswitches": {"oncall", "release-manager"},
    "delete aikillswitches": {"release-manager"},
    "create aisignoffs": {"approver", "release-manager"},
    "patch aisignoffs": set(),
    "create aiincidents": {"oncall", "release-manager", "reporter"},
    "delete aiincidents": {"release-manager"},
}


def _may(site: Site, asked: Iterable[Json]) -> list[bool]:
    """What the API server answers to each, in order."""
    reviews = [
        {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        for spec in asked
    ]
    done = site.tell(
        "create", {"apiVersion": "v1", "kind": "List", "items": reviews}, "--output=json"
    )
    accepted(done, "questions about rights")
    decoder, told, rest = json.JSONDecoder(), [], done.stdout.strip()
    while rest:  # one document after the other
        one, end = decoder.raw_decode(rest)
        told.append(bool(one["status"].get("allowed")))
        rest = rest[end:].strip()
    return told


def matrix(site: Site) -> str:
    """D13: six roles by fourteen verbs."""
    site.installed_rights()
    namespace = site.namespace()
    for role in ROLES:
        name = role if role in ("view", "edit") else f"goaround-{role}"
        where = [f"--clusterrole={name}", f"--user={role}", f"--namespace={namespace}"]
        site.plane.kubectl("create", "rolebinding", role, *where)
    asked = [(role, right) for right in VERBS for role in ROLES]
    told = _may(site, (_review(role, right, namespace) for role, right in asked))
    wrong = [
        f"{role} {right}: {'yes' if yes else 'no'}"
        for (role, right), yes in zip(asked, told, strict=True)
        if yes != (role in VERBS[right])
    ]
    require(not wrong, "; ".join(wrong))
    return f"{len(ROLES)} roles by {len(VERBS)} verbs, as told; nobody may write a status"


def _review(user: str, right: str, namespace: str) -> Json:
    verb, _, what = right.partition(" ")
    resource, _, sub = what.partition("/")
    attributes = {"verb": verb, "group": GROUP, "resource": resource, "namespace": namespace}
    return {"user": user, "resourceAttributes": attributes | ({"subresource": sub} if sub else {})}


def secrets(site: Site) -> str:
    """E2: both servers get Secrets by name, and list none."""
    home = site.installed_rights()
    for account in ("operator", "flags"):
        user = f"system:serviceaccount:{home}:goaround-{account}"
        for verb, allowed in (("get", True), ("list", False), ("watch", False), ("update", False)):
            attributes = {"verb": verb, "resource": "secrets", "namespace": "default"}
            (yes,) = _may(site, [{"user": user, "resourceAttributes": attributes}])
            require(yes is allowed, f"{account} may {'' if yes else 'not '}{verb} secrets")
    return "operator and flag server: get yes; list, watch, update no"


def status(site: Site) -> str:
    """E6: RBAC refuses a status, and where it does not, the policy does."""
    namespace = site.namespace()
    accepted(site.tell("create", feature(namespace)), "a small feature")
    here = f"--namespace={namespace}"
    change = ["patch", "aif", "chat", here, "--subresource=status", "--type=merge",
              '--patch={"status":{"stage":"Live"}}']  # fmt: skip
    site.plane.kubectl("create", "rolebinding", "ada", "--clusterrole=admin", "--user=ada", here)
    refused(site.kubectl(*change, "--as=ada"), ["Forbidden"], "a status of the namespace's admin")
    resources = "--resource=aifeatures.goaround.dev,aifeatures.goaround.dev/status"
    site.plane.kubectl("create", "role", "writer", "--verb=get,patch", resources, here)
    site.plane.kubectl("create", "rolebinding", "will", "--role=writer", "--user=will", here)
    refused(
        site.kubectl(*change, "--as=will"), ["goaround-status"], "a status of who has the right"
    )
    return "a namespace's admin: 403; who holds aifeatures/status: denied by policy goaround-status"
