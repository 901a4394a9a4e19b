"""The world around the operator in its cluster tests: apps that count, and providers that fail.

`Traffic` is every app at once: it serves requests by the split that stands in status and counts
them on one metrics page, by bucket of users where they stick to an arm. `Providers` are metrics
providers that answer nonsense until mended.
"""

import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import httpx

from goaround.api.base import Json
from tests.cluster.operator_judge import around, judged

TICK_SECONDS: Final = 0.1
HANG_SECONDS: Final = 20.0
RESULTS: Final = ("error", "refused")
ARMS: Final = ("stable", "candidate", "fallback")
FAULTS: Final = ("bad500", "badnan", "empty", "huge", "hangs")

NO_BUCKET: Final = ""
GOLDEN: Final = 0.618033988749895
"""Its multiples, less whole numbers, lie evenly between 0 and 1."""

FeatureName = tuple[str, str]


@dataclass(slots=True)
class App:
    """Requests per second, and the share that goes wrong.

    wrong: by arm and result. ill: share of errors by digest, as whatever arm that release serves.
    users: share of errors by arm, one for each bucket of users, all as many as the others; then
    requests carry their bucket. times_candidate: a second router gives the candidate so many times
    its share, at the cost of stable. scores: by arm, the mean that a judge gives (`around`).
    """

    rate: float = 1000.0
    wrong: Mapping[tuple[str, str], float] = field(default_factory=dict)
    ill: Mapping[str, float] = field(default_factory=dict)
    users: Mapping[str, Sequence[float]] = field(default_factory=dict)
    times_candidate: float = 1.0
    scores: Mapping[str, float] = field(default_factory=dict)

    def routed(self, split: Mapping[str, float]) -> Mapping[str, float]:
        """Percent by arm as users really get them."""
        more = split.get("candidate", 0) * (self.times_candidate - 1)
        more = min(more, split.get("stable", 0))
        moved = {arm: split.get(arm, 0.0) for arm in ARMS}
        moved["candidate"] += more
        moved["stable"] -= more
        return moved

    def errors(self, arm: str, digest: str) -> Mapping[str, float]:
        """Share of errors by bucket."""
        if arm in self.users:
            return {f"b{n:02}": share for n, share in enumerate(self.users[arm])}
        return {NO_BUCKET: self.ill.get(digest, self.wrong.get((arm, "error"), 0.0))}


class Traffic:
    """Apps by feature; `page` is what Prometheus scrapes."""

    def __init__(self) -> None:
        self._apps: dict[FeatureName, App] = {}
        self._counts: defaultdict[tuple[FeatureName, str, str, str], float] = defaultdict(float)
        self._scores: defaultdict[tuple[FeatureName, str, float], float] = defaultdict(float)
        self._lock = threading.Lock()

    def serve(self, namespace: str, name: str, app: App | None = None) -> None:
        """Users of this feature begin to ask, or ask otherwise from now on."""
        with self._lock:
            self._apps[namespace, name] = app or App()

    def count(
        self,
        splits: Mapping[FeatureName, Mapping[str, float]],
        seconds: float,
        serving: Mapping[FeatureName, Mapping[str, str]] | None = None,
    ) -> None:
        """Let `seconds` pass: the requests of each app, divided as its feature's split says.
        serving: digest by arm."""
        with self._lock:
            for feature, app in self._apps.items():
                released = (serving or {}).get(feature, {})
                for arm, share in app.routed(splits.get(feature, {"fallback": 100})).items():
                    requests = app.rate * seconds * share / 100
                    self._count(feature, arm, app, requests, digest=released.get(arm, ""))

    def _count(
        self, feature: FeatureName, arm: str, app: App, requests: float, *, digest: str
    ) -> None:
        if requests == 0:
            return
        for score in around(app.scores.get(arm)):
            self._scores[feature, arm, score] += requests / 2
        buckets = app.errors(arm, digest)
        for bucket, errors in buckets.items():
            left = requests / len(buckets)
            for result, share in (("error", errors), ("refused", app.wrong.get((arm, "refused")))):
                wrong = left * (share or 0.0)
                self._counts[feature, arm, result, bucket] += wrong
                left -= wrong
            self._counts[feature, arm, "ok", bucket] += left

    def page(self) -> bytes:
        with self._lock:
            lines = [
                f'ai_requests_total{{namespace="{namespace}",ai_feature="{name}",'
                f'ai_variant="{arm}",result="{result}"{_labelled(bucket)}}} {_whole(count, bucket)}'
                for ((namespace, name), arm, result, bucket), count in self._counts.items()
            ]
            lines += self._histogram()
            lines += judged(self._scores)
        return "".join(f"{line}\n" for line in lines).encode()

    def _histogram(self) -> Iterator[str]:
        """Refused requests take longer than 2.5 seconds, the others half a second at most."""
        for feature, arm, bucket in {(f, arm, bucket) for f, arm, _, bucket in self._counts}:
            counts = {
                result: _whole(self._counts.get((feature, arm, result, bucket), 0.0), bucket)
                for result in (*RESULTS, "ok")
            }
            every = sum(counts.values())
            for le, count in {"0.5": every - counts["refused"], "2.5": every - counts["refused"],
                              "+Inf": every}.items():  # fmt: skip
                yield (
                    f'ai_request_seconds_bucket{{namespace="{feature[0]}",ai_feature="{feature[1]}"'
                    f',ai_variant="{arm}",le="{le}"{_labelled(bucket)}}} {count}'
                )

    def follow(self, api: httpx.Client, stop: threading.Event) -> None:
        """Count by the splits that the API server holds, until stopped."""
        before = time.monotonic()
        while not stop.wait(TICK_SECONDS):
            try:
                listed = api.get("/apis/goaround.dev/v1alpha1/aifeatures").json()
            except httpx.HTTPError:
                continue
            now = time.monotonic()
            self.count(_splits(listed), now - before, _serving_by_arm(listed))
            before = now


