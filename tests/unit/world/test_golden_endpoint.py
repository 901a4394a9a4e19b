"""Golden runs against an endpoint nobody vouches for: what it does wrong is called by its name,
and nothing that it says is kept."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from goaround.api.names import PIN_HEADER, RELEASE_HEADER
from goaround.api.preflight import PreflightVerdict
from goaround.world import golden as running
from goaround.world.golden import Unavailable
from tests.unit.world.golden_stub import (
    CANDIDATE,
    STABLE,
    Handler,
    flown,
    golden,
    good,
    judged,
    says,
    serving,
)

FAILED, PASSED = PreflightVerdict.FAILED, PreflightVerdict.PASSED
SECRET = "hunter2\x1b[2J]]><script>"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoints here are pinned at once, or never."""
    monkeypatch.setattr(running, "PIN_SECONDS", 0.3)
    monkeypatch.setattr(running, "PIN_PAUSE", 0.02)


def on_candidate(bad: Handler) -> Handler:
    """Misbehaves on the candidate only."""

    async def handler(request: web.Request, release: str, case: str) -> web.StreamResponse:
        at_fault = release == CANDIDATE.release
        return await (bad if at_fault else good)(request, release, case)

    return handler


async def wrong(_: web.Request, release: str, __: str) -> web.StreamResponse:
    return says(release, ok=False)


async def failing(_: web.Request, release: str, __: str) -> web.StreamResponse:
    return says(release, status=500)


async def hangs(_: web.Request, __: str, ___: str) -> web.StreamResponse:
    await asyncio.sleep(30)
    raise AssertionError("nobody waits so long")


async def redirects(request: web.Request, _: str, __: str) -> web.StreamResponse:
    raise web.HTTPFound("http://169.254.169.254/latest/meta-data")


async def fifty_megabytes(request: web.Request, release: str, _: str) -> web.StreamResponse:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"x" * (1 << 20)

    return web.Response(body=body(), headers={RELEASE_HEADER: release})


async def drips(request: web.Request, release: str, _: str) -> web.StreamResponse:
    answer = web.StreamResponse(headers={RELEASE_HEADER: release})
    await answer.prepare(request)
    while True:
        await answer.write(b" ")
        await asyncio.sleep(0.05)


async def compressed(_: web.Request, release: str, __: str) -> web.StreamResponse:
    headers = {RELEASE_HEADER: release, "Content-Encoding": "gzip"}
    return web.Response(body=b"\x1f\x8b", headers=headers)


async def breaks_off(request: web.Request, release: str, _: str) -> web.StreamResponse:
    answer = web.StreamResponse(headers={RELEASE_HEADER: release, "Content-Length": "100"})
    await answer.prepare(request)
    await answer.write(b"{")
    assert request.transport is not None
    request.transport.abort()
    return answer


async def talks(_: web.Request, release: str, __: str) -> web.StreamResponse:
    body = json.dumps({"ok": SECRET}).encode() + b"\x1b[2J]]>"
    return web.Response(body=body, headers={RELEASE_HEADER: release})


def test_two_releases_that_answer_alike_pass() -> None:
    found, app = judged(good)
    assert (found.verdict, found.passed, found.total) == (PASSED, 50, 50)
    assert len([release for release, _ in app.asked if release == STABLE.release]) >= 50


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (wrong, "exact"),
        (failing, "status"),
        (hangs, "timeout"),
        (drips, "timeout"),
        (redirects, "redirect"),
        (fifty_megabytes, "tooLarge"),
        (compressed, "compressed"),
        (breaks_off, "brokenOff"),
        (talks, "exact"),
    ],
)
def test_a_candidate_that_misbehaves_beside_a_good_stable_regresses(bad: Handler, why: str) -> None:
    found, _ = judged(on_candidate(bad), repeats=2)
    assert (found.verdict, found.passed) == (FAILED, 0)
    assert found.cases[0]["failed"] == {why: 2}
    assert found.regressions[0] == "c0"


def test_nothing_that_an_answer_says_is_kept() -> None:
    found, _ = judged(on_candidate(talks))
    kept = json.dumps(found.cases) + found.message + found.found.model_dump_json()
    assert "hunter2" not in kept
    assert "\\u001b" not in kept
    assert kept.isprintable()


@pytest.mark.parametrize("bad", [failing, hangs, redirects, fifty_megabytes])
def test_an_endpoint_that_is_ill_for_both_proves_nothing(bad: Handler) -> None:
    with pytest.raises(Unavailable):
        judged(bad)


def test_a_redirect_is_never_followed() -> None:
    _, app = judged(on_candidate(redirects))
    assert {case for _, case in app.asked} == {f"c{n}" for n in range(10)}


def test_an_endpoint_that_takes_no_connection_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="takes no connection"):
        asyncio.run(flown("http://127.0.0.1:9/ask", golden()))


def test_an_app_that_ignores_the_pin_is_told_what_to_do() -> None:
    async def ignores(_: web.Request, __: str, ___: str) -> web.StreamResponse:
        return says("chat@cccccccccccc")

    with pytest.raises(Unavailable, match="x-goaround-pin as targeting key"):
        judged(ignores)


def test_an_app_that_does_not_say_which_release_answers_is_told_to() -> None:
    async def silent(_: web.Request, __: str, ___: str) -> web.StreamResponse:
        return web.json_response({"ok": True})

    with pytest.raises(Unavailable, match="x-aifeature-release"):
        judged(silent)


def test_a_run_in_which_another_release_answers_does_not_count() -> None:
    seen: list[str] = []

    async def moves_on(_: web.Request, release: str, __: str) -> web.StreamResponse:
        seen.append(release)
        return says(release if len(seen) < 30 else STABLE.release)

    with pytest.raises(Unavailable, match="nothing of this run counts"):
        judged(moves_on)


def test_a_run_waits_until_the_pin_has_reached_the_app() -> None:
    seen: list[str] = []

    async def late(_: web.Request, release: str, __: str) -> web.StreamResponse:
        seen.append(release)
        return says(release if len(seen) > 4 else "chat@live")

    assert judged(late)[0].verdict is PASSED


def test_requests_at_once_are_bounded_and_carry_no_credential() -> None:
    async def slow(_: web.Request, release: str, __: str) -> web.StreamResponse:
        await asyncio.sleep(0.01)
        return says(release)

    _, app = judged(slow)
    assert app.most_at_once == 4
    for headers in app.headers:
        assert not {"Authorization", "Cookie"} & headers.keys()
        assert headers[PIN_HEADER] in (CANDIDATE.pin, STABLE.pin)


def test_without_a_last_known_good_only_the_candidate_is_asked() -> None:
    async def told() -> set[str]:
        async with serving(good) as app:
            candidate, stable = await flown(app.url, golden(), stable=None)
            assert stable is None
            assert all(t.runs.passed == 5 for t in candidate.values())
            return {release for release, _ in app.asked}

    assert asyncio.run(told()) == {CANDIDATE.release}


def test_a_failure_ends_all_requests_of_its_run() -> None:
    async def told() -> int:
        seen: list[int] = []

        async def dies(request: web.Request, release: str, _: str) -> web.StreamResponse:
            seen.append(1)
            return says(release if len(seen) < 3 else "chat@other")

        async with serving(dies) as app:
            with pytest.raises(Unavailable):
                await flown(app.url, golden())
            before = len(app.asked)
            await asyncio.sleep(0.1)
            return len(app.asked) - before

    assert asyncio.run(told()) == 0
