"""A TCP proxy that a test can turn against its user: refuse, cut, or silently swallow.

It forwards bytes and knows nothing of TLS, so the far end stays who it is. Loopback only.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

CHUNK: Final = 1 << 16


class Link:
    """One connection through the proxy."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.deaf = False
        self._ends = (client, server)
        self._pumps = [
            threading.Thread(target=self._pump, args=ends)
            for ends in ((client, server), (server, client))
        ]
        for pump in self._pumps:
            pump.start()

    def close(self) -> None:
        """Both ends hear of it."""
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def join(self) -> None:
        for pump in self._pumps:
            pump.join()
        for end in self._ends:
            end.close()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(CHUNK):
                if not self.deaf:
                    sink.sendall(chunk)
        if not self.deaf or source is self._ends[0]:
            self.close()  # of a deaf link only the client can tire


class Proxy:
    """All links between clients and one server."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._links: list[Link] = []
        self._refuses = False
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def cut(self) -> None:
        """Close every link, and every new one, until mended."""
        with self._lock:
            self._refuses = True
            for link in self._links:
                link.close()

    def mend(self) -> None:
        """New links pass again."""
        with self._lock:
            self._refuses = False

    def swallow(self) -> int:
        """The links of now stay open and carry nothing any more, how many there are; new ones are
        well: as behind a balancer that forgot its table."""
        with self._lock:
            for link in self._links:
                link.deaf = True
            return len(self._links)

    def close(self) -> None:
        self.cut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        for link in self._links:
            link.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._refuses:
                    client.close()
                    continue
                with contextlib.suppress(OSError):
                    self._links.append(Link(client, socket.create_connection(self._target)))


@contextmanager
def proxied(kubeconfig: Path, server: str) -> Iterator[tuple[Proxy, Path]]:
    """A proxy before the API server at `server`, and a kubeconfig that leads through it."""
    host, _, port = server.removeprefix("https://").partition(":")
    proxy = Proxy((host, int(port)))
    text = kubeconfig.read_text()
    assert server in text
    through = kubeconfig.with_suffix(".proxied")
    through.write_text(text.replace(server, f"https://127.0.0.1:{proxy.port}"))
    try:
        yield proxy, through
    finally:
        proxy.close()
