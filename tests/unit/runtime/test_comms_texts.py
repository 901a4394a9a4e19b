"""Texts of messages in their ConfigMap: added beside what is there, and old ones taken out."""

import asyncio

from goaround.api.kinds import CONFIG_MAPS
from goaround.incident.planned import KeepTexts
from goaround.runtime.texts import keep_texts
from tests.unit.incident.build import NAME, an_incident
from tests.unit.runtime.bench import MemoryApi

WHERE = f"{NAME}-comms"


def kept(api: MemoryApi, number: int, text: str) -> dict[str, str]:
    """What it holds after one more update; all before it were settled and left the ledger."""
    key = f"internalUpdate-{number}.0123456789ab"
    newest = {"internalUpdate": number}
    asyncio.run(
        keep_texts(api, an_incident(), KeepTexts(WHERE, {key: text}, frozenset([key]), {}, newest))
    )
    data: dict[str, str] = api.body(CONFIG_MAPS, "shop", WHERE)["data"]
    return data


def test_it_is_made_with_labels_that_find_it_again() -> None:
    api = MemoryApi()
    assert kept(api, 1, "one") == {"internalUpdate-1.0123456789ab": "one"}
    labels = api.body(CONFIG_MAPS, "shop", WHERE)["metadata"]["labels"]
    assert labels == {"goaround.dev/feature": "chat", "goaround.dev/incident": NAME}


def test_a_second_one_takes_the_place_of_what_status_speaks_of_no_more() -> None:
    api = MemoryApi()
    kept(api, 1, "one")
    assert kept(api, 2, "two") == {"internalUpdate-2.0123456789ab": "two"}


def test_the_same_again_writes_nothing() -> None:
    api = MemoryApi()
    kept(api, 1, "one")
    api.calls.clear()
    kept(api, 1, "one")
    assert [call for call in api.calls if call.startswith("patch")] == []