def _splits(listed: Json) -> dict[FeatureName, dict[str, int]]:
    return {
        (f["metadata"]["namespace"], f["metadata"]["name"]): f["status"]["split"]
        for f in listed.get("items", ())
        if "split" in f.get("status", {})
    }


def _serving_by_arm(listed: Json) -> dict[FeatureName, dict[str, str]]:
    """Digests of what serves as stable and as candidate."""
    return {
        (f["metadata"]["namespace"], f["metadata"]["name"]): {
            arm: f["status"][known]["digest"]
            for arm, known in (("stable", "lastKnownGood"), ("candidate", "candidate"))
            if f.get("status", {}).get(known)
        }
        for f in listed.get("items", ())
    }


def _whole(count: float, bucket: str) -> int:
    """The counter of one bucket. Buckets whose users fail alike must not all count their next
    failure at the same instant: fourteen at once look like harm to everybody."""
    phase = int(bucket.removeprefix("b") or 0) * GOLDEN
    return int(count + phase % 1)


def _labelled(bucket: str) -> str:
    return f',ai_bucket="{bucket}"' if bucket else ""


class Providers:
    """Metrics providers by name; a sick one answers as its name says, a mended one truly."""

    def __init__(self, prometheus: str) -> None:
        self.sick: set[str] = set()
        self.hanging = 0
        self.address = ""
        self._prometheus = prometheus

    def url(self, name: str) -> str:
        return f"http://{self.address}/{name}"

    def answer(self, name: str, form: bytes) -> tuple[int, bytes]:
        """Status and body for a query."""
        if name not in self.sick:
            truth = httpx.post(
                f"{self._prometheus}/api/v1/query_range",
                content=form,
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                trust_env=False,
                verify=False,
            )
            return truth.status_code, truth.content
        asked = dict(httpx.QueryParams(form.decode()).items())
        match name:
            case "bad500":
                return 500, b"out of order"
            case "badnan":
                return 200, matrix(asked, copies=1, value="NaN")
            case "huge":
                return 200, matrix(asked, copies=5000, value="1")
            case "hangs":
                self._hang(name)
        return 200, matrix(asked, copies=0, value="")

    def _hang(self, name: str) -> None:
        until = time.monotonic() + HANG_SECONDS
        self.hanging += 1
        while name in self.sick and time.monotonic() < until:
            time.sleep(0.05)
        self.hanging -= 1


def matrix(form: Mapping[str, str], *, copies: int, value: str) -> bytes:
    """A Prometheus answer with rows of the first feature that the query asks for."""
    start, end, step = (int(form[name]) for name in ("start", "end", "step"))
    labels = {
        name: found[1].split("|")[0]
        for name in ("namespace", "ai_feature")
        if (found := re.search(rf'{name}=~?"([^"]*)"', form["query"]))
    }
    row = {
        "metric": labels | {"ai_variant": "candidate", "goaround_part": "total"},
        "values": [[t, value] for t in range(start, end + 1, step)],
    }
    data = {"resultType": "matrix", "result": [row] * copies}
    return json.dumps({"status": "success", "data": data}).encode()


@contextmanager
def metrics_page(traffic: Traffic, port: int) -> Iterator[None]:
    """Serves the metrics of all apps on loopback."""

    class Page(_Quiet):
        def do_GET(self) -> None:
            self.reply(200, traffic.page(), "text/plain; version=0.0.4")

    with _serving(Page, port):
        yield


@contextmanager
def sick_providers(prometheus: str) -> Iterator[Providers]:
    """A server that stands in for every provider of the administrator's file but the good one."""
    providers = Providers(prometheus)

    class Query(_Quiet):
        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"]))
            status, body = providers.answer(self.path.split("/")[1], form)
            self.reply(status, body, "application/json")

    with _serving(Query, 0) as port:
        providers.address = f"127.0.0.1:{port}"
        try:
            yield providers
        finally:
            providers.sick.clear()


class _Quiet(BaseHTTPRequestHandler):
    def reply(self, status: int, body: bytes, kind: str) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # who asked has given up

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler], port: int) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
