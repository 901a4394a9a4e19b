"""The probes: live while the loop turns, ready once everything is listed and until it stops."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from goaround.runtime.health import STALE_SECONDS, Health, serve


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    """A process that has begun to beat, and listed everything."""
    found = Health(clock, synced=True)
    found.beat()
    return found


def test_a_process_that_never_beat_is_not_live(clock: Clock) -> None:
    assert not Health(clock).live


def test_a_beat_counts_for_its_time_and_no_longer(clock: Clock, health: Health) -> None:
    clock.now += STALE_SECONDS - 1
    assert health.live
    clock.now += 1
    assert not health.live
    assert not health.ready
    health.beat()
    assert health.ready


@pytest.mark.parametrize(
    "change",
    [lambda h: setattr(h, "synced", False), lambda h: setattr(h, "stopping", True)],
    ids=["not listed", "stopping"],
)
def test_a_process_that_cannot_serve_is_live_but_not_ready(
    health: Health, change: Callable[[Health], None]
) -> None:
    assert health.ready
    change(health)
    assert health.live
    assert not health.ready


def test_the_probes_answer_over_http_with_a_reason(health: Health) -> None:
    async def asked(*paths: str) -> list[httpx.Response]:
        runner = await serve(health, lambda: b"goaround_up 1\n", "127.0.0.1", 0)
        try:
            port = runner.addresses[0][1]
            async with httpx.AsyncClient(trust_env=False) as http:
                return [await http.get(f"http://127.0.0.1:{port}{path}") for path in paths]
        finally:
            await runner.cleanup()

    health.synced = False
    live, ready, metrics = asyncio.run(asked("/livez", "/readyz", "/metrics"))
    assert (live.status_code, live.text) == (200, "ok\n")
    assert ready.status_code == 503
    assert "not every kind has been listed yet" in ready.text
    assert metrics.text == "goaround_up 1\n"
    assert metrics.headers["Content-Type"].startswith("text/plain")
