"""Killing is for many, reviving for few: the roles of `examples/roles.yaml` on the real API server.

With a controller manager, so that namespaces are really deleted: no switch and no sign-off of ours
may keep one from going.
"""

import json
from collections.abc import Iterator

import pytest
import yaml

from goaround.api import API_VERSION
from goaround.api.base import Json
from hack.controlplane import ControlPlane, apply_crds, control_plane
from tests.cluster.api_objects import CRDS
from tests.cluster.conftest import give_up
from tests.cluster.operator_shop import eventually
from tests.cluster.sign_off_kit import (
    as_user,
    bind,
    create,
    feature,
    policies,
    sign_off,
    waiting,
)

pytestmark = pytest.mark.cluster

EXAMPLES = CRDS.parent / "examples"
NAMESPACE, DOOMED = "roles", "doomed"
HERE = f"--namespace={NAMESPACE}"
ONCALL, APPROVER, MANAGER = "olga", "ann", "mia"
REPORTER, EDITOR, VIEWER = "rita", "eve", "vic"
LATCHED = '{"status": {"latchedAt": "2026-11-21T09:48:08Z", "latchedRevision": 7}}'
VERBS = {
    # verb and what of: on-call, approver, release manager
    "create aikillswitches": (True, False, True),
    "delete aikillswitches": (False, False, True),
    "deletecollection aikillswitches": (False, False, True),
    "update aikillswitches": (False, False, False),
    "patch aikillswitches": (False, False, False),
    "create aisignoffs": (False, True, True),
    "delete aisignoffs": (False, True, True),
    "update aisignoffs": (False, False, False),
    "patch aifeatures": (False, False, False),
    "approve aifeatures": (False, True, True),
    "promote aifeatures": (False, False, True),
    "retry aifeatures": (False, False, True),
    "withdraw aifeatures": (False, False, True),
    "reenable aifeatures": (False, False, True),
    "drill aifeatures": (True, False, True),
    "breakglass aifeatures": (False, False, True),
    "create aiincidents": (True, False, True),
    "patch aiincidents": (True, False, True),
    "delete aiincidents": (False, False, True),
    "operate aifeatures": (False, False, False),
    "patch aifeatures/status": (False, False, False),
}


@pytest.fixture(scope="module")
def land(cluster_tools: None) -> Iterator[ControlPlane]:
    try:
        with control_plane(prometheus=False, controller_manager=True) as made:
            apply_crds(made, sorted(CRDS.glob("goaround.dev_*.yaml")))
            for namespace in (NAMESPACE, DOOMED):
                made.kubectl("create", "namespace", namespace)
            roles = {
                ONCALL: ["goaround-oncall"],
                APPROVER: ["goaround-approver"],
                MANAGER: ["goaround-release-manager"],
                REPORTER: ["goaround-reporter"],
                EDITOR: ["edit"],
                VIEWER: ["view"],
            }
            bind(made, NAMESPACE, roles)
            with policies(made):
                yield made
    except FileNotFoundError as error:
        give_up(str(error))


def a_switch(name: str, namespace: str = NAMESPACE, **target: Json) -> Json:
    spec: Json = {"reason": "it swears", **(target or {"featureRef": {"name": "chat"}})}
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": "AIKillSwitch", "metadata": meta, "spec": spec}


def latch(land: ControlPlane, name: str) -> None:
    through = ["--subresource=status", "--type=merge", f"--patch={LATCHED}"]
    land.kubectl("patch", "aiks", name, HERE, *through)


def delete(land: ControlPlane, *what: str) -> str:
    """What the API server says: "" when it is gone."""
    told = land.kubectl("delete", "aiks", *what, HERE, "--wait=false", check=False)
    return told.stderr if told.returncode else ""


