"""`Api` for commands: plain HTTP of the standard library, because a command must start at once.

Measured: the models of `kubernetes.aio` take 2 s of processor time to load, httpx 0.3 s, this less
than 0.1 s. One conversation at a time, each call waits for its answer; it retries only what was
never sent. Whatever answers, the words of `world/kube.py` say what it means.
"""

import json
import os
import ssl
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from socket import socket
from typing import Final
from urllib.parse import unquote, urlencode, urlsplit

from goaround import __version__
from goaround.api.names import FIELD_MANAGER
from goaround.api.resources import Kind
from goaround.world.credentials import CredentialsError, Server
from goaround.world.kube import Body, Request, RestApi, Unavailable, failure, path
from goaround.world.kubeconfig import Access

TIMEOUT_SECONDS: Final = 10.0
WATCH_SECONDS: Final = 240
AGENT: Final = f"kubectl-goaround/{__version__}"


class DirectApi(RestApi):
    """The API server of an `Access`. Close it when the conversation is over."""

    def __init__(
        self,
        access: Access,
        env: Mapping[str, str],
        *,
        timeout: float = TIMEOUT_SECONDS,
        manager: str = FIELD_MANAGER,
        dry_run: bool = False,
    ) -> None:
        super().__init__(manager=manager, dry_run=dry_run)
        self._access, self._timeout = access, timeout
        self._proxy = _proxy_of(access.server, env)
        self._context = _context(access) if access.server.url.startswith("https:") else None
        self._link: HTTPConnection | None = None

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    async def _sent(self, request: Request) -> tuple[int, bytes]:
        content: str | None = None
        if request.body is not None:
            body = request.body
            content = body if isinstance(body, str) else json.dumps(body)
        link, fresh = self._link, self._link is None
        if link is None:
            link = self._link = self._dialled(self._timeout)
        try:
            answer = self._asked(link, request, content)
            return answer.status, answer.read()
        except (HTTPException, OSError) as err:
            self.close()
            # a line that was kept may have been hung up before anything was sent over it
            if not fresh and isinstance(err, ConnectionError) and request.method == "GET":
                return await self._sent(request)
            raise self._unreachable(request.method, request.path, err) from err

    def watch(
        self, kind: Kind, namespace: str | None, *, name: str | None, version: str
    ) -> Iterator[tuple[str, Body]]:
        """Events after `version`, of one object or of all (None), until the server ends it, as it
        does after some minutes. Raises KubeError: 410 (Unavailable) asks for a new list."""
        query = {
            "watch": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        if name is not None:
            query["fieldSelector"] = f"metadata.name={name}"
        where = path(kind, namespace)
        link = self._dialled(WATCH_SECONDS + self._timeout)
        try:
            answer = self._asked(
                link, Request("GET", where, query, {"Accept": "application/json"}), None
            )
            if answer.status != 200:
                raise failure(answer.status, f"GET {where}: {answer.status}", creating=False)
            yield from self._events(answer)
        except (HTTPException, OSError) as err:
            raise self._unreachable("GET", where, err) from err
        finally:
            link.close()

    def _events(self, answer: HTTPResponse) -> Iterator[tuple[str, Body]]:
        while line := answer.readline():
            event = json.loads(line)
            if event["type"] == "ERROR":
                told = event["object"]
                raise failure(
                    int(told.get("code") or 500), str(told.get("message")), creating=False
                )
            yield event["type"], event["object"]

    def _asked(self, link: HTTPConnection, request: Request, content: str | None) -> HTTPResponse:
        prefix = urlsplit(self._access.server.url).path.rstrip("/")
        query = f"?{urlencode(request.query)}" if request.query else ""
        link.putrequest(request.method, f"{prefix}{request.path}{query}")
        given = self._access.credentials.header_lines()
        for name, value in (*request.headers.items(), ("User-Agent", AGENT), *given):
            link.putheader(name, value)
        sent = content.encode() if content is not None else None
        if sent is not None and "Content-Type" not in request.headers:
            link.putheader("Content-Type", "application/json")
        if sent is not None or request.method != "GET":
            link.putheader("Content-Length", str(len(sent or b"")))
        link.endheaders(sent)
        return link.getresponse()

    def _dialled(self, timeout: float) -> HTTPConnection:
        """A line that is opened with its first request."""
        server = self._access.server
        parts = urlsplit(server.url)
        host, port = parts.hostname or "", parts.port
        at, at_port = (host, port) if self._proxy is None else (self._proxy.host, self._proxy.port)
        link: HTTPConnection
        if self._context is None:
            link = HTTPConnection(at, at_port, timeout=timeout)
        else:
            name = server.name or host
            link = _Known(at, at_port, self._context, name=name, timeout=timeout)
        if self._proxy is not None:
            link.set_tunnel(host, port or link.default_port, headers=dict(self._proxy.headers))
        return link

    def _unreachable(self, method: str, where: str, err: Exception) -> Unavailable:
        server = self._access.server
        if isinstance(err, ssl.SSLCertVerificationError):
            why = f"its certificate is not trusted ({err.verify_message})"
        else:
            why = (err.strerror if isinstance(err, OSError) else None) or str(err)
        return Unavailable(f"{method} {server.url}{where}: {why or type(err).__name__}")


class _Known(HTTPSConnection):
    """A line to a server that is known under a name that may not be that of the URL."""

    sock: socket

    def __init__(
        self,
        host: str,
        port: int | None,
        context: ssl.SSLContext,
        *,
        name: str,
        timeout: float,
    ) -> None:
        super().__init__(host, port, context=context, timeout=timeout)
        self._tls, self._name = context, name

    def connect(self) -> None:
        HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)


