"""Range reads of a Prometheus for the command line, by prometheus-api-client.

Decides nothing about windows: the query and the reading of its answer are the operator's own, only
the way there is another. Refuses to retry: a person waits.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import requests
from prometheus_api_client.exceptions import PrometheusApiClientException
from prometheus_api_client.prometheus_connect import PrometheusConnect

from goaround.cli.command import CommandError
from goaround.world.prom_breaker import Breaker
from goaround.world.prom_http import PrometheusHttp
from goaround.world.prom_search import FeatureSearch, Question
from goaround.world.prom_types import Provider, Read, Shape, Unreadable, UnreadableReason
from goaround.world.promql import FeatureKey, SelectorError

TIMEOUT_SECONDS: Final = 20
LARGEST_ANSWER: Final = 64 << 20


def provider(url: str, *, scrape_seconds: float, lag_seconds: float) -> Provider:
    """The Prometheus at `url`. Raises CommandError."""
    try:
        return Provider(
            name="prometheus",
            url=url,
            scrape_seconds=scrape_seconds,
            lag_seconds=lag_seconds,
            timeout_seconds=TIMEOUT_SECONDS,
            max_bytes=LARGEST_ANSWER,
        )
    except ValueError as err:
        raise CommandError(str(err)) from err


def windows(
    where: Provider, feature: FeatureKey, shape: Shape, ends: range, *, variants: Sequence[str]
) -> Read:
    """Counts of one feature for every one of `ends`, or why there are none."""
    try:
        return asyncio.run(_answer(where, feature, Question(shape, ends, tuple(variants))))
    except SelectorError as err:
        return Unreadable(UnreadableReason.BAD_QUERY, str(err))


async def _answer(where: Provider, feature: FeatureKey, question: Question) -> Read:
    client, breaker = _Client(where), Breaker(where.name, time.monotonic)
    search = FeatureSearch(where, client, breaker, chunk=1, concurrency=1)
    try:
        return (await search.answers(question, [feature]))[feature]
    finally:
        await client.aclose()


class _Client(PrometheusHttp):
    """The transport of the operator, replaced by prometheus-api-client."""

    def __init__(self, where: Provider) -> None:
        self._where = where
        self._connection = PrometheusConnect(
            url=where.url.rstrip("/"), method="POST", retry=0, timeout=TIMEOUT_SECONDS
        )

    async def query_range(self, query: str, ends: range) -> bytes | Unreadable:
        """Blocks; the command has nothing else to do."""
        try:
            found = self._connection.custom_query_range(
                query,
                datetime.fromtimestamp(ends[0], UTC),
                datetime.fromtimestamp(ends[-1], UTC),
                str(ends.step),
            )
        except requests.ConnectionError:
            return self._failed(UnreadableReason.REFUSED, "no connection: check --prometheus")
        except requests.Timeout:
            told = f"no answer within {TIMEOUT_SECONDS} s"
            return self._failed(UnreadableReason.TIMEOUT, told)
        except PrometheusApiClientException as err:
            return self._failed(UnreadableReason.HTTP_STATUS, _first_line(err))
        except requests.RequestException as err:
            # its text may hold the url, and the url a password
            return self._failed(UnreadableReason.BAD_ANSWER, type(err).__name__)
        except (KeyError, TypeError, ValueError):
            told = "its answer is not that of a Prometheus"
            return self._failed(UnreadableReason.BAD_ANSWER, told)
        return _as_body(found)

    def _failed(self, reason: UnreadableReason, message: str) -> Unreadable:
        return Unreadable(reason, f"Prometheus: {message}")

    async def aclose(self) -> None:
        self._connection.close()


def _as_body(result: Any) -> bytes:
    """The answer as Prometheus gave it: it is decoded, and refused, as strictly as any other."""
    data = {"resultType": "matrix", "result": result}
    return json.dumps({"status": "success", "data": data}).encode()


def _first_line(err: Exception) -> str:
    return (str(err).splitlines() or [type(err).__name__])[0][:200]
