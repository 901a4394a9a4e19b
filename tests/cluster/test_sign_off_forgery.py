"""Sign-offs cannot be forged: each way that was thought of is tried on the real API server.

Persons act by impersonation, which the API server treats like their own certificate. What happens
to sign-offs that were made while a policy was missing is the operator's part
(`test_operator_sign_off.py`).
"""

import json
from collections.abc import Iterator

import pytest
import yaml

from goaround.api.base import Json
from hack.controlplane import ControlPlane
from tests.cluster.api_objects import ROOT, install
from tests.cluster.sign_off_kit import (
    DIGEST,
    OTHER,
    POLICIES,
    apply_policies,
    as_user,
    bind,
    create,
    feature,
    policies,
    sign_off,
    waiting,
)

pytestmark = pytest.mark.cluster

EXAMPLES = ROOT / "examples"
NAMESPACE = "forgery"
HERE = f"--namespace={NAMESPACE}"
CHAT, SEARCH = "chat", "search"
ROBOT = f"system:serviceaccount:{NAMESPACE}:argocd"
APPROVER, MANAGER, TENANT = "ann", "mia", "tom"


@pytest.fixture(scope="module")
def guarded(plane: ControlPlane) -> Iterator[ControlPlane]:
    """Policies enforced; `chat` waits for people, and git wrote its last change."""
    install(plane)
    plane.kubectl("create", "namespace", NAMESPACE)
    roles = {
        APPROVER: ["goaround-approver"],
        "bob": ["goaround-approver"],
        "git": ["goaround-approver", "admin"],
        ROBOT: ["goaround-release-manager"],
        MANAGER: ["goaround-release-manager"],
    }
    bind(plane, NAMESPACE, roles)
    _narrow(plane, "dan", SEARCH)
    plane.kubectl("apply", "--filename=-", stdin=json.dumps(_editors()))
    with policies(plane):
        for name in (CHAT, SEARCH):
            assert create(plane, feature(name, NAMESPACE), *as_user("git", "editors")) == ""
            status(plane, name, waiting())
        yield plane
        plane.kubectl("delete", "aif,aiso", "--all", HERE)


def _narrow(plane: ControlPlane, user: str, name: str) -> None:
    """A user who may approve one feature only."""
    role = ["create", "role", f"only-{name}", "--verb=approve"]
    plane.kubectl(*role, "--resource=aifeatures.goaround.dev", f"--resource-name={name}", HERE)
    plane.kubectl("create", "role", "signs", "--verb=create", "--resource=aisignoffs", HERE)
    for bound in (f"only-{name}", "signs"):
        plane.kubectl("create", "rolebinding", bound, f"--role={bound}", f"--user={user}", HERE)


def _editors() -> Json:
    """Tenants: they write features and may create sign-offs, but hold no verb to decide."""
    rules = [{"apiGroups": ["goaround.dev"], "resources": ["aifeatures", "aisignoffs"],
              "verbs": ["get", "list", "create", "patch", "update"]}]  # fmt: skip
    api = "rbac.authorization.k8s.io"
    about: Json = {"apiVersion": f"{api}/v1", "metadata": {"name": "edit", "namespace": NAMESPACE}}
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            about | {"kind": "Role", "rules": rules},
            about
            | {
                "kind": "RoleBinding",
                "roleRef": {"apiGroup": api, "kind": "Role", "name": "edit"},
                "subjects": [{"apiGroup": api, "kind": "Group", "name": "editors"}],
            },
        ],
    }


def status(plane: ControlPlane, name: str, wanted: Json) -> None:
    told = {"status": wanted}
    patch(plane, name, told, "--subresource=status")


def patch(plane: ControlPlane, name: str, change: Json, *options: str) -> str:
    told = plane.kubectl(
        *("patch", "aif", name, HERE, "--type=merge", f"--patch={json.dumps(change)}", *options),
        check=False,
    )
    return told.stderr if told.returncode else ""


def decision(name: str, what: str = "Approve", *, about: str = CHAT, **more: object) -> Json:
    return sign_off(name, what, feature=about, namespace=NAMESPACE, **more)  # type: ignore[arg-type]


def stored(plane: ControlPlane, what: str) -> Json:
    found: Json = json.loads(plane.kubectl("get", what, HERE, "--output=json").stdout)
    return found


def author(plane: ControlPlane, name: str) -> str | None:
    found = stored(plane, f"aif/{name}")["metadata"].get("annotations") or {}
    told: str | None = found.get("goaround.dev/author")
    return told


def test_a_forged_name_is_overwritten_by_the_true_one(guarded: ControlPlane) -> None:
    lie = decision("forged", approver="bob", approverGroups=["leads"])
    assert create(guarded, lie, *as_user(APPROVER, "team")) == ""
    spec = stored(guarded, "aiso/forged")["spec"]
    assert spec["approver"] == APPROVER
    assert sorted(spec["approverGroups"]) == ["system:authenticated", "team"]


