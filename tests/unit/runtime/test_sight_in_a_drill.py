"""A drill lies over what is decided; what is watched beneath it is watched on."""

import asyncio

import httpx

from goaround.api.kinds import AIFeature
from goaround.api.status import ALL_FALLBACK, Drill
from goaround.delivery.replicas import Replicas, StaticReplicas
from goaround.rollout.observed import UNREAD, Observed
from goaround.runtime.cache import Cache
from goaround.runtime.replicas import DeliveryDesk
from goaround.runtime.sight import Sight
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import in_virtual_time
from tests.unit.runtime.desk_kit import NEVER, Bench
from tests.unit.runtime.test_baselining import counted, with_bound
from tests.unit.runtime.test_live_lookout import a_live_feature


def in_a_drill(live: AIFeature, bench: Bench) -> AIFeature:
    now, status = bench.loop.wall(), live.status
    drill = Drill(switch="drill", since=now, until=now + NEVER, split=status.split)
    return live.but(status=status.but(split=ALL_FALLBACK, drill=drill))


def test_what_the_live_release_is_held_against_is_not_forgotten_in_a_drill() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, counted(0.01))
        async with httpx.AsyncClient() as http:
            deliveries = DeliveryDesk(
                Replicas(http, StaticReplicas(())), expected=0, news=bench.news.append
            )
            sight = Sight(Cache(), bench.desk, deliveries)

            def seen(at: AIFeature) -> Observed:
                return sight.observe(at, loop.wall(), announced_at=None, guarded=UNREAD)

            live = with_bound(a_live_feature())
            before = seen(live).baselined
            await asyncio.sleep(1)
            drilled = seen(in_a_drill(live, bench))
            assert before is not None
            assert (drilled.baselined, drilled.judged is not None) == (before, True)

    in_virtual_time(test)
