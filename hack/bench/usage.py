"""What something costs: CPU and memory of a process, requests by verb, queries to Prometheus.

Requests are counted by the API server and by Prometheus themselves, so nothing of ours is believed.
"""

import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from goaround.api.base import Json

OURS = frozenset(
    {
        *("aifeatures", "aiincidents", "aikillswitches", "aisignoffs"),
        *("controllerrevisions", "events", "configmaps", "leases"),
    }
)
"""Resources that the operator asks for; the API server's own traffic is about others, but for
leases (its own one, every 10 s) and a start-up read of ConfigMaps."""

SAMPLE = re.compile(r"^(?P<name>\w+)(\{(?P<labels>.*)\})? (?P<value>\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    """Totals since the start of the process, or a difference of two; `rss` is the one at the end.

    `cpu` in seconds, `rss` in MiB, `requests` by `VERB resource`.
    """

    at: float
    cpu: float
    rss: float
    requests: Mapping[str, int]
    queries: int

    def since(self, before: "Usage") -> "Usage":
        spent = Counter(self.requests)
        spent.subtract(before.requests)
        return Usage(
            at=self.at - before.at,
            cpu=self.cpu - before.cpu,
            rss=self.rss,
            requests={k: n for k, n in sorted(spent.items()) if n},
            queries=self.queries - before.queries,
        )

    def told(self) -> Json:
        """The difference, for the report."""
        return {
            "seconds": round(self.at, 2),
            "operatorCpuSeconds": round(self.cpu, 3),
            "operatorRssMiB": round(self.rss, 1),
            "apiRequests": dict(self.requests),
            "apiRequestsTotal": sum(self.requests.values()),
            "prometheusQueries": self.queries,
        }


def cpu_seconds(pid: int) -> float:
    """CPU time of a process, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_mib(pid: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 2**20


def samples(text: str, name: str) -> list[tuple[dict[str, str], float]]:
    """The samples of one metric in the exposition format, with their labels."""
    found: list[tuple[dict[str, str], float]] = []
    for line in text.splitlines():
        if line.startswith(name) and (match := SAMPLE.match(line)) and match["name"] == name:
            labels = dict(LABEL.findall(match["labels"] or ""))
            found.append((labels, float(match["value"])))
    return found


def total(text: str, name: str, **labels: str) -> float:
    """The sum of a metric over the samples that carry these labels."""
    return sum(v for seen, v in samples(text, name) if labels.items() <= seen.items())


def requests(text: str) -> Counter[str]:
    """Requests for our resources by `VERB resource`, from the API server's page. Watches count
    when they end."""
    found: Counter[str] = Counter()
    for labels, value in samples(text, "apiserver_request_total"):
        if labels["resource"] in OURS:
            about = "/".join(p for p in (labels["resource"], labels["subresource"]) if p)
            found[f"{labels['verb']} {about}"] += int(value)
    return found


async def metrics(http: httpx.AsyncClient, url: str) -> str:
    answer = await http.get(url)
    answer.raise_for_status()
    return answer.text
