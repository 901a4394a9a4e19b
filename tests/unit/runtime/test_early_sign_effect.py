"""The incident of an early sign, as it is created: once, however often it is asked for."""

import asyncio
from datetime import UTC, datetime

from goaround.api.base import Json
from goaround.api.kinds import INCIDENTS, AIFeature, AIIncident
from goaround.api.names import FEATURE_LABEL
from goaround.api.trigger import TriggerSource
from goaround.rollout.planned import OpenSign
from goaround.runtime.actions import Actions
from goaround.runtime.cache import Cache
from goaround.runtime.metrics import Metrics
from goaround.world.kube import Refused
from tests.unit.runtime.bench import MemoryApi, feature_body


class Refusing(MemoryApi):
    async def create(self, *_: object) -> Json:
        raise Refused("trigger.source Breaker is not known here")


AT = datetime(2026, 11, 21, 9, 48, 8, tzinfo=UTC)
SIGN = OpenSign("chat-20261121-0a1b2c", TriggerSource.DRIFT, "inputs language", "PSI 0.31", AT)


def test_it_is_created_once_under_its_name_with_the_label_of_its_feature() -> None:
    api, cache, feature = MemoryApi(), Cache(), AIFeature.model_validate(feature_body())
    actions = Actions(api, cache, Metrics(), instance="test")

    async def twice() -> list[AIIncident]:
        await actions.do(feature, SIGN)
        await actions.do(feature, SIGN)
        return [AIIncident.model_validate(b) for b in await api.list(INCIDENTS)]

    (found,) = asyncio.run(twice())
    assert found.metadata.name == SIGN.name
    assert found.spec.summary.what_broke == "PSI 0.31"
    stored = cache.get(INCIDENTS, found.metadata.namespace, SIGN.name)
    assert stored is not None
    assert stored["metadata"]["labels"] == {FEATURE_LABEL: feature.metadata.name}


def test_where_it_is_refused_nothing_waits_for_it() -> None:
    feature = AIFeature.model_validate(feature_body())
    actions = Actions(Refusing(), Cache(), Metrics(), instance="test")
    asyncio.run(actions.do(feature, SIGN))
