"""Numbers of a test's memory as few bytes: counts are small integers, mostly.

Decides only how numbers are written, exactly. Refuses with ValueError what it did not write.
"""

import math
import struct
from collections.abc import Iterator, Sequence
from typing import Final

LARGEST: Final = 2**53
"""Floats count exactly up to here."""

DOUBLE: Final = struct.Struct("<d")
GRAIN: Final = 256
"""Rows hold multiples of 1/256."""


def packed_numbers(values: Sequence[float]) -> bytes:
    """Each as value + 1 in base 128, or a zero byte and 8 bytes where it is no such integer."""
    return b"".join(map(_packed_number, values))


def packed_row(values: Sequence[float]) -> bytes:
    """Multiples of 1/256 below 2^45: their unit, the least one, and what each is above it."""
    whole = all(value == math.floor(value) for value in values)
    unit = 1 if whole else GRAIN
    scaled = [int(value * unit) for value in values]
    least = min(scaled)
    return bytes([whole]) + b"".join(map(_base128, (least, *(v - least for v in scaled))))


class Bytes:
    """Reads what the functions above wrote, from left to right."""

    def __init__(self, data: bytes) -> None:
        self._data = iter(data)

    def number(self) -> float:
        first = self.integer()
        if first:
            return float(first - 1)
        value: float = DOUBLE.unpack(bytes(self._take(DOUBLE.size)))[0]
        return value

    def row(self, length: int) -> tuple[float, ...]:
        (whole,) = self._take(1)
        unit = 1 if whole else GRAIN
        least = self.integer()
        return tuple((least + self.integer()) / unit for _ in range(length))

    def byte(self) -> int:
        (value,) = self._take(1)
        return value

    def integer(self) -> int:
        value = 0
        for shift in range(0, 64, 7):
            (byte,) = self._take(1)
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ValueError("a number without end")

    def end(self) -> None:
        if next(self._data, None) is not None:
            raise ValueError("more bytes than the state has")

    def _take(self, count: int) -> tuple[int, ...]:
        taken = tuple(value for _, value in zip(range(count), self._data, strict=False))
        if len(taken) < count:
            raise ValueError("fewer bytes than the state has")
        return taken


def _packed_number(value: float) -> bytes:
    if 0 <= value < LARGEST and value == math.floor(value):
        return _base128(int(value) + 1)
    return b"\0" + DOUBLE.pack(value)


def _base128(value: int) -> bytes:
    return bytes(_digits(value))


def _digits(value: int) -> Iterator[int]:
    while value > 127:
        yield value & 127 | 128
        value >>= 7
    yield value