@pytest.mark.parametrize("right", sorted(VERBS))
def test_each_role_holds_what_it_needs_and_nothing_else(land: ControlPlane, right: str) -> None:
    verb, _, resource = right.partition(" ")
    plural, _, sub = resource.partition("/")
    ask = ["auth", "can-i", verb, f"{plural}.goaround.dev", HERE]
    ask += [f"--subresource={sub}"] if sub else []
    found = tuple(
        land.kubectl(*ask, *as_user(who), check=False).stdout.strip() == "yes"
        for who in (ONCALL, APPROVER, MANAGER)
    )
    assert found == VERBS[right]


def may(land: ControlPlane, who: str) -> dict[str, set[str]]:
    """Verbs that somebody holds on each of our resources."""
    told = land.kubectl("auth", "can-i", "--list", "--no-headers", HERE, *as_user(who)).stdout
    rows = [line for line in told.splitlines() if ".goaround.dev" in line.split()[0]]
    found: dict[str, set[str]] = {}
    for row in rows:
        verbs = row[row.rindex("[") + 1 : row.rindex("]")].split()
        found.setdefault(row.split(".")[0], set()).update(verbs)
    return found


def test_kubernetes_own_roles_see_everything_and_change_features_only(land: ControlPlane) -> None:
    read = {"get", "list", "watch"}
    ours = {"aifeatures", "aiincidents", "aikillswitches", "aisignoffs"}
    eventually(lambda: may(land, VIEWER) == dict.fromkeys(ours, read), "view is aggregated")
    write = {"create", "update", "patch", "delete", "deletecollection"}
    wanted = dict.fromkeys(ours, read) | {"aifeatures": read | write}
    eventually(lambda: may(land, EDITOR) == wanted, "edit is aggregated")


def test_a_reporter_opens_incidents_and_nothing_else(land: ControlPlane) -> None:
    read = {"get", "list", "watch"}
    assert may(land, REPORTER) == {"aifeatures": read, "aiincidents": read | {"create"}}


def test_on_call_kills_but_neither_revives_nor_edits(land: ControlPlane) -> None:
    assert create(land, a_switch("stop"), *as_user(ONCALL)) == ""
    latch(land, "stop")
    assert "cannot delete resource" in delete(land, "stop", *as_user(ONCALL))
    assert "cannot deletecollection" in delete_all(land, ONCALL)
    edit = '{"spec": {"reason": "never mind"}}'
    told = land.kubectl(
        *("patch", "aiks", "stop", HERE, "--type=merge", f"--patch={edit}", *as_user(ONCALL)),
        check=False,
    )
    assert "cannot patch resource" in told.stderr
    assert delete(land, "stop", *as_user(MANAGER)) == ""


def delete_all(land: ControlPlane, who: str) -> str:
    """As `kubectl delete --all` would by one request."""
    where = f"/apis/goaround.dev/v1alpha1/namespaces/{NAMESPACE}/aikillswitches"
    told = land.kubectl("delete", f"--raw={where}", *as_user(who), check=False)
    return told.stderr if told.returncode else ""


@pytest.mark.parametrize(
    ("target", "what"),
    [
        ({"featureRef": {"name": "chat"}}, "aifeatures/chat"),
        ({"selector": {"matchLabels": {"team": "a"}}}, "all aifeatures of this namespace"),
    ],
    ids=["one feature", "by label"],
)
def test_deleting_takes_verb_reenable_even_for_who_may_delete(
    land: ControlPlane, target: Json, what: str
) -> None:
    """An administrator of the namespace may delete anything by RBAC, and still revives nothing."""
    land.kubectl(
        *("create", "role", "deletes", "--verb=delete", "--resource=aikillswitches", HERE),
        check=False,
    )
    land.kubectl(
        *("create", "rolebinding", "deletes", "--role=deletes", "--user=tom", HERE), check=False
    )
    assert create(land, a_switch("kept", **target), *as_user(ONCALL)) == ""
    latch(land, "kept")
    told = delete(land, "kept", *as_user("tom"))
    assert f"that takes verb reenable on {what}" in told
    assert delete(land, "kept", *as_user(MANAGER)) == ""


