"""The commands' client on a wire of its own: what is sent, and what each answer is called."""

import json
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import pytest

from goaround.api.resources import FEATURES, SIGN_OFFS
from goaround.cli.session import driven
from goaround.world.credentials import Credentials, CredentialsError, Server
from goaround.world.direct import DirectApi
from goaround.world.kube import (
    AlreadyExists,
    Conflict,
    KubeError,
    NotFound,
    NotServed,
    Refused,
    Unauthenticated,
    Unavailable,
)
from goaround.world.kubeconfig import Access

T = TypeVar("T")
Json = dict[str, Any]


@dataclass
class Stub:
    """An API server that answers what it is told to, in order, and remembers what it was asked."""

    answers: list[tuple[int, str]] = field(default_factory=list)
    asked: list[Json] = field(default_factory=list)
    url: str = ""
    hang_up: bool = False

    def api(self, *, prefix: str = "", dry_run: bool = False, **env: str) -> DirectApi:
        token = Credentials({"Authorization": "Bearer t", "Impersonate-User": "bob"}, ("a", "b"))
        found = Access(Server(self.url + prefix), token, "shop", "a test")
        return DirectApi(found, env, manager="kubectl-goaround", dry_run=dry_run, timeout=5)

    def will(self, status: int, body: object) -> None:
        self.answers.append((status, body if isinstance(body, str) else json.dumps(body)))


@pytest.fixture(scope="module")
def serving() -> Iterator[list[Stub]]:
    """One server for the module; the stub of the test that runs is the last one."""
    current: list[Stub] = [Stub()]
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(current))
    server.daemon_threads = True
    current[-1].url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield current
    server.shutdown()
    server.server_close()
    thread.join()


