"""A test's memory as one opaque string, for a status field.

Decides what a readable state is. Refuses everything else with `StateUnreadable`: other versions,
damaged or forged text, numbers no test can reach. Callers then start new evidence; a wrong state
is never repaired. The string is about 300 characters long, 400 with squares of scores; with buckets
of users up to 1,000.
"""

import base64
import math
import struct
import zlib
from typing import Final

from goaround.evidence.model import (
    NEVER,
    NO_BLOCK,
    ROUNDING,
    Counts,
    Run,
    Squares,
    Table,
    TestSpec,
    TestState,
)
from goaround.evidence.varints import Bytes, packed_numbers, packed_row

VERSION: Final = 3
HEAD: Final = struct.Struct("<B4sqdQ6dd2d6ddddqqqd?B")
PAIRS: Final = 5
GROSS: Final = struct.Struct("<6d")
CHECKSUM: Final = struct.Struct("<I")
LONGEST: Final = 8192
END_OF_TIME: Final = 253_402_300_800  # the year 10000


class StateUnreadable(ValueError):
    """The string holds no state of this test: start new evidence."""


class StateOutdated(StateUnreadable):
    """It is the state of a test with other parameters: start new evidence."""


def pack(state: TestState) -> str:
    """`state` as base64 text; `unpack` gives back the same bits."""
    run, gross = state.run, state.log_g != NEVER
    head = HEAD.pack(
        VERSION,
        bytes.fromhex(state.fingerprint),
        state.last_t,
        state.step_began,
        state.windows,
        *state.log_m,
        state.log_left,
        *state.log_a,
        *state.log_mb,
        state.log_mass,
        state.phi_w,
        state.log_a_past,
        state.block_start,
        state.blind_until,
        run.first_end or 0,
        run.cusum,
        gross,
        sum(1 << i for i, squares in enumerate(_squares(state)) if squares is not None),
    )
    counts = [value for pair in _pairs(state) for value in (pair.total, pair.bad)]
    squares = [value for some in _squares(state) for value in some or ()]
    numbers = packed_numbers([*counts, *squares, state.step_total, state.unlabelled])
    tables = _packed_table(state.whole) + _packed_table(state.block)
    body = head + (GROSS.pack(*state.log_g) if gross else b"") + numbers + tables
    return base64.b64encode(body + CHECKSUM.pack(zlib.crc32(body))).decode()


def unpack(spec: TestSpec, text: str) -> TestState:
    """The state of `spec`'s test. Raises `StateUnreadable`, or `StateOutdated` if the parameters
    (bound, interval, cluster size, share, ...) are no longer those it was gathered under."""
    try:
        state = _parse(_body(text))
    except StateUnreadable:
        raise
    except (ValueError, struct.error) as error:
        raise StateUnreadable(f"unreadable state of {spec.signal}: {error}") from error
    if state.fingerprint != spec.fingerprint:
        raise StateOutdated(f"the state of {spec.signal} was gathered under other parameters")
    if state.last_t % spec.interval:
        raise StateUnreadable(f"the state of {spec.signal} is off its grid")
    return state


def _pairs(state: TestState) -> tuple[Counts, ...]:
    return state.arm, state.reference, state.history, state.run.arm, state.run.reference


def _squares(state: TestState) -> list[tuple[float, ...] | None]:
    """Of each pair, and of both tables; None where the bad ones stand for them."""
    pairs = [None if pair.squares is None else (pair.squares,) for pair in _pairs(state)]
    return [*pairs, state.whole_squares, state.block_squares]


def _packed_table(table: Table) -> bytes:
    return bytes([len(table[0]) if table else 0]) + b"".join(map(packed_row, table))


def _body(text: str) -> bytes:
    data = base64.b64decode(text.encode("ascii"), validate=True)
    if len(data) > LONGEST or base64.b64encode(data).decode() != text:
        raise StateUnreadable("the state has the wrong length")
    body, checksum = data[: -CHECKSUM.size], data[-CHECKSUM.size :]
    if CHECKSUM.unpack(checksum)[0] != zlib.crc32(body):
        raise StateUnreadable("the state is damaged")
    return body


