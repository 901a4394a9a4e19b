"""What one look at the lease allows, as a table."""

import pytest

from goaround.runtime.claim import Claim, Record, Sight, Times, claim, read, seen
from goaround.world.kube import Body

SEEN_AT = 1000.0


def a_record(holder: str = "b", term: int = 3, renewed: str = "10:00:00") -> Record:
    return Record(holder=holder, term=term, acquired="09:00:00", renewed=renewed, seconds=15)


def a_body(record: Record, version: str = "7") -> Body:
    spec = {
        "holderIdentity": record.holder or None,
        "leaseTransitions": record.term,
        "acquireTime": record.acquired,
        "renewTime": record.renewed,
        "leaseDurationSeconds": record.seconds,
    }
    return {"metadata": {"resourceVersion": version}, "spec": spec}


@pytest.mark.parametrize(
    ("story", "record", "version", "tenure", "waited", "expected"),
    [
        ("no lease", None, None, None, 0, Claim.CREATE),
        ("another's", a_record(), "7", None, 0, Claim.WAIT),
        ("another's, nearly expired", a_record(), "7", None, 14.9, Claim.WAIT),
        ("another's, expired", a_record(), "7", None, 15, Claim.TAKE),
        ("released", a_record(holder=""), "7", None, 0, Claim.TAKE),
        ("ours", a_record("a"), "7", "3/09:00:00", 0, Claim.RENEW),
        ("ours, long not renewed", a_record("a"), "7", "3/09:00:00", 99, Claim.RENEW),
        ("of our former life", a_record("a"), "7", None, 0, Claim.TAKE),
        ("taken by our twin", a_record("a", term=4), "7", "3/09:00:00", 0, Claim.WAIT),
        ("a dead twin's", a_record("a", term=4), "7", "3/09:00:00", 15, Claim.TAKE),
        ("another's, deleted", a_record(), None, None, 5, Claim.WAIT),
        ("another's, deleted long ago", a_record(), None, None, 15, Claim.CREATE),
        ("ours, deleted", a_record("a"), None, "3/09:00:00", 0, Claim.CREATE),
    ],
)
def test_a_look_allows(
    story: str,
    record: Record | None,
    version: str | None,
    tenure: str | None,
    waited: float,
    expected: Claim,
) -> None:
    sight = Sight(record, version, SEEN_AT)
    assert claim(sight, "a", tenure, SEEN_AT + waited) is expected, story


def test_a_record_expires_from_when_it_was_first_seen_so() -> None:
    first = seen(None, a_body(a_record()), 100.0)
    assert seen(first, a_body(a_record()), 110.0).since == 100.0


def test_a_renewal_begins_the_wait_anew() -> None:
    first = seen(None, a_body(a_record()), 100.0)
    assert seen(first, a_body(a_record(renewed="10:00:02")), 110.0).since == 110.0


def test_a_label_on_a_dead_owners_lease_does_not_keep_it_alive() -> None:
    first = seen(None, a_body(a_record(), version="7"), 100.0)
    again = seen(first, a_body(a_record(), version="8"), 110.0)
    assert (again.since, again.version) == (100.0, "8")


def test_a_deleted_lease_counts_on_as_it_was_last_seen() -> None:
    first = seen(None, a_body(a_record()), 100.0)
    assert seen(first, None, 110.0) == Sight(a_record(), None, 100.0)


def test_the_times_of_two_machines_are_never_compared() -> None:
    """A record from the far future, or from long ago, is waited for like any other."""
    for year in ("1970", "2026", "2999"):
        sight = seen(None, a_body(a_record(renewed=f"{year}-01-01T00:00:00.000000Z")), 0.0)
        assert claim(sight, "a", None, 14.9) is Claim.WAIT
        assert claim(sight, "a", None, 15.0) is Claim.TAKE


def test_an_empty_lease_is_free() -> None:
    sight = seen(None, {"metadata": {"resourceVersion": "1"}}, 0.0)
    assert claim(sight, "a", None, 0.0) is Claim.TAKE


def test_the_holder_says_how_long_to_wait() -> None:
    body = a_body(a_record())
    body["spec"]["leaseDurationSeconds"] = 60
    assert read(body).seconds == 60


@pytest.mark.parametrize(
    "times", [{"renew": 15.0}, {"renew": 20.0}, {"retry": 6.0}, {"request": 9.0}]
)
def test_times_that_could_give_two_owners_or_none_are_refused(times: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="request \\+ retry < renew < lease"):
        Times(**times)  # type: ignore[arg-type]
