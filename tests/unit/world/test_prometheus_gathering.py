"""How long a query waits for others to join it, in virtual time."""

import asyncio
from typing import Final

import httpx

from goaround.world.prometheus import PrometheusReader
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import PROVIDER, in_virtual_time
from tests.unit.world.provider_stub import ENDS, SHAPE, features

GATHER: Final = 0.01
NOTHING: Final = b'{"status": "success", "data": {"resultType": "matrix", "result": []}}'


def queries(*, count: int, apart: float) -> int:
    """How many queries are sent when that many features ask, so many seconds apart."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, stream=httpx.ByteStream(NOTHING))

    async def run(_: VirtualTimeLoop) -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
            reader = PrometheusReader(PROVIDER, http, gather_seconds=GATHER)
            asking: list[asyncio.Task[object]] = []
            for feature in features(count):
                asking.append(asyncio.create_task(reader.read(feature, SHAPE, ENDS)))
                await asyncio.sleep(apart)
            await asyncio.gather(*asking)

    in_virtual_time(run)
    return len(sent)


def test_features_that_keep_coming_share_one_query() -> None:
    assert queries(count=10, apart=GATHER / 2) == 1


def test_features_that_come_after_a_pause_ask_for_themselves() -> None:
    assert queries(count=3, apart=GATHER * 3) == 3


def test_a_query_does_not_wait_for_ever_while_features_keep_coming() -> None:
    assert 2 <= queries(count=60, apart=GATHER / 2) <= 4
