"""What changed before an incident: the ledger joined with the feature's own history, read once."""

import asyncio
from datetime import UTC, datetime, timedelta

from goaround.api.base import Json
from goaround.api.changes import Change
from goaround.api.kinds import CONFIG_MAPS, AIFeature
from goaround.api.names import FEATURE_LABEL, ledger_name
from goaround.api.reasons import EventReason
from goaround.api.status import Transition
from goaround.ledger.book import Book, own, written
from goaround.runtime.recent import MOST_OWN, changed_before, lines
from goaround.world.kube import Refused
from tests.unit.runtime.bench import MemoryApi, feature_body

AT = datetime(2026, 11, 21, 9, 48, 8, tzinfo=UTC)


def minutes(before: float) -> datetime:
    return AT - timedelta(minutes=before)


def a_feature(*history: Transition, lookback: int = 86_400) -> AIFeature:
    body = feature_body()
    body["spec"]["incident"] = {"changeLookbackSeconds": lookback}
    found = AIFeature.model_validate(body)
    return found.but(status=found.status.but(history=list(history)))


def did(reason: EventReason, before: float) -> Transition:
    return Transition(at=minutes(before), reason=reason, type="Normal", message=f"{before:g} min")


def a_deploy(before: float, tag: str = "1.5") -> Change:
    return Change(
        at=minutes(before),
        object="Deployment app",
        what="image of app",
        was="app:1.4",
        now=f"app:{tag}",
        by="helm",
    )


def stored(api: MemoryApi, feature: AIFeature, *changes: Change, label: str | None = None) -> None:
    name = ledger_name(feature.metadata.name)
    labels = {FEATURE_LABEL: label or feature.metadata.name}
    meta = {"name": name, "namespace": feature.metadata.namespace, "labels": labels}
    api.put(CONFIG_MAPS, {"metadata": meta, "data": written(Book(lines=changes))})


def read(api: MemoryApi, feature: AIFeature, began: datetime | None = None) -> list[str]:
    return asyncio.run(changed_before(api, feature, AT, began))


def test_others_and_the_feature_itself_stand_together_newest_first() -> None:
    feature, api = a_feature(did(EventReason.STEP_STARTED, 3)), MemoryApi()
    stored(api, feature, a_deploy(30), a_deploy(2, "1.6"))
    name = feature.metadata.name
    assert read(api, feature) == [
        "2026-11-21T09:46:08Z Deployment app: image of app app:1.4 -> app:1.6 (by helm)",
        f"2026-11-21T09:45:08Z {name} StepStarted: 3 min",
        "2026-11-21T09:18:08Z Deployment app: image of app app:1.4 -> app:1.5 (by helm)",
    ]


def test_a_step_that_the_ledger_has_too_stands_there_once() -> None:
    feature = a_feature(did(EventReason.STEP_STARTED, 3))
    both = own(feature.metadata.name, feature.status.history)
    assert len(lines(feature, both, minutes(60), AT)) == 1


def test_what_neither_moves_users_nor_is_of_that_time_is_left_out() -> None:
    feature = a_feature(did(EventReason.HOLDING, 3), did(EventReason.ROLLED_BACK, 0), lookback=3600)
    api = MemoryApi()
    stored(api, feature, a_deploy(0), a_deploy(61), a_deploy(59))
    assert len(read(api, feature)) == 1


def test_the_time_to_look_back_counts_from_when_it_began() -> None:
    feature, api = a_feature(lookback=3600), MemoryApi()
    stored(api, feature, a_deploy(85), a_deploy(95))
    assert len(read(api, feature, began=minutes(30))) == 1


def test_steps_of_a_busy_feature_do_not_crowd_out_the_change_of_somebody_else() -> None:
    feature = a_feature(*(did(EventReason.STEP_STARTED, n) for n in range(30, 1, -1)))
    found = lines(feature, [a_deploy(40)], minutes(60), AT)
    assert len(found) == MOST_OWN + 1
    assert "Deployment app" in found[-1]


def test_without_a_ledger_it_is_the_features_own_history() -> None:
    feature = a_feature(did(EventReason.PROMOTED, 3))
    assert [line.partition(": ")[2] for line in read(MemoryApi(), feature)] == ["3 min"]


def test_a_config_map_of_somebody_else_is_no_ledger_and_stops_nothing() -> None:
    feature, api = a_feature(did(EventReason.PROMOTED, 3)), MemoryApi()
    stored(api, feature, a_deploy(2), label="another")
    assert len(read(api, feature)) == 1


class Forbidding(MemoryApi):
    async def get(self, *_: object) -> Json:
        raise Refused("forbidden")


def test_a_ledger_that_may_not_be_read_stops_nothing() -> None:
    assert len(read(Forbidding(), a_feature(did(EventReason.PROMOTED, 3)))) == 1


def test_a_line_is_one_line_whatever_somebody_wrote_into_the_ledger() -> None:
    forged = a_deploy(2).but(what="image\nSAFE? yes")
    (line,) = lines(a_feature(), [forged], minutes(60), AT)
    assert "\n" not in line
