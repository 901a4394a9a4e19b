"""The operator asks for its rights before it begins, and names each that is missing."""

import asyncio

import pytest

from goaround.api.base import Json
from goaround.api.kinds import ACCESS_REVIEWS, FEATURES, LEASES, OURS, Kind
from goaround.runtime.selfcheck import NEEDS, NotPermitted, check, needs, rules
from goaround.world import policies
from goaround.world.kube import Body, Refused, Unavailable
from tests.unit.runtime.lease_sim import StormyApi, Weather, World, run

HOME = "goaround-system"


class Judge(StormyApi):
    """An API server that answers reviews: `refuses` is what is not allowed; `broken` is raised as
    often as it says."""

    def __init__(self, world: World, *refuses: tuple[str, str]) -> None:
        super().__init__(world.store, Weather(), "operator")
        self.refuses = refuses
        self.broken: list[Exception] = []
        self.asked: list[Json] = []

    async def create(self, kind: Kind, namespace: str, body: Body) -> Body:
        assert (kind, namespace) == (ACCESS_REVIEWS, "")
        if self.broken:
            raise self.broken.pop()
        what: Json = body["spec"]["resourceAttributes"]
        self.asked.append(what)
        resource = "/".join(filter(None, [what["resource"], what.get("subresource")]))
        return body | {"status": {"allowed": (what["verb"], resource) not in self.refuses}}


async def ask(
    judge: Judge, *, namespace: str | None = None, lease: str | None = "goaround"
) -> None:
    await check(judge, namespace=namespace, home=HOME, lease=lease)


def test_with_all_rights_nothing_is_said() -> None:
    async def story(world: World) -> None:
        judge = Judge(world)
        await ask(judge)
        assert len(judge.asked) == sum(len(need.verbs) for need in NEEDS)

    run(story)


def test_each_missing_right_is_named_with_what_to_do() -> None:
    async def story(world: World) -> None:
        judge = Judge(world, ("patch", "aifeatures/status"), ("create", "leases"))
        with pytest.raises(NotPermitted) as told:
            await ask(judge)
        assert "missing permissions: 2" in str(told.value)
        assert "may not patch aifeatures/status in all namespaces: add verb patch on" in str(
            told.value
        )
        assert f"may not create leases in namespace {HOME}" in str(told.value)

    run(story)


def test_rights_are_asked_for_where_they_are_needed() -> None:
    async def story(world: World) -> None:
        judge = Judge(world)
        await ask(judge, namespace="shop", lease="goaround.shop")
        at_home = {a["resource"] for a in judge.asked if a.get("namespace") == HOME}
        assert at_home == {"leases", "configmaps"}
        everywhere = {a["resource"] for a in judge.asked if "namespace" not in a}
        assert everywhere == {kind.plural for kind, _ in policies.needs()}
        assert {a.get("namespace") for a in judge.asked} == {HOME, "shop", None}
        named = {a["name"] for a in judge.asked if "name" in a and "namespace" in a}
        assert named == {"goaround-brake", "goaround.shop"}

    run(story)


def test_without_a_lease_no_right_on_leases_is_asked_for() -> None:
    async def story(world: World) -> None:
        judge = Judge(world, ("create", "leases"), ("get", "leases"), ("patch", "leases"))
        await ask(judge, lease=None)
        assert "leases" not in {a["resource"] for a in judge.asked}

    run(story)


def test_an_api_server_that_is_not_there_yet_is_asked_again() -> None:
    async def story(world: World) -> None:
        judge = Judge(world, ("watch", "aifeatures"))
        judge.broken = [Unavailable("starting")] * 3
        with pytest.raises(NotPermitted, match="may not watch aifeatures"):
            await ask(judge)

    run(story)


def test_an_outage_at_start_is_no_missing_right() -> None:
    async def story(world: World) -> None:
        judge = Judge(world)
        judge.broken = [Unavailable("down")] * 10_000
        began = world.loop.time()
        await asyncio.wait_for(ask(judge), 30)
        assert world.loop.time() - began < 25

    run(story)


def test_a_cluster_that_forbids_the_question_is_no_missing_right() -> None:
    async def story(world: World) -> None:
        judge = Judge(world)
        judge.broken = [Refused("selfsubjectaccessreviews is forbidden")] * 100
        await ask(judge)

    run(story)


def test_the_table_covers_what_is_watched_and_nothing_is_written_but_status() -> None:
    verbs: dict[str, set[str]] = {}
    for need in NEEDS:
        verbs.setdefault(need.resource, set()).update(need.verbs)
    for kind in OURS:
        assert {"list", "watch"} <= verbs[kind.plural]
        # a conflict on a status is answered by a live read; a sign-off has no status
        assert ("get" in verbs[kind.plural]) is (f"{kind.plural}/status" in verbs)
    assert not verbs[FEATURES.plural] & {"create", "update", "patch", "delete"}
    assert all("*" not in found for found in verbs.values())


def test_the_rules_of_a_role_are_the_table() -> None:
    made = rules([need for need in needs("goaround.shop") if need.kind is LEASES])
    assert made == [
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "verbs": ["get", "patch"],
            "resourceNames": ["goaround.shop"],
        },
    ]
