"""Feeds a real Prometheus (the past by remote write, the present by scrapes), and reads it."""

import asyncio
import struct
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from goaround.world.prometheus import (
    Counts,
    FeatureKey,
    PrometheusReader,
    Provider,
    Read,
    Readings,
    Shape,
)

BAD = 'ai_requests_total{$match,result="bad"}'
TOTAL = "ai_requests_total{$match}"
NONE = Counts(total=0.0, bad=0.0)

Labels = Mapping[str, str]
Sample = tuple[int, float]

_LITERAL_BYTES = 1 << 16
WAIT_SECONDS = 30.0


def remote_write(prometheus: str, series: Iterable[tuple[Labels, Sequence[Sample]]]) -> None:
    """Append samples (unix seconds, value) of series; labels include `__name__`.

    Protobuf of remote write 1.0, in snappy's block format without any compression.
    """
    body = b"".join(_field(1, _time_series(labels, samples)) for labels, samples in series)
    request = urllib.request.Request(
        f"{prometheus}/api/v1/write",
        data=_snappy(body),
        headers={
            "Content-Encoding": "snappy",
            "Content-Type": "application/x-protobuf",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
        },
    )
    with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as response:
        assert response.status in (200, 204)


def _time_series(labels: Labels, samples: Sequence[Sample]) -> bytes:
    pairs = (
        _field(1, name.encode()) + _field(2, value.encode())
        for name, value in sorted(labels.items())
    )
    points = (
        b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(at * 1000) for at, value in samples
    )
    return b"".join(_field(1, p) for p in pairs) + b"".join(_field(2, p) for p in points)


def _field(number: int, payload: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _snappy(body: bytes) -> bytes:
    blocks = (body[at : at + _LITERAL_BYTES] for at in range(0, len(body), _LITERAL_BYTES))
    literals = (b"\xf4" + struct.pack("<H", len(block) - 1) + block for block in blocks)
    return _varint(len(body)) + b"".join(literals)


@dataclass(slots=True)
class Exporter:
    """One pod: counters by series text (`m{a="b"}`), and how often they were scraped."""

    address: str = ""
    counters: dict[str, float] = field(default_factory=dict)
    is_up: bool = True
    scrapes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, series: str, events: float) -> None:
        with self.lock:
            self.counters[series] = self.counters.get(series, 0.0) + events

    def restart(self) -> None:
        with self.lock:
            self.counters.clear()

    def page(self) -> str:
        with self.lock:
            self.scrapes += 1
            return "".join(f"{series} {value}\n" for series, value in self.counters.items())

    def wait_scraped(self, times: int = 2) -> None:
        """Return when what is counted now has been scraped, and the scrape has been stored."""
        until = self.scrapes + times
        wait_for(lambda: self.scrapes >= until)


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"not within {WAIT_SECONDS} s"
        time.sleep(0.02)


@contextmanager
def exporter() -> Iterator[Exporter]:
    """A pod with metrics on loopback; while it is not up its connections just end."""
    pod = Exporter()

    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not pod.is_up:
                return
            body = pod.page().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Metrics)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    pod.address = f"127.0.0.1:{server.server_port}"
    try:
        yield pod
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def read(
    provider: Provider,
    ends: range,
    *features: FeatureKey,
    variants: Sequence[str] = ("stable", "candidate"),
    shape: Shape | None = None,
) -> list[Read]:
    """The readings of `features`, in one batch; of the ratio of BAD and TOTAL by default."""

    async def run() -> list[Read]:
        reader = PrometheusReader(provider)
        asked = replace(shape or Shape(BAD, TOTAL, 1), interval=ends.step)
        try:
            return await asyncio.gather(*(reader.read(f, asked, ends, variants) for f in features))
        finally:
            await reader.aclose()

    return asyncio.run(run())


def summed(*reads: Read) -> dict[str, Counts]:
    """Events per arm, over all windows."""
    sums: defaultdict[str, Counts] = defaultdict(lambda: NONE)
    for one in reads:
        assert isinstance(one, Readings), one
        for window in one.windows:
            for arm, counts in window.arms.items():
                before = sums[arm]
                sums[arm] = Counts(before.total + counts.total, before.bad + counts.bad)
    return dict(sums)
