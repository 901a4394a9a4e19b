"""An operator with the rights of its own table runs; one that lacks any says which, and ends."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from goaround.api.base import Json
from goaround.api.kinds import FEATURES
from goaround.runtime.selfcheck import NEEDS, Need, rules
from hack.controlplane import ControlPlane
from tests.cluster.lease_kit import Airfield, airfield, held, told
from tests.cluster.operator_shop import a_feature, condition, eventually
from tests.cluster.sign_off_kit import policies

pytestmark = pytest.mark.cluster

CHAT, ASKS, BETTER, BAD = "chat", "asks", "v42", "v43-bad"
RBAC = "rbac.authorization.k8s.io"
HOME = "default"


@pytest.fixture(scope="module")
def place(cluster_tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airfield]:
    with airfield(Path(tmp_path_factory.mktemp("rights"))) as made:
        yield made


def grant(plane: ControlPlane, user: str, needs: Iterable[Need], namespace: str = "") -> Path:
    """The kubeconfig of a user with exactly these rights, as the chart would grant them."""
    needs = list(needs)
    away = [need for need in needs if not need.at_home and not need.everywhere]
    home = [need for need in needs if need.at_home]
    everywhere = [need for need in needs if need.everywhere]
    bodies = [*_bound(user, away, namespace), *_bound(user, home, HOME)]
    bodies += _bound(user, everywhere, "", name=f"{user}-everywhere")
    listed = {"apiVersion": "v1", "kind": "List", "items": bodies}
    plane.kubectl("apply", "--filename=-", stdin=json.dumps(listed))
    return plane.user_kubeconfig(user)


def _bound(user: str, needs: list[Need], namespace: str, *, name: str = "") -> list[Json]:
    kind = "Role" if namespace else "ClusterRole"
    meta = {"name": name or f"{user}-{namespace or 'all'}"} | (
        {"namespace": namespace} if namespace else {}
    )
    about = {"apiVersion": f"{RBAC}/v1", "metadata": meta}
    role = about | {"kind": kind, "rules": rules(needs)}
    return [
        role,
        about
        | {
            "kind": f"{kind}Binding",
            "roleRef": {"apiGroup": RBAC, "kind": kind, "name": meta["name"]},
            "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
        },
    ]


def without(verb: str, resource: str) -> list[Need]:
    """The table but for one verb."""
    left = [
        replace(need, verbs=tuple(v for v in need.verbs if v != verb))
        if need.resource == resource
        else need
        for need in NEEDS
    ]
    return [need for need in left if need.verbs]


def test_the_rights_of_the_table_are_all_that_is_needed(place: Airfield) -> None:
    """Through a whole flight and a fall: records, events, incidents, the lease; also where policies
    allow the status to one verb only, and where they have to be looked at."""
    kubeconfig = grant(place.plane, "just-enough", NEEDS)
    shop = place.shop()
    with (
        policies(place.plane),
        place.operator("just-enough", kubeconfig=kubeconfig) as operator,
    ):
        eventually(lambda: held(operator) == 1, "the lease is held")
        shop.apply(a_feature(CHAT))
        shop.until_live(CHAT)
        shop.ask_for(CHAT, BETTER)
        shop.until_live(CHAT, BETTER)
        shop.serve(CHAT, candidate_error=0.5)
        shop.ask_for(CHAT, BAD)
        shop.until(
            CHAT,
            lambda f: f.status.latches and f.status.latches[0].incident_opened_at,
            "the incident",
        )
        shop.apply(a_feature(ASKS, signOff={"mode": "BeforeFullTraffic"}))
        shop.until_live(ASKS)
        shop.ask_for(ASKS, BETTER)
        shop.until(
            ASKS, lambda f: condition(f, "Ready")[1] == "AwaitingSignOff", "that people are asked"
        )
        assert forbidden(place, "just-enough") == set()
        assert told(operator, "lease given up") == []


def test_the_rights_of_the_table_in_one_namespace_are_all_that_is_needed_there(
    place: Airfield,
) -> None:
    shop = place.shop()
    theirs = [replace(n, name=f"goaround.{shop.namespace}") if n.name == "goaround" else n
              for n in NEEDS]  # fmt: skip
    kubeconfig = grant(place.plane, "one-namespace", theirs, shop.namespace)
    only = f"--namespace={shop.namespace}"
    with place.operator("one-namespace", only, kubeconfig=kubeconfig) as operator:
        eventually(lambda: held(operator) == 1, "the lease is held")
        shop.apply(a_feature(CHAT))
        shop.until_live(CHAT)
        assert forbidden(place, "one-namespace") == set()


def forbidden(place: Airfield, user: str) -> set[str]:
    """What the API server refused to this user, the shell's own requests included."""
    assert place.plane.audit_log is not None
    lines = map(json.loads, place.plane.audit_log.read_text().splitlines())
    return {
        f"{line['verb']} {line['objectRef']['resource']}"
        for line in lines
        if line["user"]["username"] == user and line.get("responseStatus", {}).get("code") == 403
    }


@pytest.mark.parametrize(
    ("verb", "resource", "where"),
    [
        ("patch", "aifeatures/status", "in all namespaces"),
        ("create", "aiincidents", "in all namespaces"),
        ("create", "leases", f"in namespace {HOME}"),
        ("get", "configmaps", f"in namespace {HOME}"),
    ],
)
def test_a_missing_right_ends_the_operator_which_names_it(
    place: Airfield, verb: str, resource: str, where: str
) -> None:
    user = f"lacks-{verb}-{resource}".replace("/", "-")
    kubeconfig = grant(place.plane, user, without(verb, resource))
    ended = place.refused(kubeconfig)
    assert ended.returncode == 2
    times = sum(verb in need.verbs for need in NEEDS if need.resource == resource)
    assert f"missing permissions: {times}" in ended.stderr
    assert f"may not {verb} {resource}" in ended.stderr
    assert where in ended.stderr
    assert f"add verb {verb} on {resource}" in ended.stderr


def test_a_user_without_any_rights_hears_all_that_is_missing_at_once(place: Airfield) -> None:
    ended = place.refused(place.plane.user_kubeconfig("nobody"))
    assert ended.returncode == 2
    assert ended.stderr.count("may not ") == sum(len(need.verbs) for need in NEEDS)
    assert f"may not watch {FEATURES.plural} in all namespaces" in ended.stderr


def test_rights_in_one_namespace_are_not_rights_everywhere(place: Airfield) -> None:
    shop = place.shop()
    kubeconfig = grant(place.plane, "confined", NEEDS, shop.namespace)
    assert place.refused(kubeconfig).returncode == 2