def handler_of(current: list[Stub]) -> type[BaseHTTPRequestHandler]:
    """Answers as the newest stub was told to."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            stub, length = current[-1], int(self.headers.get("Content-Length") or 0)
            parts = urlsplit(self.path)
            stub.asked.append(
                {
                    "method": self.command,
                    "path": parts.path,
                    "query": {k: v[0] for k, v in parse_qs(parts.query).items()},
                    "headers": dict(self.headers),
                    "groups": self.headers.get_all("Impersonate-Group"),
                    "body": self.rfile.read(length).decode(),
                }
            )
            status, body = stub.answers.pop(0)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())
            self.close_connection = stub.hang_up

        do_GET = do_POST = do_PATCH = do_DELETE = do_CONNECT = answer

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    return Handler


@pytest.fixture
def stub(serving: list[Stub]) -> Stub:
    serving.append(Stub(url=serving[-1].url))
    return serving[-1]


@contextmanager
def talking(api: DirectApi) -> Iterator[DirectApi]:
    try:
        yield api
    finally:
        api.close()


def done(api: DirectApi, work: Coroutine[Any, Any, T]) -> T:
    with talking(api):
        return driven(work)


def test_a_list_is_read_to_its_last_page(stub: Stub) -> None:
    stub.will(200, {"metadata": {"continue": "c"}, "items": [{"metadata": {"name": "a"}}]})
    stub.will(200, {"metadata": {}, "items": [{"metadata": {"name": "b"}}]})
    api = stub.api()
    found = done(api, api.list(FEATURES, namespace="shop", label="x=y"))
    assert [(b["kind"], b["metadata"]["name"]) for b in found] == [
        ("AIFeature", "a"),
        ("AIFeature", "b"),
    ]
    first, second = stub.asked
    assert first["path"] == "/apis/goaround.dev/v1alpha1/namespaces/shop/aifeatures"
    assert (first["query"]["labelSelector"], second["query"]["continue"]) == ("x=y", "c")


def test_who_asks_is_said_in_headers_with_one_line_per_group(stub: Stub) -> None:
    stub.will(200, {"metadata": {"name": "a"}})
    api = stub.api(prefix="/k8s/clusters/c-1")
    done(api, api.get(FEATURES, "shop", "a"))
    (asked,) = stub.asked
    assert asked["headers"]["Authorization"] == "Bearer t"
    assert asked["headers"]["Impersonate-User"] == "bob"
    assert asked["groups"] == ["a", "b"]
    assert asked["path"].startswith("/k8s/clusters/c-1/apis/goaround.dev/")


def test_a_dry_run_says_so_with_every_write_and_with_no_read(stub: Stub) -> None:
    for _ in range(4):
        stub.will(200, {"metadata": {}})
    api = stub.api(dry_run=True)
    with talking(api):
        driven(api.get(FEATURES, "shop", "a"))
        driven(api.create(SIGN_OFFS, "shop", {"metadata": {"name": "s"}}))
        driven(api.patch(FEATURES, "shop", "a", {"metadata": {}}))
        driven(api.delete(FEATURES, "shop", "a"))
    assert [a["query"].get("dryRun") for a in stub.asked] == [None, "All", "All", "All"]
    assert stub.asked[1]["query"]["fieldManager"] == "kubectl-goaround"
    assert stub.asked[2]["headers"]["Content-Type"] == "application/merge-patch+json"
    assert json.loads(stub.asked[2]["body"]) == {"metadata": {}}


def status(code: int, message: str = "why") -> Json:
    return {"kind": "Status", "code": code, "message": message}


@pytest.mark.parametrize(
    ("code", "body", "error"),
    [
        (401, status(401), Unauthenticated),
        (403, status(403), Refused),
        (404, status(404), NotFound),
        (404, "404 page not found\n", NotServed),
        (409, status(409), Conflict),
        (422, status(422), Refused),
        (429, status(429), Unavailable),
        (500, "oops", Unavailable),
        (200, "[]", Unavailable),
    ],
)
def test_each_answer_has_a_name(
    stub: Stub, code: int, body: object, error: type[KubeError]
) -> None:
    stub.will(code, body)
    api = stub.api()
    with pytest.raises(KubeError) as caught:
        done(api, api.patch(FEATURES, "shop", "a", {}))
    assert type(caught.value) is error


def test_a_name_that_is_taken_has_a_name_of_its_own(stub: Stub) -> None:
    stub.will(409, status(409))
    api = stub.api()
    with pytest.raises(AlreadyExists):
        done(api, api.create(FEATURES, "shop", {}))


def test_a_line_that_was_hung_up_is_dialled_again_for_a_read(stub: Stub) -> None:
    stub.hang_up = True
    stub.will(200, {"metadata": {"name": "a"}})
    stub.will(200, {"metadata": {"name": "b"}})
    api = stub.api()
    with talking(api):
        driven(api.get(FEATURES, "shop", "a"))
        assert driven(api.get(FEATURES, "shop", "b"))["metadata"]["name"] == "b"


def test_a_watch_tells_events_until_the_server_ends_it(stub: Stub) -> None:
    lines = [
        {"type": kind, "object": {"metadata": {"name": "a", "resourceVersion": str(at)}}}
        for at, kind in enumerate(("MODIFIED", "DELETED"), 8)
    ]
    stub.will(200, "".join(f"{json.dumps(line)}\n" for line in lines))
    api = stub.api()
    with talking(api):
        found = list(api.watch(FEATURES, "shop", name="a", version="7"))
    assert [kind for kind, _ in found] == ["MODIFIED", "DELETED"]
    query = stub.asked[0]["query"]
    assert (query["fieldSelector"], query["resourceVersion"]) == ("metadata.name=a", "7")


def test_a_watch_that_came_too_late_asks_for_a_new_list(stub: Stub) -> None:
    gone = {"type": "ERROR", "object": {"code": 410, "message": "too old"}}
    stub.will(200, f"{json.dumps(gone)}\n")
    api = stub.api()
    with talking(api), pytest.raises(Unavailable, match="too old"):
        list(api.watch(FEATURES, None, name=None, version="7"))


def test_a_server_that_is_not_there_is_unavailable_and_named() -> None:
    found = Access(Server("http://127.0.0.1:1"), Credentials(), "shop", "a test")
    api = DirectApi(found, {}, timeout=2)
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1"):
        done(api, api.get(FEATURES, "shop", "a"))


def test_a_proxy_of_the_machine_is_asked_for_a_tunnel_unless_it_is_excepted(stub: Stub) -> None:
    proxy = stub.url.replace("http://", "http://me:pw@")
    far = Access(Server("http://far.example:6443"), Credentials(), "shop", "a test")
    stub.will(502, "")
    api = DirectApi(far, {"HTTP_PROXY": proxy}, timeout=2)
    with pytest.raises(Unavailable):
        done(api, api.get(FEATURES, "shop", "a"))
    assert stub.asked[0]["method"] == "CONNECT"
    assert stub.asked[0]["headers"]["Proxy-Authorization"] == "Basic bWU6cHc="
    stub.will(200, {"metadata": {}})
    near = stub.api(HTTP_PROXY="http://127.0.0.1:1", NO_PROXY="x.example,127.0.0.1")
    done(near, near.get(FEATURES, "shop", "a"))


@pytest.mark.parametrize("proxy", ["socks5://p:1080", "https://p:3128"])
def test_a_proxy_of_another_kind_is_refused(proxy: str) -> None:
    found = Access(Server("http://far.example", proxy=proxy), Credentials(), "shop", "a test")
    with pytest.raises(CredentialsError, match="is not of the kind http://"):
        DirectApi(found, {})


@pytest.mark.parametrize(
    ("server", "mine", "says"),
    [
        (Server("https://x", authority=b"no"), Credentials(), "is no certificate"),
        (Server("https://x"), Credentials(certificate=b"c"), "without a key"),
        (Server("https://x"), Credentials(certificate=b"c", key=b"k"), "do not fit"),
    ],
)
def test_certificates_that_are_none_are_told(server: Server, mine: Credentials, says: str) -> None:
    with pytest.raises(CredentialsError, match=says):
        DirectApi(Access(server, mine, "shop", "a test"), {})
