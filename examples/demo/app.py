"""The support answerer as an HTTP server on loopback.

Decides nothing about releases: each request is assigned by the flag, answered by the release the
flag carries, counted, and served. It refuses to fail for a customer because a release does.

    python -m examples.demo.app --port 8080 --namespace shop --feature support-chat --flag-port 8015
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

if not __package__:  # started by path: the repository is the source root, not this folder
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import prometheus_client
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from examples.client.goaround_client import Ask, GoAround, InputRejected, Reply
from examples.demo.catalogue import Catalogue
from examples.demo.service import FlagSource, asking, joined
from examples.demo.telemetry import Telemetry

PIN_HEADER = "x-goaround-pin"
"""Set by golden runs only; strip it at the edge."""


class Question(BaseModel):
    """The body of POST /ask; an empty user is not randomised."""

    model_config = ConfigDict(extra="ignore")

    user: str = Field(default="", max_length=200)
    question: str = Field(min_length=1, max_length=2000)


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a handler needs."""

    source: FlagSource
    client: GoAround
    catalogue: Catalogue
    ask: Ask
    telemetry: Telemetry


CONTEXT = web.AppKey("context", Context)


async def ask(request: web.Request) -> web.Response:
    """Answer one question; 400 on a body that is no question, or breaks the published contract."""
    context = request.app[CONTEXT]
    client, telemetry = context.client, context.telemetry
    try:
        body = Question.model_validate_json(await request.read())
    except ValidationError as error:
        return web.json_response({"error": error.errors()[0]["msg"]}, status=400)
    pin = request.headers.get(PIN_HEADER, "")
    session = client.pinned(pin) if pin else client.session(body.user)
    telemetry.evaluated(session.variant, time.time())
    try:
        reply = client.answer(session, body.model_dump(), context.ask)
    except InputRejected as error:
        return web.json_response({"error": str(error)}, status=400)
    served = reply.session
    telemetry.answered(served.variant, served.release, reply.result, time.time())
    return _response(reply, context.source.feature)


def _response(reply: Reply, feature: str) -> web.Response:
    content = reply.output | {
        "variant": reply.session.variant,
        "release": reply.session.release,
        "result": reply.result,
        "served_by": reply.served_by,
    }
    header = {"x-aifeature-release": f"{feature}@{reply.session.release}"}
    return web.json_response(content, headers=header)


async def metrics(request: web.Request) -> web.Response:
    """All metrics in the Prometheus text format."""
    body = prometheus_client.generate_latest(request.app[CONTEXT].client.registry)
    return web.Response(body=body, headers={"Content-Type": prometheus_client.CONTENT_TYPE_LATEST})


async def evaluations(request: web.Request) -> web.Response:
    """Who was evaluated when, for measuring how fast a decision arrived."""
    context = request.app[CONTEXT]
    feature = f"{context.source.namespace}/{context.source.feature}"
    return web.json_response(
        {"now": time.time(), "feature": feature, **context.telemetry.evaluations()}
    )


async def healthz(_: web.Request) -> web.Response:
    """Alive; a missing flag server is no reason to restart an app that serves its fallback."""
    return web.Response(text="ok")


async def _ready_to_serve(app: web.Application) -> AsyncIterator[None]:
    context = app[CONTEXT]
    await asyncio.to_thread(context.catalogue.warm)
    await asyncio.to_thread(context.client.start, context.source.host, context.source.port)
    yield
    await asyncio.to_thread(context.client.stop)


def build_app(source: FlagSource) -> web.Application:
    """The application; trains its models and connects to the flag stream when it starts."""
    app, catalogue = web.Application(), Catalogue()
    app[CONTEXT] = Context(
        source=source,
        client=joined(source, prometheus_client.CollectorRegistry()),
        catalogue=catalogue,
        ask=asking(catalogue),
        telemetry=Telemetry(),
    )
    app.cleanup_ctx.append(_ready_to_serve)
    app.router.add_post("/ask", ask)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/evaluations", evaluations)
    app.router.add_get("/healthz", healthz)
    return app


async def serve(source: FlagSource, port: int, seconds: float) -> None:
    """Serve on loopback until SIGTERM or SIGINT, at most `seconds`."""
    app = build_app(source)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        logging.info("stop=time-is-up seconds=%s", seconds)
    finally:
        await runner.cleanup()


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="examples.demo.app", description="The demo application.")
    parser.add_argument("--port", type=int, default=8080, help="HTTP port on loopback")
    parser.add_argument("--namespace", default="shop")
    parser.add_argument("--feature", default="support-chat")
    parser.add_argument("--flag-host", default="127.0.0.1", help="host of the flag stream")
    parser.add_argument("--flag-port", type=int, default=8015, help="port of the flag stream")
    parser.add_argument("--flag-key", default="", help="default: <feature>.release")
    parser.add_argument("--seconds", type=float, default=3600, help="stop by itself after this")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point."""
    args = _arguments(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    source = FlagSource(
        namespace=args.namespace,
        feature=args.feature,
        host=args.flag_host,
        port=args.flag_port,
        key=args.flag_key,
    )
    asyncio.run(serve(source, args.port, args.seconds))


if __name__ == "__main__":
    main()
