"""What status keeps of a flight: one opaque string per signal, and one for the flight itself.

Decides how states of tests are folded, and which are left out where there is no room: measured,
twenty signals with two bounds each take 13 KiB, with buckets of users 20; the limit is 24. Refuses
to repair: what is not there, or cannot be read, is gathered again from the windows.
"""

import base64
import hashlib
import math
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from goaround.api.status import LONGEST_STATE, MOST_STATES, EvidenceState
from goaround.evidence.model import TestSpec, TestState
from goaround.evidence.plan import signal_of
from goaround.evidence.state import StateUnreadable, pack, unpack

LOGBOOK = ".flight"
"""Starts with a dot, so that no signal has this name."""

LENGTH = struct.Struct("<H")
MOST_BYTES = 16384
MOST_CHARACTERS = 22 * 1024
"""Names and states; what a flight knows of its split and of the hour before it is 2 KiB at most."""

VERSION = 1
HEAD = struct.Struct("<B4sqqqqQdI")


@dataclass(slots=True)
class Logbook:
    """What a flight knows beside its tests; all times are unix seconds.

    noted_to: end of the last window that every signal has been read in. affected: signals whose
    bound stable itself breaks since `outage_since`, told by `line`. quiet_windows: how many in a
    row brought requests of stable (`unanswered`, in all) and none of the candidate. deaf_since: no
    request of any arm since then. doubted_since: harm is proven, but may be shared by stable.
    """

    noted_to: int
    outage_since: int | None = None
    affected: frozenset[str] = frozenset()
    line: str = ""
    quiet_windows: int = 0
    unanswered: float = 0.0
    deaf_since: int | None = None
    doubted_since: int | None = None


def kept(
    tests: Iterable[tuple[TestSpec, TestState]], log: Logbook, signals: Sequence[str]
) -> list[EvidenceState]:
    """Everything that `recalled` and `logbook` need to go on from here, bit for bit."""
    pairs = list(tests)
    parts: dict[str, bytes] = {}
    for spec, state in pairs:
        name = signal_of(spec.signal)
        part = base64.b64decode(pack(state))
        parts[name] = parts.get(name, b"") + LENGTH.pack(len(part)) + part
    head = HEAD.pack(
        VERSION,
        _fingerprint(spec for spec, _ in pairs),
        log.noted_to,
        log.outage_since or 0,
        log.deaf_since or 0,
        log.doubted_since or 0,
        log.quiet_windows,
        log.unanswered,
        sum(1 << i for i, name in enumerate(signals) if name in log.affected),
    )
    book = (LOGBOOK, _folded(head + log.line.encode()))
    return fitting([book, *((name, _folded(data)) for name, data in parts.items())])


def fitting(found: Iterable[tuple[str, str]]) -> list[EvidenceState]:
    """Names and texts as far as there is room, the first ones first: a status that is too large
    would not be written at all."""
    kept: list[EvidenceState] = []
    room = MOST_CHARACTERS
    for name, text in found:
        size = len(name) + len(text)
        if len(text) <= LONGEST_STATE and size <= room and len(kept) < MOST_STATES:
            kept.append(EvidenceState(name=name, state=text))
            room -= size
    return kept


def folded(text: str) -> str:
    """A packed state, shorter."""
    return _folded(base64.b64decode(text))


def unfolded(text: str) -> str:
    """What was `folded`. Raises `StateUnreadable`."""
    return base64.b64encode(_unfolded(text)).decode()


def recalled(
    specs: Sequence[TestSpec], evidence: Sequence[EvidenceState]
) -> Mapping[str, TestState]:
    """States by name of test; tests that changed, and states that are damaged, are left out."""
    found: dict[str, TestState] = {}
    data = {e.name: e.state for e in evidence}
    for spec in specs:
        try:
            parts = _parts(_unfolded(data.get(signal_of(spec.signal), "")))
            found[spec.signal] = unpack(spec, parts.get(spec.fingerprint, ""))
        except StateUnreadable:
            continue
    return found


def logbook(
    specs: Sequence[TestSpec], evidence: Sequence[EvidenceState], signals: Sequence[str]
) -> Logbook | None:
    """The logbook of a flight with exactly these tests; None if there is none."""
    text = next((e.state for e in evidence if e.name == LOGBOOK), "")
    try:
        data = _unfolded(text)
        return _read(data, specs, signals)
    except (StateUnreadable, struct.error, UnicodeDecodeError):
        return None


def _read(data: bytes, specs: Sequence[TestSpec], signals: Sequence[str]) -> Logbook | None:
    version, fingerprint, *numbers = HEAD.unpack(data[: HEAD.size])
    noted_to, outage, deaf, doubted, quiet, unanswered, affected = numbers
    if version != VERSION or fingerprint != _fingerprint(specs):
        return None
    if min(noted_to, outage, deaf, doubted) < 0 or not 0 <= unanswered < math.inf:
        return None
    return Logbook(
        noted_to=noted_to,
        outage_since=outage or None,
        affected=frozenset(name for i, name in enumerate(signals) if affected >> i & 1),
        line=data[HEAD.size :].decode(),
        quiet_windows=quiet,
        unanswered=unanswered,
        deaf_since=deaf or None,
        doubted_since=doubted or None,
    )


def _fingerprint(specs: Iterable[TestSpec]) -> bytes:
    return hashlib.sha256("".join(s.fingerprint for s in specs).encode()).digest()[:4]


def _parts(data: bytes) -> Mapping[str, str]:
    """Packed states by the fingerprint that stands in each, after its version."""
    found: dict[str, str] = {}
    while len(data) > LENGTH.size:
        (size,) = LENGTH.unpack(data[: LENGTH.size])
        part, data = data[LENGTH.size : LENGTH.size + size], data[LENGTH.size + size :]
        found[part[1:5].hex()] = base64.b64encode(part).decode()
    return found


def _folded(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode()


def _unfolded(text: str) -> bytes:
    try:
        unfolding = zlib.decompressobj()
        data = unfolding.decompress(
            base64.b64decode(text.encode("ascii"), validate=True), MOST_BYTES
        )
    except (ValueError, zlib.error) as error:
        raise StateUnreadable(f"unreadable: {error}") from error
    if not unfolding.eof or unfolding.unused_data:
        raise StateUnreadable("the state has the wrong length")
    return data