def test_verb_reenable_does_not_stand_in_for_the_record_of_the_kill(land: ControlPlane) -> None:
    assert create(land, a_switch("fresh"), *as_user(ONCALL)) == ""
    told = delete(land, "fresh", *as_user(MANAGER))
    assert "the operator has not recorded this kill yet" in told
    latch(land, "fresh")
    assert delete(land, "fresh", *as_user(MANAGER)) == ""


def test_a_drill_takes_verb_drill_to_begin_and_to_end(land: ControlPlane) -> None:
    land.kubectl(
        *("create", "role", "kills", "--verb=create,delete", "--resource=aikillswitches", HERE)
    )
    land.kubectl("create", "rolebinding", "kills", "--role=kills", "--user=kim", HERE)
    drill: Json = yaml.safe_load((EXAMPLES / "drill.yaml").read_text())
    drill["metadata"] = {"name": "monthly", "namespace": NAMESPACE}
    drill["spec"]["featureRef"] = {"name": "chat"}
    told = create(land, drill, *as_user("kim"))
    assert "kim may not run a drill: that takes verb drill on aifeatures/chat" in told
    assert create(land, drill, *as_user(ONCALL)) == ""
    latch(land, "monthly")
    assert "that takes verb drill on aifeatures/chat" in delete(land, "monthly", *as_user("kim"))
    assert delete(land, "monthly", *as_user(MANAGER)) == ""


def test_easing_the_freeze_of_an_incident_takes_verb_reenable(land: ControlPlane) -> None:
    spec: Json = {"affects": [{"name": "chat"}], "trigger": {"source": "Kill", "key": "k"}}
    spec |= {"severity": "P2", "severityReason": "half of the users"}
    meta = {"name": "chat-1", "namespace": NAMESPACE}
    body = {"apiVersion": API_VERSION, "kind": "AIIncident", "metadata": meta, "spec": spec}
    assert create(land, body) == ""
    eased: list[Json] = [
        {"requestedPhase": "Resolved"},
        {"requestedPhase": "Recovering"},
        {"severity": "P3", "severityReason": "fewer than thought"},
    ]
    for change in eased:
        told = edited(land, change, ONCALL)
        assert "olga may not ease the freeze of this incident" in told
        assert "verb reenable on aifeatures/chat" in told
    raised: Json = {"severity": "P1", "severityReason": "more than thought"}
    assert edited(land, raised, ONCALL) == ""
    assert edited(land, eased[0], MANAGER) == ""
    gone = ("delete", "aii", "chat-1", HERE, "--wait=false", *as_user(MANAGER))
    assert land.kubectl(*gone, check=False).returncode == 0


def test_on_call_asks_for_more_containment_and_eases_none(land: ControlPlane) -> None:
    example: Json = yaml.safe_load((EXAMPLES / "containment.yaml").read_text())
    example["metadata"] = {"name": "chat-1", "namespace": NAMESPACE}
    example["spec"]["affects"] = [{"name": "chat"}]
    assert create(land, example, *as_user(ONCALL)) == ""
    deeper: list[Json] = [
        {"percent": 2},
        {"action": "Rollback", "percent": None},
        {"action": "KillSwitch"},
    ]
    easier: list[Json | None] = [
        {"percent": 3},
        {"action": "Throttle", "percent": 1},
        None,
    ]
    for more, less in zip(deeper, easier, strict=True):
        assert edited(land, {"containment": more}, ONCALL) == ""
        told = edited(land, {"containment": less}, ONCALL)
        assert "olga may not ease the containment of this incident" in told
        assert "verb reenable on aifeatures/chat" in told
    assert edited(land, {"containment": None}, MANAGER) == ""
    land.kubectl("delete", "aii", "chat-1", HERE, "--wait=false", *as_user(MANAGER))


