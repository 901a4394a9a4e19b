"""A test's memory as one opaque string, for a status field.

Decides what a readable state is. Refuses everything else with `StateUnreadable`: other versions,
damaged or forged text, numbers no test can reach. Callers then start new evidence; a wrong state
is never repaired. The string is about 290 characters long.
"""

import base64
import math
import struct
import zlib
from typing import Final

from goaround.evidence.model import Counts, Run, TestSpec, TestState

VERSION: Final = 1
LAYOUT: Final = struct.Struct("<B4sqdQ2d2dd2d6dd2ddq2d2d")
CHECKSUM: Final = struct.Struct("<I")
END_OF_TIME: Final = 253_402_300_800  # the year 10000


class StateUnreadable(ValueError):
    """The string holds no state of this test: start new evidence."""


class StateOutdated(StateUnreadable):
    """It is the state of a test with other parameters: start new evidence."""


def pack(state: TestState) -> str:
    """`state` as base64 text of fixed length; `unpack` gives back the same bits."""
    run = state.run
    body = LAYOUT.pack(
        VERSION,
        bytes.fromhex(state.fingerprint),
        state.last_t,
        state.step_began,
        state.windows,
        *_pair(state.arm),
        *_pair(state.reference),
        state.step_total,
        *_pair(state.history),
        *state.log_m,
        state.log_left,
        *state.log_a,
        run.cusum,
        run.first_end or 0,
        *_pair(run.arm),
        *_pair(run.reference),
    )
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


def _pair(counts: Counts) -> tuple[float, float]:
    return counts.total, counts.bad


def _body(text: str) -> bytes:
    data = base64.b64decode(text.encode("ascii"), validate=True)
    if len(data) != LAYOUT.size + CHECKSUM.size or base64.b64encode(data).decode() != text:
        raise StateUnreadable("the state has the wrong length")
    body, checksum = data[: LAYOUT.size], data[LAYOUT.size :]
    if CHECKSUM.unpack(checksum)[0] != zlib.crc32(body):
        raise StateUnreadable("the state is damaged")
    return body


def _parse(body: bytes) -> TestState:
    version, fingerprint, last_t, step_began, windows, *numbers = LAYOUT.unpack(body)
    if version != VERSION:
        raise StateUnreadable(f"the state has version {version}, not {VERSION}")
    arm, reference, step_total, history = numbers[0:2], numbers[2:4], numbers[4], numbers[5:7]
    state = TestState(
        fingerprint=fingerprint.hex(),
        last_t=last_t,
        step_began=step_began,
        windows=windows,
        arm=Counts(*arm),
        reference=Counts(*reference),
        step_total=step_total,
        history=Counts(*history),
        log_m=tuple(numbers[7:13]),
        log_left=numbers[13],
        log_a=tuple(numbers[14:16]),
        run=_run(numbers[16:]),
    )
    _require_reachable(state)
    return state


def _run(numbers: list[float]) -> Run:
    cusum, first_end, arm, reference = numbers[0], int(numbers[1]), numbers[2:4], numbers[4:6]
    if not 0 <= cusum < math.inf or (cusum > 0) != (first_end > 0):
        raise StateUnreadable("the state tells of a run that cannot be")
    return Run(
        cusum=cusum,
        first_end=first_end or None,
        arm=Counts(*arm),
        reference=Counts(*reference),
    )


def _require_reachable(state: TestState) -> None:
    """Only M_j and `left` may be zero (-inf); nothing may be NaN or +inf."""
    logs_below_infinity = all(value < math.inf for value in (*state.log_m, state.log_left))
    finite = all(map(math.isfinite, (*state.log_a, state.step_began, state.step_total)))
    started = state.windows > 0 or state.arm == state.reference == Counts()
    times = 0 <= (state.run.first_end or 0) <= state.last_t < END_OF_TIME
    steps = 0 <= state.step_total <= state.arm.total
    if not (logs_below_infinity and finite and state.log_left <= 0):
        raise StateUnreadable("the state holds numbers that no test reaches")
    if not (started and times and steps):
        raise StateUnreadable("the state contradicts itself")
