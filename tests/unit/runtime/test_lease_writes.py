"""Nothing is written to the API server without the lease, whatever is to be written."""

from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from goaround.api.kinds import FEATURES
from goaround.runtime.claim import Standing
from goaround.runtime.lease import NotOwner, OwnedApi
from goaround.world.kube import Api, Unavailable
from tests.unit.runtime.lease_operators import a_feature, create
from tests.unit.runtime.lease_sim import StormyApi, Weather, World, run


def owned_writes(port: type) -> set[str]:
    """Every verb of the port that is no read."""
    return {n for n in vars(port) if not n.startswith("_")} - {"get", "list"}


@pytest.mark.parametrize("write", ["create", "patch", "delete"])
def test_nothing_is_written_without_the_lease(write: str) -> None:
    async def story(world: World) -> None:
        standing = Standing.STANDBY
        owned: Api = OwnedApi(StormyApi(world.store, Weather(), "a"), lambda: standing)
        create(world)
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "create": partial(owned.create, FEATURES, "shop", a_feature("other")),
            "patch": partial(owned.patch, FEATURES, "shop", "chat", {"spec": {}}, status=True),
            "delete": partial(owned.delete, FEATURES, "shop", "chat"),
        }
        with pytest.raises(NotOwner):
            await calls[write]()
        standing = Standing.ADRIFT
        with pytest.raises(Unavailable, match="could not be renewed"):
            await calls[write]()
        assert owned_writes(Api) <= set(calls), "a new kind of write must ask for the lease, too"
        assert len(await owned.list(FEATURES)) == 1
        assert (await owned.get(FEATURES, "shop", "chat"))["metadata"]["name"] == "chat"

    run(story)