def test_server_side_apply_forges_nothing_either(guarded: ControlPlane) -> None:
    lie = json.dumps(decision("applied", approver="bob", approverGroups=["leads"]))
    manager = ["apply", "--server-side", "--filename=-", *as_user(MANAGER)]
    assert guarded.kubectl(*manager, stdin=lie, check=False).returncode != 0  # no patch for her
    plainly = as_user("root", "system:masters")
    guarded.kubectl("apply", "--server-side", "--filename=-", *plainly, stdin=lie)
    spec = stored(guarded, "aiso/applied")["spec"]
    assert (spec["approver"], "leads" in spec["approverGroups"]) == ("root", False)


def test_who_holds_no_verb_may_not_decide(guarded: ControlPlane) -> None:
    told = create(guarded, decision("tenant"), *as_user(TENANT, "editors"))
    assert "Forbidden" in told
    assert "tom may not approve aifeatures/chat: ask for a role with verb approve" in told


@pytest.mark.parametrize("what", ["Approve", "Reject", "Promote", "Retry"])
def test_a_robot_may_not_decide_whatever_verbs_it_holds(guarded: ControlPlane, what: str) -> None:
    told = create(guarded, decision("robot", what), *as_user(ROBOT))
    assert "a sign-off is the decision of a person" in told


def test_the_right_on_one_feature_is_none_on_another(guarded: ControlPlane) -> None:
    told = create(guarded, decision("narrow"), *as_user("dan"))
    assert "dan may not approve aifeatures/chat" in told
    assert create(guarded, decision("narrow", about=SEARCH), *as_user("dan")) == ""


@pytest.mark.parametrize(("what", "verb"), [("Promote", "promote"), ("Retry", "retry")])
def test_promoting_and_retrying_take_verbs_of_their_own(
    guarded: ControlPlane, what: str, verb: str
) -> None:
    body = decision(f"own-{verb}", what)
    assert f"ann may not {verb} aifeatures/chat" in create(guarded, body, *as_user(APPROVER))
    assert create(guarded, body, *as_user(MANAGER)) == ""


def test_a_sign_off_cannot_be_edited(guarded: ControlPlane) -> None:
    assert create(guarded, decision("edited"), *as_user(APPROVER)) == ""
    for change in ({"decision": "Reject"}, {"approver": "bob"}, {"digest": OTHER}):
        told = guarded.kubectl(
            *("patch", "aiso", "edited", HERE, "--type=merge"),
            f"--patch={json.dumps({'spec': change})}",
            check=False,
        )
        assert "a sign-off is immutable" in told.stderr


@pytest.mark.parametrize(
    "about", [{"digest": OTHER}, {"attempt": 2}], ids=["another digest", "another attempt"]
)
@pytest.mark.parametrize("what", ["Approve", "Reject", "Promote"])
def test_what_does_not_fly_cannot_be_decided_on(
    guarded: ControlPlane, what: str, about: Json
) -> None:
    told = create(guarded, decision("stale", what, **about), *as_user(MANAGER))
    assert f"not what flies now: that is spec.digest {DIGEST}, spec.attempt 1" in told


def test_nobody_approves_where_nobody_is_asked(guarded: ControlPlane) -> None:
    assert create(guarded, feature("quiet", NAMESPACE), *as_user("git", "editors")) == ""
    status(guarded, "quiet", waiting(asked=False))
    told = create(guarded, decision("unasked", about="quiet"), *as_user(APPROVER))
    assert "nobody is asked at this step" in told
    landed = {"stage": "Live"}
    status(guarded, "quiet", landed)
    told = create(guarded, decision("unasked", about="quiet"), *as_user(APPROVER))
    assert "no release of quiet flies now" in told


def test_who_wrote_the_change_may_not_approve_it_but_may_reject_it(guarded: ControlPlane) -> None:
    assert author(guarded, CHAT) == "git"
    told = create(guarded, decision("own"), *as_user("git"))
    assert "git wrote this change, so somebody else must decide on it" in told
    assert create(guarded, decision("own", "Reject"), *as_user("git")) == ""


def test_the_author_is_whoever_changed_spec_last(guarded: ControlPlane) -> None:
    tenant = as_user(TENANT, "editors")
    assert create(guarded, feature("drafted", NAMESPACE), *as_user("git", "editors")) == ""
    assert patch(guarded, "drafted", {"metadata": {"labels": {"a": "b"}}}, *tenant) == ""
    status(guarded, "drafted", waiting())
    assert author(guarded, "drafted") == "git"
    assert patch(guarded, "drafted", {"spec": {"fallback": {"text": "soon"}}}, *tenant) == ""
    assert author(guarded, "drafted") == TENANT


