"""Packed states: exact round trips; damaged, forged and outdated strings are refused."""

import base64
import math
import struct
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goaround.evidence.judge import (
    CANDIDATE,
    Bound,
    Counts,
    Max,
    Min,
    TestSpec,
    TestState,
    VsStable,
    Window,
    advance,
    new_state,
)
from goaround.evidence.model import Run
from goaround.evidence.state import LAYOUT, StateOutdated, StateUnreadable, pack, unpack

SPEC = TestSpec("schema-errors", Max(0.02), 10, share=0.5)

finite = st.floats(allow_nan=False, allow_infinity=False)
logs = st.floats(max_value=1e300, allow_nan=False) | st.just(-math.inf)
times = st.integers(min_value=10, max_value=10**10).map(lambda t: t * 10)


@st.composite
def counts(draw: st.DrawFn) -> Counts:
    total = draw(st.floats(min_value=0, max_value=1e15))
    return Counts(total, total * draw(st.floats(min_value=0, max_value=1)))


@st.composite
def states(draw: st.DrawFn) -> TestState:
    arm, last_t = draw(counts()), draw(times)
    cusum = draw(st.just(0.0) | st.floats(min_value=1e-300, max_value=1e300))
    run = Run(cusum, last_t, draw(counts()), draw(counts())) if cusum else Run()
    return TestState(
        fingerprint=SPEC.fingerprint,
        last_t=last_t,
        step_began=draw(finite),
        windows=draw(st.integers(min_value=1, max_value=2**63)),
        arm=arm,
        reference=draw(counts()),
        step_total=arm.total * draw(st.floats(min_value=0, max_value=1)),
        history=draw(counts()),
        log_m=tuple(draw(st.lists(logs, min_size=6, max_size=6))),
        log_left=draw(st.floats(max_value=0, allow_nan=False)),
        log_a=tuple(draw(st.lists(finite, min_size=2, max_size=2))),
        run=run,
    )


@given(state=states())
def test_every_state_comes_back_bit_for_bit(state: TestState) -> None:
    text = pack(state)
    assert unpack(SPEC, text) == state
    assert pack(unpack(SPEC, text)) == text


def test_a_new_state_comes_back() -> None:
    state = new_state(SPEC, 1_700_000_000, 1_699_999_991.25, Counts(36_000, 360))
    assert unpack(SPEC, pack(state)) == state


def test_the_string_fits_its_field() -> None:
    assert len(pack(new_state(SPEC, 0, 0.0))) <= 400


@pytest.mark.parametrize("text", ["", "hello", "===", "ü" * 280, "A" * 280, "A" * 4000])
def test_noise_is_refused(text: str) -> None:
    with pytest.raises(StateUnreadable):
        unpack(SPEC, text)


@given(position=st.integers(min_value=0, max_value=279), character=st.sampled_from("AZaz09+/ \n="))
def test_one_changed_character_is_refused(position: int, character: str) -> None:
    text = pack(new_state(SPEC, 1_700_000_000, 1_700_000_000.0))
    forged = text[:position] + character + text[position + 1 :]
    if forged != text:
        with pytest.raises(StateUnreadable):
            unpack(SPEC, forged)


def _sealed(values: list[object]) -> str:
    """A forgery with a correct length and checksum."""
    body = LAYOUT.pack(*values)
    return base64.b64encode(body + struct.pack("<I", zlib.crc32(body))).decode()


def _values() -> list[object]:
    window = Window(1_700_000_010, {CANDIDATE: Counts(100, 7)})
    state = advance(SPEC, new_state(SPEC, 1_700_000_000, 0.0), window, step_began=0.0)
    return list(LAYOUT.unpack(base64.b64decode(pack(state))[: LAYOUT.size]))


def test_an_honest_forgery_is_read() -> None:
    assert unpack(SPEC, _sealed(_values())).arm == Counts(100, 7)


@pytest.mark.parametrize("position", [i for i, v in enumerate(_values()) if isinstance(v, float)])
@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_nan_and_infinity_are_refused_everywhere(position: int, poison: float) -> None:
    values = _values()
    values[position] = poison
    with pytest.raises(StateUnreadable):
        unpack(SPEC, _sealed(values))


@pytest.mark.parametrize(
    ("position", "forged"),
    [
        (0, 2),  # version
        (2, 1_700_000_011),  # last_t off the grid
        (2, -10),  # last_t before time
        (2, 10**12),  # last_t beyond any calendar
        (4, 0),  # counts without windows
        (5, 3.0),  # fewer requests than bad ones
        (9, 101.0),  # more in the step than in all
        (9, -1.0),
        (18, 0.1),  # more prior left than there was
        (21, -1.0),  # a run below rest
        (21, 0.0),  # a run at rest that began
        (22, 0),  # a run that never began
        (22, 1_700_000_020),  # a run that began in the future
    ],
)
def test_numbers_that_no_test_reaches_are_refused(position: int, forged: float) -> None:
    values = _values()
    values[position] = forged
    with pytest.raises(StateUnreadable):
        unpack(SPEC, _sealed(values))


OTHERS: list[TestSpec] = [
    replace(SPEC, bound=Max(0.021)),
    replace(SPEC, bound=Min(0.02)),
    replace(SPEC, interval=5),
    replace(SPEC, cluster_size=5.0),
    replace(SPEC, share=0.4),
    replace(SPEC, signal="slow"),
    replace(SPEC, arm="shadow"),
    replace(SPEC, reference="fallback"),
    replace(SPEC, about="attempt 2"),
]


@pytest.mark.parametrize("other", OTHERS)
def test_other_parameters_start_new_evidence(other: TestSpec) -> None:
    text = pack(new_state(SPEC, 0, 0.0))
    with pytest.raises(StateOutdated, match="other parameters"):
        unpack(other, text)


def test_whether_a_signal_gates_does_not_change_its_evidence() -> None:
    assert replace(SPEC, gate=False).fingerprint == SPEC.fingerprint


@pytest.mark.parametrize("bound", [Max(0.02), Min(0.9), VsStable(worse_by=0.02, reject_at=0.04)])
def test_a_fingerprint_is_eight_hex_digits(bound: Bound) -> None:
    fingerprint = replace(SPEC, bound=bound).fingerprint
    assert len(bytes.fromhex(fingerprint)) == 4