def _parse(body: bytes) -> TestState:
    version, fingerprint, last_t, step_began, windows, *numbers = HEAD.unpack(body[: HEAD.size])
    if version != VERSION:
        raise StateUnreadable(f"the state has version {version}, not {VERSION}")
    block_start, blind_until, first_end, cusum, gross, scored = numbers[18:]
    rest = HEAD.size + (GROSS.size if gross else 0)
    data = Bytes(body[rest:])
    (arm, reference, history, run_arm, run_reference), tables = _sums(data, scored)
    state = TestState(
        fingerprint=fingerprint.hex(),
        last_t=last_t,
        step_began=step_began,
        windows=windows,
        arm=arm,
        reference=reference,
        history=history,
        step_total=data.number(),
        unlabelled=data.number(),
        log_m=tuple(numbers[0:6]),
        log_left=numbers[6],
        log_a=tuple(numbers[7:9]),
        log_mb=tuple(numbers[9:15]),
        log_mass=numbers[15],
        phi_w=numbers[16],
        log_a_past=numbers[17],
        block_start=block_start,
        blind_until=blind_until,
        run=Run(cusum, first_end or None, run_arm, run_reference),
        log_g=GROSS.unpack(body[HEAD.size : rest]) if gross else NEVER,
        whole=_table(data),
        block=_table(data),
        whole_squares=tables[0],
        block_squares=tables[1],
    )
    data.end()
    _require_reachable(state)
    return state


def _sums(data: Bytes, scored: int) -> tuple[list[Counts], list[Squares]]:
    """The pairs, and the squares of both tables; bits of `scored` tell which squares there are."""
    if scored >> PAIRS + 2:
        raise ValueError("squares of nothing that there is")
    pairs = [(data.number(), data.number()) for _ in range(PAIRS)]
    counts = [
        Counts(*pair, data.number() if scored >> i & 1 else None) for i, pair in enumerate(pairs)
    ]
    tables = (PAIRS, PAIRS + 1)
    return counts, [(data.number(), data.number()) if scored >> i & 1 else None for i in tables]


def _table(data: Bytes) -> Table:
    """Rows of equal length, no bucket with more bad requests than requests."""
    length = data.byte()
    if not length:
        return ()
    table = tuple(data.row(length) for _ in range(4))
    for total, bad in zip(table[0] + table[2], table[1] + table[3], strict=True):
        Counts(total, bad)
    return table


def _require_reachable(state: TestState) -> None:
    """Only stakes and `left` may be zero (-inf); nothing may be NaN or +inf."""
    run = state.run
    stakes = (*state.log_m, *state.log_mb, *state.log_g, state.log_left, state.log_mass)
    others = (*state.log_a, state.log_a_past, state.step_began, state.unlabelled, state.phi_w)
    below_infinity = all(value < math.inf for value in stakes)
    prior = state.log_left <= 0 and state.log_mass <= 0 and state.phi_w >= 1
    if not (below_infinity and all(map(math.isfinite, (*others, state.step_total))) and prior):
        raise StateUnreadable("the state holds numbers that no test reaches")
    if not 0 <= run.cusum < math.inf or (run.cusum > 0) != (run.first_end is not None):
        raise StateUnreadable("the state tells of a run that cannot be")
    _require_squares(state.whole, state.whole_squares)
    _require_squares(state.block, state.block_squares)
    started = state.windows > 0 or state.arm == state.reference == Counts()
    times = 0 <= (run.first_end or 0) <= state.last_t < END_OF_TIME
    blocks = NO_BLOCK <= state.block_start <= state.last_t and 0 <= state.blind_until < END_OF_TIME
    counts = 0 <= state.step_total <= state.arm.total and state.unlabelled >= 0
    if not (started and times and blocks and counts):
        raise StateUnreadable("the state contradicts itself")


def _require_squares(table: Table, squares: Squares) -> None:
    """Squares of scores are at most their sum."""
    if squares is None:
        return
    sums = (sum(table[1]), sum(table[3])) if table else (0.0, 0.0)
    if not all(0 <= s2 <= bad * (1 + ROUNDING) for s2, bad in zip(squares, sums, strict=True)):
        raise StateUnreadable("the state holds squares that no scores have")