def _context(access: Access) -> ssl.SSLContext:
    server, mine = access.server, access.credentials
    try:
        pem = server.authority.decode() if server.authority is not None else None
        context = ssl.create_default_context(cadata=pem)
    except (ssl.SSLError, UnicodeDecodeError, ValueError) as err:
        raise CredentialsError(
            "certificate-authority of the kubeconfig is no certificate (PEM)"
        ) from err
    # Python 3.13 asks more of a certificate than Go does, and than clusters were given
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", ssl.VerifyFlags(0))
    if server.insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if mine.certificate is not None:
        _show(context, mine.certificate, mine.key)
    return context


def _show(context: ssl.SSLContext, certificate: bytes, key: bytes | None) -> None:
    """Our certificate, which `ssl` takes from files only: these are gone when this returns."""
    if key is None:
        raise CredentialsError("the user entry of the kubeconfig has a certificate without a key")
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        for name, content in (("crt", certificate), ("key", key)):
            handle = os.open(Path(folder, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
        try:
            context.load_cert_chain(Path(folder, "crt"), Path(folder, "key"))
        except ssl.SSLError as err:
            raise CredentialsError(
                "client-certificate and client-key of the kubeconfig do not fit, or are no PEM"
            ) from err


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a tunnel is asked for, and with which headers."""

    host: str
    port: int
    headers: Mapping[str, str]


def _proxy_of(server: Server, env: Mapping[str, str]) -> Proxy | None:
    """That of the kubeconfig, else the machine's, as `https_proxy` and `no_proxy` say. Raises
    CredentialsError where it is of another kind than is spoken here."""
    named = server.proxy or _of_machine(server, env)
    if named is None:
        return None
    parts = urlsplit(named if "://" in named else f"http://{named}")
    if parts.scheme != "http" or parts.hostname is None:
        raise CredentialsError(
            f"the proxy {parts.scheme}://{parts.hostname} is not of the kind http://, "
            "the only one that is spoken here: set proxy-url of the kubeconfig to such a one"
        )
    headers: dict[str, str] = {}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers["Proxy-Authorization"] = f"Basic {b64encode(pair).decode()}"
    return Proxy(parts.hostname, parts.port or 80, headers)


def _of_machine(server: Server, env: Mapping[str, str]) -> str | None:
    parts = urlsplit(server.url)
    named = {name.lower(): value for name, value in env.items()}
    direct = [part.strip().lstrip(".") for part in named.get("no_proxy", "").split(",")]
    if any(part == "*" or (part and f".{parts.hostname}".endswith(f".{part}")) for part in direct):
        return None
    return named.get(f"{parts.scheme}_proxy") or None
