"""Which release serves a session, as flagd evaluates it: users stick, nobody is blamed for others.

Decides that a session climbs only when it ends, goes down at once, and that traffic which was not
randomised is no arm.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import ProviderNotReadyError

from examples.client.goaround_client import BUCKETS, SWITCHED_OFF, SessionRelease, Wire
from tests.unit.client.kit import NEW, OLD, App, Offline, flag, value


def app(told: Mapping[str, object] | None) -> App:
    made = App()
    made.flags.send(told)
    return made


def session(made: App, held: SessionRelease | None = None) -> SessionRelease:
    return made.client.session("user-1", held)


def test_users_are_split_stick_and_have_a_bucket() -> None:
    made = app(flag(percent=50))
    seen = [made.client.session(f"user-{n}") for n in range(100)]
    assert {(s.variant, s.release) for s in seen} == {("stable", OLD), ("candidate", NEW)}
    assert {s.bucket for s in seen} <= set(BUCKETS)
    assert [made.client.session(f"user-{n}") for n in range(100)] == seen


def test_nobody_is_unassigned_without_a_bucket_and_served_by_stable() -> None:
    seen = app(flag(percent=50)).client.session("")
    assert (seen.variant, seen.bucket, seen.release) == ("unassigned", "", OLD)


def test_a_running_session_does_not_climb_and_counts_for_no_arm() -> None:
    made = app(flag(percent=0))
    held = session(made)
    made.flags.send(flag(percent=100))
    kept = session(made, held)
    assert (kept.variant, kept.release) == ("unassigned", OLD)
    assert session(made, kept) == kept
    assert session(made).variant == "candidate"


DOWN = {
    "a kill": (flag(percent=100), flag(serves="fallback"), "fallback", "fallback"),
    "going around": (flag(percent=100), flag(percent=0), "stable", OLD),
    "another candidate": (
        flag(percent=100),
        flag(percent=100, candidate=value("dddddddddddd")),
        "candidate",
        "dddddddddddd",
    ),
    "stable falls back": (
        flag(),
        flag(stable=value("dddddddddddd")),
        "stable",
        "dddddddddddd",
    ),
    "stable falls back while another climbs": (
        flag(),
        flag(percent=100, stable=value("dddddddddddd")),
        "candidate",
        NEW,
    ),
    "promotion": (flag(percent=100), flag(stable=value(NEW)), "stable", NEW),
    "the fallback ends": (flag(serves="fallback"), flag(percent=100), "candidate", NEW),
}


@pytest.mark.parametrize("name", DOWN)
def test_everything_but_a_climb_reaches_a_running_session_at_once(name: str) -> None:
    before, after, variant, release = DOWN[name]
    made = app(before)
    held = session(made)
    made.flags.send(after)
    now = session(made, held)
    assert (now.variant, now.release) == (variant, release)


def test_a_session_of_somebody_else_is_not_held() -> None:
    made = app(flag(percent=0))
    held = made.client.session("user-2")
    made.flags.send(flag(percent=100))
    assert session(made, held).release == NEW


@pytest.mark.parametrize(
    ("pin", "label", "release"),
    [("pin-c", "golden", NEW), ("pin-s", "golden", OLD), ("stale", "unassigned", NEW)],
)
def test_whoever_is_pinned_is_no_user(pin: str, label: str, release: str) -> None:
    made = app(flag(percent=100))
    seen = made.client.pinned(pin)
    assert (seen.variant, seen.bucket, seen.release) == (label, "", release)
    made.answer(seen)
    assert made.read("ai_requests_total", ai_variant=label) == 1
    assert made.read("ai_requests_total") == 1


def test_a_pin_does_not_reach_a_release_through_a_kill() -> None:
    assert app(flag(serves="fallback")).client.pinned("pin-c").variant == "fallback"


@pytest.mark.parametrize(
    "told",
    [
        None,
        flag(stable={"release": OLD}),
        flag(stable={"enabled": "true", "release": OLD}),
        flag(serves="fallback"),
    ],
    ids=["no flags", "not enabled", "enabled by a word", "killed"],
)
def test_what_is_not_enabled_is_the_fallback(told: Mapping[str, object] | None) -> None:
    made = app(told)
    seen = session(made)
    assert (seen.variant, seen.release) == ("fallback", "fallback")
    reply = made.answer(seen)
    assert (reply.output, reply.result, made.asked) == (SWITCHED_OFF, "ok", [])
    assert made.read("ai_requests_total", ai_variant="fallback", result="ok") == 1


@pytest.mark.parametrize("release", ["x\r\ny: z", "", 7, "ABCDEF", "a" * 65])
def test_a_digest_of_no_known_form_never_becomes_a_header(release: object) -> None:
    told: Wire = {"enabled": True, "release": release}
    assert SessionRelease("u", "stable", "stable", "", told).release == "unreadable"


class Unreachable(Offline):
    """A flag server that is not there at boot."""

    def initialize(self, evaluation_context: EvaluationContext) -> None:
        raise ProviderNotReadyError


def test_without_a_flag_server_at_boot_the_fallback_serves_until_flags_come() -> None:
    made = App(flags=Unreachable())
    assert made.client.start() is False
    assert made.answer(session(made)).session.variant == "fallback"
    made.flags.emit_provider_ready(ProviderEventDetails())
    made.flags.send(flag())
    assert session(made).release == OLD