def test_breaking_the_glass_takes_its_verb_and_mending_it_none(land: ControlPlane) -> None:
    assert create(land, feature("glass", NAMESPACE)) == ""
    land.kubectl(
        *("create", "role", "edits", "--verb=get,patch", "--resource=aifeatures", HERE),
    )
    for user in ("tim", MANAGER):
        binding = f"--user={user}"
        land.kubectl("create", "rolebinding", f"edits-{user}", "--role=edits", binding, HERE)

    def annotated(words: str, who: str) -> str:
        what = ("annotate", "aif", "glass", HERE, words, *as_user(who))
        told = land.kubectl(*what, check=False)
        return told.stderr if told.returncode else ""

    broken = "goaround.dev/breakglass=chat-1: payments are down"
    assert "that takes verb breakglass on aifeatures/glass" in annotated(broken, "tim")
    assert annotated(broken, MANAGER) == ""
    assert annotated("team=a", "tim") == ""
    assert annotated("goaround.dev/breakglass-", "tim") == ""


def test_letting_a_message_leave_the_house_takes_verb_approve(land: ControlPlane) -> None:
    spec: Json = {"affects": [{"name": "chat"}], "trigger": {"source": "Manual", "key": "k"}}
    spec |= {"severity": "P2", "severityReason": "half of the users"}
    meta = {"name": "chat-2", "namespace": NAMESPACE}
    body: Json = {"apiVersion": API_VERSION, "kind": "AIIncident", "metadata": meta, "spec": spec}
    assert create(land, body) == ""
    one: list[Json] = [{"message": "externalInitial-1", "hash": "0123456789ab"}]
    more = [*one, {"message": "externalUpdate-1"}]
    told = edited(land, {"commsApprovals": one}, ONCALL, "chat-2")
    assert "olga may not let a message leave the house: that takes verb approve" in told
    sent = [{"message": "internalUpdate-1", "at": "2026-11-21T09:48:08Z"}]
    assert edited(land, {"commsSent": sent}, ONCALL, "chat-2") == ""
    assert edited(land, {"commsApprovals": one}, MANAGER, "chat-2") == ""
    assert edited(land, {"summary": {"scope": "all"}}, ONCALL, "chat-2") == ""
    other: list[Json] = [{"message": "externalInitial-1", "hash": "fedcba987654"}]
    for change in (more, other):
        assert "that takes verb approve" in edited(
            land, {"commsApprovals": change}, ONCALL, "chat-2"
        )
    assert edited(land, {"commsApprovals": []}, ONCALL, "chat-2") == ""
    body["metadata"]["name"], body["spec"]["commsApprovals"] = "chat-3", one
    land.kubectl("create", "role", "opens", "--verb=create", "--resource=aiincidents", HERE)
    land.kubectl("create", "rolebinding", "opens", "--role=opens", "--user=rep", HERE)
    assert "rep may not let a message leave the house" in create(land, body, *as_user("rep"))


def edited(land: ControlPlane, change: Json, who: str, incident: str = "chat-1") -> str:
    """What the API server says of a change of the incident's spec: "" when it is taken."""
    patch = f"--patch={json.dumps({'spec': change})}"
    what = ("patch", "aii", incident, HERE, "--type=merge", patch, *as_user(who))
    told = land.kubectl(*what, check=False)
    return told.stderr if told.returncode else ""


def test_a_namespace_with_an_engaged_switch_and_sign_offs_is_deleted(land: ControlPlane) -> None:
    assert create(land, feature("chat", DOOMED)) == ""
    flying = json.dumps({"status": waiting()})
    land.kubectl(
        *("patch", "aif", "chat", f"--namespace={DOOMED}", "--subresource=status"),
        *("--type=merge", f"--patch={flying}"),
    )
    bind(land, DOOMED, {APPROVER: ["goaround-approver"]})
    body = sign_off("yes", "Approve", feature="chat", namespace=DOOMED)
    assert create(land, body, *as_user(APPROVER)) == ""
    assert create(land, a_switch("stop", DOOMED)) == ""
    land.kubectl("delete", "namespace", DOOMED, "--wait=false")

    def gone() -> bool:
        return land.kubectl("get", "namespace", DOOMED, check=False).returncode != 0

    eventually(gone, "the namespace is gone", seconds=60)
