"""A provider that does not answer is left alone, and tried again."""

import asyncio
import logging

import pytest
from aiohttp import web

from goaround.world.prom_breaker import FAILURES_TO_OPEN, Breaker, is_outage
from goaround.world.prometheus import PrometheusReader, Readings, Unreadable
from goaround.world.prometheus import UnreadableReason as Reason
from tests.unit.world.provider_stub import CHAT, ENDS, SHAPE, Form, all_healthy, reason, serving

DOWN = Unreadable(Reason.TIMEOUT, "provider default: no complete answer")
REFUSED = Unreadable(Reason.BAD_QUERY, "a bad question")


class Hand:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def opened() -> tuple[Breaker, Hand]:
    clock = Hand()
    breaker = Breaker("default", clock)
    for _ in range(FAILURES_TO_OPEN):
        assert breaker.enter() is None
        breaker.leave(DOWN)
    return breaker, clock


def test_a_few_outages_are_only_outages() -> None:
    breaker = Breaker("default", Hand())
    for _ in range(FAILURES_TO_OPEN - 1):
        breaker.leave(DOWN)
    assert not breaker.is_open
    breaker.leave(b"{}")
    breaker.leave(DOWN)
    assert breaker.enter() is None


def test_after_five_in_a_row_nobody_asks_and_all_hear_why() -> None:
    breaker, _ = opened()
    assert breaker.is_open
    assert breaker.enter() is DOWN


def test_after_a_pause_one_may_try_while_the_others_wait() -> None:
    breaker, clock = opened()
    clock.now += 1
    assert breaker.enter() is None
    assert breaker.enter() is DOWN
    breaker.leave(b"{}")
    assert not breaker.is_open
    assert breaker.enter() is None


def test_pauses_double_up_to_five_seconds() -> None:
    breaker, clock = opened()
    for pause in (1, 2, 4, 5, 5):
        clock.now += pause - 0.5
        assert breaker.enter() is DOWN
        clock.now += 0.5
        assert breaker.enter() is None
        breaker.leave(DOWN)


def test_a_try_that_was_given_up_leaves_room_for_the_next() -> None:
    breaker, clock = opened()
    clock.now += 1
    assert breaker.enter() is None
    breaker.leave(None)
    assert breaker.enter() is None


def test_a_bad_question_is_no_outage() -> None:
    breaker = Breaker("default", Hand())
    for _ in range(2 * FAILURES_TO_OPEN):
        breaker.leave(REFUSED)
    assert not breaker.is_open
    assert is_outage(Unreadable(Reason.HTTP_STATUS, "", 504))
    assert not is_outage(Unreadable(Reason.HTTP_STATUS, "", 422))


def test_a_provider_that_is_gone_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="goaround.provider"):
        breaker, clock = opened()
        for _ in range(3):
            clock.now += 5
            breaker.enter()
            breaker.leave(DOWN)
        breaker.leave(b"{}")
    assert [r.message for r in caplog.records] == [
        "provider does not answer",
        "provider answers again",
    ]


def test_a_dead_provider_costs_no_time_out_per_read_and_is_found_again() -> None:
    down, clock = True, Hand()

    async def handler(_: web.Request, form: Form) -> web.Response:
        return web.Response(status=502) if down else all_healthy(form)

    async def run() -> None:
        nonlocal down
        async with serving(handler) as stub:
            reader = PrometheusReader(stub.provider(), clock=clock)
            for _ in range(20):
                assert reason(await reader.read(CHAT, SHAPE, ENDS)) is Reason.HTTP_STATUS
            assert len(stub.forms) == FAILURES_TO_OPEN
            down = False
            clock.now += 5
            assert isinstance(await reader.read(CHAT, SHAPE, ENDS), Readings)
            assert not reader.breaker.is_open
            await reader.aclose()

    asyncio.run(run())
