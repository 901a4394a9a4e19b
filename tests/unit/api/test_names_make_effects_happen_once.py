"""The same cause gives the same name, so that a retry collides with itself; others never do."""

import re
from datetime import UTC, datetime, timedelta, timezone

from goaround.api import names

DIGEST = "sha256:b119c224ddb124bd39013f22f9b94d55e32875a0ecbe94c96745892eff245927"
AT = datetime(2026, 11, 21, 9, 48, 8, 123000, tzinfo=UTC)
DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
LONGEST = "f" * names.MAX_FEATURE_NAME


def incident(*, at: datetime = AT, uid: str = "u1", attempt: str = "a/1", cause: str = "x") -> str:
    return names.incident_name("chat", at, uid=uid, attempt=attempt, cause=cause)


def test_names_never_change() -> None:
    told = names.incident_name("chat", AT, uid="u1", attempt="sha256:abc/1", cause="Signal errors")
    assert told == "chat-20261121-7bf094"
    assert names.event_name("chat", "u1", AT, "RolledBack") == "chat.a73a9c363c33c958"
    assert names.record_name("chat", DIGEST) == "chat-b119c224ddb1"
    assert names.salt("u1", DIGEST, 2) == "u1/b119c224ddb1/2"


def test_an_incident_is_another_for_another_object_attempt_cause_or_day() -> None:
    others = {
        incident(),
        incident(uid="u2"),
        incident(attempt="a/2"),
        incident(cause="y"),
        incident(at=AT + timedelta(days=1)),
    }
    assert len(others) == 5


def test_the_parts_of_a_name_do_not_run_into_each_other() -> None:
    assert incident(uid="ab", attempt="c") != incident(uid="a", attempt="bc")


def test_the_zone_of_a_clock_does_not_change_a_name() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=14)))
    assert incident(at=elsewhere) == incident()
    assert names.event_name("chat", "u1", elsewhere, "X") == names.event_name("chat", "u1", AT, "X")


def test_two_transitions_of_one_second_are_two_events() -> None:
    later = AT + timedelta(milliseconds=1)
    assert names.event_name("chat", "u1", AT, "X") != names.event_name("chat", "u1", later, "X")


def test_a_name_of_the_longest_feature_is_still_valid() -> None:
    made = [
        names.record_name(LONGEST, DIGEST),
        names.incident_name(LONGEST, AT, uid="u", attempt="a", cause="c"),
        names.event_name(LONGEST, "u", AT, "X"),
    ]
    assert all(DNS_SUBDOMAIN.fullmatch(name) for name in made)
    # The feature's name is also a label's value, and names of records and incidents may become one.
    assert len(LONGEST) <= 63
    assert all(len(name) <= 69 for name in made)


def test_every_attempt_salts_its_split_anew() -> None:
    assert names.salt("u1", DIGEST, 1) != names.salt("u1", DIGEST, 2)
    assert names.salt("u1", DIGEST, 1) != names.salt("u2", DIGEST, 1)


def test_the_flag_key_is_the_declared_one_or_made_of_the_name() -> None:
    assert names.flag_key("chat", None) == "chat.release"
    assert names.flag_key("chat", "support") == "support"
    assert names.bucket_key("chat") == "chat.bucket"