@pytest.mark.parametrize("told", ["bob", None], ids=["another name", "no name"])
def test_an_edited_author_is_set_right_again(guarded: ControlPlane, told: str | None) -> None:
    lie = {"metadata": {"annotations": {"goaround.dev/author": told}}}
    assert patch(guarded, CHAT, lie, *as_user(TENANT, "editors")) == ""
    assert author(guarded, CHAT) == "git"
    spec = {"spec": {"fallback": {"text": f"by {told}"}}}
    assert patch(guarded, SEARCH, lie | spec, *as_user(TENANT, "editors")) == ""
    assert author(guarded, SEARCH) == TENANT


def test_a_change_with_a_false_author_is_refused_where_nothing_stamps_it(
    guarded: ControlPlane,
) -> None:
    """As on API servers without mutating policies: the rule that checks needs no stamp."""
    stamps = ["signoff-stamp", "author-stamp"]
    files = [f"--filename={POLICIES / name}.yaml" for name in stamps]
    guarded.kubectl("delete", *files)
    try:
        guarded.wait_policy()
        lie = {"metadata": {"annotations": {"goaround.dev/author": "bob"}}}
        tenant = as_user(TENANT, "editors")
        assert "names who changed spec last" in patch(guarded, CHAT, lie, *tenant)
        told = create(guarded, decision("unstamped", approver="bob"), *as_user(APPROVER))
        assert f"spec.approver must be who you are ({APPROVER})" in told
        groups: Json = {"approver": APPROVER, "approverGroups": ["leads"]}
        told = create(guarded, decision("unstamped", **groups), *as_user(APPROVER))
        assert "names a group that you are not in" in told
        assert "must be who you are" in create(guarded, decision("none"), *as_user(APPROVER))
        honest = decision("honest", approver=APPROVER)
        assert create(guarded, honest, *as_user(APPROVER)) == ""
    finally:
        apply_policies(guarded)


def test_a_sign_off_is_withdrawn_by_its_author_or_a_release_manager(guarded: ControlPlane) -> None:
    for name in ("first", "second"):
        assert create(guarded, decision(name), *as_user(APPROVER)) == ""
    told = guarded.kubectl("delete", "aiso", "first", HERE, *as_user("bob"), check=False)
    assert "only who signed may withdraw it" in told.stderr
    assert guarded.kubectl("delete", "aiso", "first", HERE, *as_user(APPROVER)).returncode == 0
    assert guarded.kubectl("delete", "aiso", "second", HERE, *as_user(MANAGER)).returncode == 0


@pytest.mark.parametrize("account", ["namespace-controller", "generic-garbage-collector"])
def test_controllers_that_clean_up_are_not_held_up(guarded: ControlPlane, account: str) -> None:
    assert create(guarded, decision(account), *as_user(APPROVER)) == ""
    cleaner = as_user(f"system:serviceaccount:kube-system:{account}", "system:masters")
    assert guarded.kubectl("delete", "aiso", account, HERE, *cleaner).returncode == 0


def test_the_example_is_taken_as_it_stands(guarded: ControlPlane) -> None:
    wanted, decided = yaml.safe_load_all((EXAMPLES / "sign-off.yaml").read_text())
    for body in (wanted, decided):
        body["metadata"]["namespace"] = NAMESPACE
    assert create(guarded, wanted, *as_user("git", "editors")) == ""
    flown = waiting() | {"stage": "Ramping"}
    for part in ("candidate", "signOff"):
        flown[part]["planDigest"] = decided["spec"]["digest"]
    status(guarded, wanted["metadata"]["name"], flown)
    assert create(guarded, decided, *as_user(APPROVER)) == ""
    wanted["spec"]["signOff"]["mode"] = "Never"
    wanted["metadata"]["name"] = "careless"
    told = create(guarded, wanted, *as_user("git", "editors"))
    assert "signOff.mode Never is not allowed where riskTier is High" in told


def test_status_is_written_by_holders_of_verb_operate_only(guarded: ControlPlane) -> None:
    plane, operator = guarded, "system:serviceaccount:goaround:operator"
    plane.kubectl(
        *("create", "role", "writes-status", "--verb=patch,get", HERE),
        "--resource=aifeatures.goaround.dev/status,aikillswitches.goaround.dev/status",
        "--resource=aiincidents.goaround.dev/status,aifeatures,aiincidents,aikillswitches",
    )
    for user in (TENANT, operator):
        name = f"status-{user}".replace(":", ".")
        plane.kubectl("create", "rolebinding", name, "--role=writes-status", f"--user={user}", HERE)
    lie, through = {"status": {"summary": "all is well"}}, "--subresource=status"
    told = patch(plane, CHAT, lie, through, *as_user(TENANT))
    assert "status is written by the operator alone, and tom does not hold verb operate" in told
    plane.kubectl(*("create", "role", "operates", "--verb=operate", "--resource=aifeatures", HERE))
    plane.kubectl(
        "create", "rolebinding", "operates", "--role=operates", f"--user={operator}", HERE
    )
    assert patch(plane, CHAT, lie, through, *as_user(operator)) == ""
