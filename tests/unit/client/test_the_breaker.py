"""The breaker: per process, on a score or a result, without a cause being known (R170).

Decides when it opens, whom it lets try, and that what it keeps from a release says nothing of it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from examples.client.goaround_client import Reply, SessionRelease, Wire
from tests.unit.client.kit import GOOD, NEW, OLD, App, value

LOW: Wire = {"metric": "ai_confidence", "below": "0.70", "minRequests": 3, "openSeconds": 60}
TOXIC: Wire = {"metric": "ai_toxicity", "above": "0.5", "minRequests": 2, "openSeconds": 60}
FAILING: Wire = {"metric": "error", "above": "0.5", "minRequests": 4, "openSeconds": 60}
BROKEN: Wire = {"metric": "schema_error", "above": "0.4", "minRequests": 2, "openSeconds": 60}
MANUAL = {"name": "manual", "type": "ManualReview"}
CLOSED_AGAIN = "closed again"


def told(rule: Wire, release: str = OLD) -> Wire:
    return value(release, fallback={"chain": [MANUAL], "landing": "manual", "breaker": rule})


def app_with(*said: object) -> App:
    return App({"ManualReview": lambda *_: "a person looks at it"}, says=list(said))


def score(confidence: float, metric: str = "ai_confidence") -> Reply:
    return Reply(GOOD, scores={metric: confidence})


def served(app: App, session: SessionRelease, times: int = 1) -> list[str]:
    return [app.answer(session).served_by for _ in range(times)]


RELEASE, PERSON = "release", "manual"
CASES: dict[str, tuple[Wire, list[object], list[str]]] = {
    "low confidence opens it": (LOW, [score(0.6)], [RELEASE] * 3 + [PERSON] * 2),
    "the mean counts": (LOW, [score(0.6), score(0.6), score(0.9)], [RELEASE] * 5),
    "only the last requests count": (
        LOW,
        [score(0.9), score(0.9), score(0.9), score(0.5), score(0.5)],
        [RELEASE] * 5 + [PERSON],
    ),
    "the bound itself is in bounds": (LOW, [score(0.70)], [RELEASE] * 6),
    "toxic answers open it": (TOXIC, [score(0.9, "ai_toxicity")], [RELEASE] * 2 + [PERSON]),
    "an answer without the score teaches nothing": (LOW, [Reply(GOOD)], [RELEASE] * 6),
    "failures open it": (FAILING, [RuntimeError()], [PERSON] * 6),
    "some failures do not": (FAILING, [RuntimeError(), GOOD, GOOD, GOOD], [PERSON, *[RELEASE] * 5]),
}


@pytest.mark.parametrize("name", CASES)
def test_it_opens_on_the_mean_of_the_last_requests(name: str) -> None:
    rule, said, expected = CASES[name]
    app = app_with(*said)
    assert served(app, app.on(told(rule)), len(expected)) == expected


@pytest.mark.parametrize(("rule", "bad"), [(FAILING, RuntimeError()), (BROKEN, None)])
def test_an_open_breaker_does_not_ask_the_release(rule: Wire, bad: object) -> None:
    contract = {"output": {"schema": {"type": "object"}, "retries": 0}}
    app = app_with(bad)
    session = app.on({**told(rule), "contract": contract})
    served(app, session, 10)
    assert len(app.asked) == rule["minRequests"]


def test_what_an_open_breaker_keeps_away_counts_as_the_fallback() -> None:
    app = app_with(score(0.1))
    served(app, app.on(told(LOW, NEW), "candidate"), 3)
    reply = app.answer(app.on(told(LOW, NEW), "candidate"))
    assert (reply.session.variant, reply.session.release, reply.result) == (
        *("fallback", "fallback"),
        "ok",
    )
    assert app.read("ai_requests_total", ai_variant="candidate") == 3
    assert app.read("ai_requests_total", ai_variant="fallback", ai_bucket="b01") == 1
    assert app.read("ai_fallbacks_total", reason="breaker", member="manual") == 1
    assert app.read("ai_breaker_open", ai_variant="candidate") == 1


def test_the_release_before_serves_while_it_is_open() -> None:
    before = {"name": "before", "type": "PreviousRelease", "release": {"release": "bbbbbbbbbbbb"}}
    told = value(fallback={"chain": [before, MANUAL], "breaker": TOXIC})
    app, asked = App(), list[tuple[object, object]]()

    def ask(release: Wire, _: object) -> Reply:
        asked.append((release["release"], release["enabled"]))
        return score(0.9, "ai_toxicity")

    replies = [app.client.answer(app.on(told), {}, ask) for _ in range(3)]
    assert [reply.served_by for reply in replies] == [RELEASE, RELEASE, "before"]
    assert asked[-1] == ("bbbbbbbbbbbb", True)


def opened(*after: object) -> tuple[App, SessionRelease]:
    """A breaker that has just opened; the release says `after` from then on."""
    app = app_with(score(0.1), score(0.1), score(0.1), *after)
    session = app.on(told(LOW))
    assert served(app, session, 4) == [RELEASE] * 3 + [PERSON]
    return app, session


def test_after_its_time_one_good_request_closes_it() -> None:
    app, session = opened(score(0.9))
    app.clock.now += 59
    assert served(app, session) == [PERSON]
    app.clock.now += 1
    assert app.read("ai_breaker_open", ai_variant="stable") == 0
    assert served(app, session, 5) == [RELEASE] * 5


def test_a_bad_trial_opens_it_for_as_long_again() -> None:
    app, session = opened(score(0.2), score(0.9))
    app.clock.now += 60
    assert served(app, session, 3) == [RELEASE, PERSON, PERSON]
    app.clock.now += 59
    assert served(app, session) == [PERSON]
    app.clock.now += 1
    assert served(app, session, 3) == [RELEASE] * 3


@pytest.mark.parametrize("lost", [RuntimeError(), Reply(GOOD)], ids=["fails", "has no score"])
def test_a_trial_that_tells_nothing_leaves_it_open(lost: object) -> None:
    app, session = opened(lost, score(0.9))
    app.clock.now += 60
    app.answer(session)
    assert served(app, session) == [PERSON]
    app.clock.now += 60
    assert served(app, session, 2) == [RELEASE] * 2


def test_of_many_requests_at_once_one_tries() -> None:
    app, session = opened(score(0.2))
    app.clock.now += 60
    together = Barrier(16)

    def one(_: int) -> str:
        together.wait(10)
        return app.answer(session).served_by

    with ThreadPoolExecutor(16) as pool:
        assert sorted(pool.map(one, range(16))) == [PERSON] * 15 + [RELEASE]


def test_an_answer_that_comes_after_it_opened_does_not_close_it() -> None:
    app, session = opened(score(0.9))
    breaker = app.client._breakers["stable"]
    breaker.saw("closed", score(1.0), app.clock())
    assert served(app, session) == [PERSON]


def test_each_arm_and_each_release_has_its_own() -> None:
    app, _ = opened(score(0.9))
    assert served(app, app.on(told(LOW, NEW), "candidate")) == [RELEASE]
    assert served(app, app.on(told(LOW, "dddddddddddd"))) == [RELEASE]
    assert app.read("ai_breaker_open") == 0


@pytest.mark.parametrize("label", ["golden", "unassigned"])
def test_golden_runs_neither_open_it_nor_are_kept_away(label: str) -> None:
    app, session = opened(score(0.1))
    pinned = SessionRelease("pin", label, label, "", session.value)
    assert served(app, pinned, 5) == [RELEASE] * 5


def test_a_request_that_is_refused_costs_no_trial() -> None:
    app, session = opened(score(0.9))
    app.clock.now += 60
    contract = {"input": {"schema": {"type": "object"}}}
    strict = app.on({**session.value, "contract": contract})
    with pytest.raises(ValueError, match="type"):
        app.answer(strict, "text")
    assert served(app, strict) == [RELEASE]


@pytest.mark.parametrize(
    "rule",
    [
        {"metric": "x"},
        {"metric": "ai_confidence", "below": "?", "minRequests": 1, "openSeconds": 1},
    ],
)
def test_a_breaker_that_cannot_be_read_serves_the_fallback(rule: Wire) -> None:
    app = app_with(Reply(GOOD, scores={"x": 1.0, "ai_confidence": 1.0}))
    reply = app.answer(app.on(told(rule)))
    assert (reply.served_by, reply.result) == (PERSON, "error")
