"""Filters that an open incident switches on travel with the flag, and end with it."""

from goaround.api.base import Json
from goaround.delivery.flagset import feature_flags
from goaround.delivery.reading import feature_facts, read_feature
from tests.unit.delivery.builders import AT, feature_body


def a_filter(name: str, incident: str = "chat-1") -> Json:
    return {"incident": incident, "action": "Filter", "since": AT, "filter": name}


def metadata(*restraints: Json) -> Json:
    body = feature_body()
    body["status"]["restraints"] = list(restraints)
    feature, problem = read_feature(feature_facts(body))
    assert problem is None
    found: Json = feature_flags(feature, ()).flags["chat.release"]["metadata"]
    return found


def test_filters_are_named_once_and_in_order() -> None:
    told = metadata(a_filter("no-prices"), a_filter("no-advice"), a_filter("no-prices", "chat-2"))
    assert told["filters"] == "no-advice,no-prices"


def test_without_a_filter_the_flag_says_nothing_of_filters() -> None:
    throttle: Json = {"incident": "chat-1", "action": "Throttle", "since": AT, "percent": 5}
    assert "filters" not in metadata()
    assert "filters" not in metadata(throttle)
