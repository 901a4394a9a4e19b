"""An open-loop load generator for the demo application.

Decides when the next question is sent by the clock alone, never by the answers, so that a slow
release is not spared. It refuses to run for ever or to pile up requests: what would exceed the
limit is skipped and counted.

    python examples/demo/load.py --url http://127.0.0.1:8080 --rate 100 --seconds 240
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

if not __package__:  # started by path: the repository is the source root, not this folder
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import aiohttp

from examples.demo.questions import draw


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send: `rate` per second for `seconds`, by `users` different users."""

    url: str
    rate: float
    seconds: float
    users: int = 5000
    max_outstanding: int = 64
    seed: int = 1
    request_seconds: float = 5.0


@dataclass(slots=True)
class Tally:
    """What came back; latencies in seconds as the client saw them."""

    sent: int = 0
    skipped: int = 0
    failed: int = 0
    by_variant: Counter[str] = field(default_factory=Counter)
    by_result: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    def summary(self, elapsed: float) -> dict[str, object]:
        """One JSON object for the end of a run."""
        ordered = sorted(self.latencies) or [0.0]

        def millis(share: float) -> float:
            return round(1e3 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)

        return {
            "sent": self.sent,
            "skipped": self.skipped,
            "failed": self.failed,
            "rate": round(self.sent / elapsed, 1) if elapsed else 0.0,
            "variants": dict(self.by_variant),
            "results": dict(self.by_result),
            "milliseconds": {"p50": millis(0.5), "p95": millis(0.95), "max": millis(1.0)},
        }


async def _ask(session: aiohttp.ClientSession, plan: Plan, tally: Tally, body: object) -> None:
    began = time.perf_counter()
    try:
        async with session.post(f"{plan.url}/ask", json=body) as response:
            response.raise_for_status()
            answer = await response.json()
    except (aiohttp.ClientError, TimeoutError):
        tally.failed += 1
        return
    tally.latencies.append(time.perf_counter() - began)
    tally.by_variant[answer["variant"]] += 1
    tally.by_result[answer["result"]] += 1


async def run(plan: Plan) -> Tally:
    """Send the planned questions on schedule, wait for the last answers, and return the tally."""
    tally, rng = Tally(), random.Random(plan.seed)
    outstanding: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()
    timeout = aiohttp.ClientTimeout(total=plan.request_seconds)
    connector = aiohttp.TCPConnector(limit=plan.max_outstanding)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        start = loop.time()
        for n in range(int(plan.rate * plan.seconds)):
            await asyncio.sleep(max(0.0, start + n / plan.rate - loop.time()))
            if loop.time() - start > plan.seconds:
                break
            body = {"user": f"user-{rng.randrange(plan.users):05d}", "question": draw(rng).text}
            if len(outstanding) >= plan.max_outstanding:
                tally.skipped += 1
                continue
            tally.sent += 1
            task = asyncio.create_task(_ask(session, plan, tally, body))
            outstanding.add(task)
            task.add_done_callback(outstanding.discard)
        if outstanding:
            await asyncio.wait(outstanding)
    return tally


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point: run once, print the summary as JSON."""
    parser = argparse.ArgumentParser(prog="load.py", description="Load for the demo application.")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--rate", type=float, default=100.0, help="requests per second")
    parser.add_argument("--seconds", type=float, default=240.0, help="total duration")
    parser.add_argument("--users", type=int, default=5000)
    parser.add_argument("--max-outstanding", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    plan = Plan(
        args.url,
        args.rate,
        args.seconds,
        users=args.users,
        max_outstanding=args.max_outstanding,
        seed=args.seed,
    )
    began = time.perf_counter()
    tally = asyncio.run(run(plan))
    print(json.dumps(tally.summary(time.perf_counter() - began)))


if __name__ == "__main__":
    main()
