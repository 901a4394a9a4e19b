"""Packed states: exact round trips; damaged, forged and outdated strings are refused."""

import base64
import math
import struct
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goaround.evidence.judge import (
    CANDIDATE,
    STABLE,
    Bound,
    Counts,
    Max,
    Min,
    TestSpec,
    TestState,
    Units,
    VsStable,
    Window,
    advance,
    new_state,
)
from goaround.evidence.model import Run, Table
from goaround.evidence.state import HEAD, StateOutdated, StateUnreadable, pack, unpack

SPEC = TestSpec("schema-errors", Max(0.02), 10, share=0.5)

finite = st.floats(allow_nan=False, allow_infinity=False)
logs = st.floats(max_value=1e300, allow_nan=False) | st.just(-math.inf)
times = st.integers(min_value=10, max_value=10**10).map(lambda t: t * 10)


@st.composite
def counts(draw: st.DrawFn) -> Counts:
    total = draw(st.floats(min_value=0, max_value=1e15))
    return Counts(total, total * draw(st.floats(min_value=0, max_value=1)))


@st.composite
def tables(draw: st.DrawFn, size: int) -> Table:
    """Counts in units of 1 or 1/256, as they are kept."""
    grain = draw(st.sampled_from([1, 256]))
    totals = st.lists(st.integers(0, 2**40), min_size=size, max_size=size)
    rows = []
    for total in (draw(totals), draw(totals)) if size else ():
        part = draw(st.integers(0, 100))
        rows += [[n / grain for n in total], [n * part // 100 / grain for n in total]]
    return tuple(map(tuple, rows))


@st.composite
def states(draw: st.DrawFn) -> TestState:
    arm, last_t = draw(counts()), draw(times)
    cusum = draw(st.just(0.0) | st.floats(min_value=1e-300, max_value=1e300))
    run = Run(cusum, last_t, draw(counts()), draw(counts())) if cusum else Run()
    sizes = draw(st.tuples(*[st.sampled_from([0, 2, 20])] * 2))
    return TestState(
        log_mb=tuple(draw(st.lists(logs, min_size=6, max_size=6))),
        log_mass=draw(st.floats(max_value=0, allow_nan=False)),
        block_start=draw(st.integers(min_value=-1, max_value=last_t)),
        log_g=tuple(draw(st.lists(logs, min_size=6, max_size=6))),
        phi_w=draw(st.floats(min_value=1, max_value=1e9)),
        whole=draw(tables(sizes[0])),
        block=draw(tables(sizes[1])),
        log_a_past=draw(finite),
        unlabelled=draw(st.floats(min_value=0, max_value=1e15)),
        blind_until=draw(st.just(0) | times),
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


def _sealed(body: bytes) -> str:
    """A forgery with a correct checksum."""
    return base64.b64encode(body + struct.pack("<I", zlib.crc32(body))).decode()


def _honest() -> TestState:
    arms = {CANDIDATE: Counts(100, 7), STABLE: Counts(900, 9)}
    buckets = {CANDIDATE: (Counts(50, 7), Counts(50)), STABLE: (Counts(450, 4), Counts(450, 5))}
    window = Window(1_700_000_010, arms, buckets)
    return advance(SPEC, new_state(SPEC, 1_700_000_000, 0.0), window, step_began=0.0)


def _body() -> bytes:
    return base64.b64decode(pack(_honest()))[:-4]


def _forged(position: int, value: object) -> str:
    values = list(HEAD.unpack(_body()[: HEAD.size]))
    values[position] = value
    return _sealed(HEAD.pack(*values) + _body()[HEAD.size :])


def test_an_honest_forgery_is_read() -> None:
    assert unpack(SPEC, _sealed(_body())) == _honest()
    assert _honest().whole == ((50, 50), (7, 0), (450, 450), (4, 5))


FLOATS = [i for i, v in enumerate(HEAD.unpack(_body()[: HEAD.size])) if isinstance(v, float)]


@pytest.mark.parametrize("position", FLOATS)
@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_nan_and_infinity_are_refused_everywhere(position: int, poison: float) -> None:
    with pytest.raises(StateUnreadable):
        unpack(SPEC, _forged(position, poison))


@pytest.mark.parametrize(
    ("position", "forged"),
    [
        (0, 1),  # version
        (2, 1_700_000_011),  # last_t off the grid
        (2, -10),  # last_t before time
        (2, 10**12),  # last_t beyond any calendar
        (4, 0),  # counts without windows
        (11, 0.1),  # more prior left than there was
        (20, 0.1),  # a block with more prior than there is
        (21, 0.5),  # evidence multiplied instead of divided
        (23, 1_700_000_020),  # a block that begins in the future
        (23, -2),
        (24, -1),
        (25, 0),  # a run that never began
        (25, 1_700_000_020),  # a run that began in the future
        (26, -1.0),  # a run below rest
        (26, 0.0),  # a run at rest that began
    ],
)
def test_numbers_that_no_test_reaches_are_refused(position: int, forged: float) -> None:
    with pytest.raises(StateUnreadable):
        unpack(SPEC, _forged(position, forged))


@pytest.mark.parametrize(
    "impossible",
    [
        {"step_total": 101.0},
        {"step_total": -1.0},
        {"step_total": math.nan},
        {"unlabelled": -1.0},
        {"unlabelled": math.inf},
        {"whole": ((1.0, 2.0), (2.0, 0.0), (1.0, 1.0), (0.0, 0.0))},
        {"block": ((1.0, 2.0), (0.0, 0.0), (0.0, 0.0), (1.0, 0.0))},
        {"log_g": (math.nan,) * 6},
    ],
)
def test_counts_that_contradict_each_other_are_refused(impossible: dict[str, Any]) -> None:
    with pytest.raises(StateUnreadable):
        unpack(SPEC, pack(replace(_honest(), **impossible)))


@pytest.mark.parametrize("cut", [1, 10, 30, 60])
def test_a_state_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(StateUnreadable):
        unpack(SPEC, _sealed(_body()[:-cut]))


def test_a_state_with_something_behind_it_is_refused() -> None:
    with pytest.raises(StateUnreadable):
        unpack(SPEC, _sealed(_body() + b"\0"))


def test_a_number_without_end_is_refused() -> None:
    with pytest.raises(StateUnreadable):
        unpack(SPEC, _sealed(_body()[: HEAD.size] + b"\xff" * 2000))


@pytest.mark.parametrize("per_second", [10, 1000])
def test_a_day_of_traffic_with_buckets_fits_a_kibibyte(per_second: int) -> None:
    """Counts as after a day at 10 %, 1 % bad, in 20 buckets of users; the last block is full."""
    rng = np.random.default_rng(1)
    spec = replace(SPEC, units=Units.USERS)

    def table(seconds: int) -> Table:
        n = [rng.poisson(per_second * seconds * share / 20, 20) for share in (0.1, 0.9)]
        rows = (n[0], rng.binomial(n[0], 0.01), n[1], rng.binomial(n[1], 0.01))
        return tuple(tuple(float(v) for v in row) for row in rows)

    whole, logs = table(86_400), rng.normal(size=18) * 30
    arms = Counts(sum(whole[0]), sum(whole[1])), Counts(sum(whole[2]), sum(whole[3]))
    state = replace(
        new_state(spec, 1_700_000_000, 1_699_999_991.25, Counts(36_000, 360)),
        windows=8640,
        arm=arms[0],
        reference=arms[1],
        run=Run(0.7, 1_700_000_000, Counts(9000, 80), Counts(81_000, 800)),
        log_m=tuple(logs[:6]),
        log_mb=tuple(logs[6:12]),
        log_g=tuple(logs[12:]),
        log_left=-1.3,
        log_mass=-4.1,
        log_a=(3.3, -120.2),
        whole=whole,
        block=table(3600),
    )
    print(f"{len(pack(state))} characters at {per_second} req/s")
    assert unpack(spec, pack(state)) == state
    assert len(pack(state)) <= 1024


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
    replace(SPEC, units=Units.USERS),
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
