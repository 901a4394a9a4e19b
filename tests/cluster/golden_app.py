"""An app that is asked golden questions: it evaluates the real flag with the pin as targeting key.

It answers for whatever release the flag plane gives it, and misbehaves as a test wants.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from goaround.api.base import Json
from goaround.api.names import PIN_HEADER, RELEASE_HEADER
from tests.cluster.operator_flags import flags, served
from tests.cluster.operator_kit import Stack, free_ports

FRESH_SECONDS = 0.2
NOISE = "\x1b[2J]]>hunter2"


@dataclass(slots=True)
class GoldenApp:
    """Which feature it is, which releases are bad, and who was asked."""

    stack: Stack
    selector: str = ""
    bad: dict[str, str] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    headers: list[dict[str, str]] = field(default_factory=list)
    trapped: int = 0
    _known: dict[str, tuple[float, str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def release(self, pin: str) -> str:
        """The short digest that the flag gives to this targeting key."""
        with self._lock:
            at, known = self._known.get(pin, (0.0, ""))
            if time.monotonic() - at > FRESH_SECONDS:
                found, name = flags(self.stack, self.selector), self.selector.partition("/")[2]
                known = self._served(found, f"{name}.release", pin)
                self._known[pin] = time.monotonic(), known
            return known

    def _served(self, found: Json, key: str, pin: str) -> str:
        return str(served(found, key, user=pin)["release"]) if key in found["flags"] else "none"

    def misbehave(self, version: str, how: str) -> None:
        """`wrong`, `noise`, `redirect`, `huge` or `hang`, by short digest."""
        self.bad[version] = how


@contextmanager
def golden_app(stack: Stack) -> Iterator[GoldenApp]:
    """The app at the endpoint of the administrator's file."""
    app = GoldenApp(stack)
    (port,) = free_ports("golden", 1)
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(app, port))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield app
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _handler(app: GoldenApp, port: int) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # a redirect that was followed would come as GET
            app.trapped += 1
            self.send_error(404)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            app.headers.append(dict(self.headers.items()))
            release = app.release(self.headers.get(PIN_HEADER, ""))
            app.asked[release] += 1
            how: Callable[[str], None] = getattr(self, app.bad.get(release, "good"))
            how(release)

        def good(self, release: str) -> None:
            self._say(release, b'{"ok": true}')

        def wrong(self, release: str) -> None:
            self._say(release, b'{"ok": false}')

        def noise(self, release: str) -> None:
            self._say(release, json.dumps({"ok": NOISE}).encode() + NOISE.encode())

        def huge(self, release: str) -> None:
            self.send_response(200)
            self.send_header(RELEASE_HEADER, self._who(release))
            self.end_headers()
            try:
                for _ in range(50):
                    self.wfile.write(b"x" * (1 << 20))
            except OSError:
                return  # the asker has heard enough

        def redirect(self, _: str) -> None:
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{port}/trap")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def hang(self, release: str) -> None:
            time.sleep(4)  # longer than anybody waits; nothing is said

        def _who(self, release: str) -> str:
            return f"{app.selector.partition('/')[2]}@{release}"

        def _say(self, release: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header(RELEASE_HEADER, self._who(release))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    return Handler
