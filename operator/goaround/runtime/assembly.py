"""How the parts of an operator are put together: the desks, and the way past the API server.

Decides nothing but which part gets which other one. Owns no task.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import httpx

from goaround.delivery.control import ControlPorts, TokenFile
from goaround.delivery.replicas import Replicas, StaticReplicas
from goaround.runtime.config import Config
from goaround.runtime.desk import Desk, Reader
from goaround.runtime.drifting import DriftDesk, DriftReader
from goaround.runtime.metrics import Metrics
from goaround.runtime.queue import WorkQueue
from goaround.runtime.replicas import DeliveryDesk
from goaround.world.kube import Api
from goaround.world.prometheus import PrometheusReader

log = logging.getLogger("goaround")


@dataclass(frozen=True, slots=True)
class Readers:
    """Who reads counts and inputs, by provider; absent: Prometheus."""

    counts: Mapping[str, Reader] | None = None
    inputs: Mapping[str, DriftReader] | None = None


def a_desk(
    config: Config,
    api: Api,
    http: httpx.AsyncClient,
    readers: Readers,
    *,
    queue: WorkQueue,
    metrics: Metrics,
    clock: Callable[[], datetime],
) -> Desk:
    """The desk for all providers of the administrator's file. clock: the wall's."""
    providers = {p.name: p.provider() for p in config.providers}
    counts, inputs = readers.counts, readers.inputs
    if counts is None:
        real = {name: PrometheusReader(p, http) for name, p in providers.items()}
        counts, inputs = real, inputs or real
    drift = DriftDesk(inputs or {}, providers, api, news=queue.offer, wall=clock)
    return Desk(counts, providers, news=queue.offer, metrics=metrics, wall=clock, drift=drift)


def a_delivery_desk(
    http: httpx.AsyncClient, replicas: StaticReplicas, queue: WorkQueue
) -> DeliveryDesk:
    """The desk that asks the flag replicas how far they are."""
    return DeliveryDesk(Replicas(http, replicas), expected=len(replicas.listed), news=queue.offer)


def control_ports(
    token: TokenFile | None, http: httpx.AsyncClient, source: StaticReplicas
) -> ControlPorts | None:
    """The flag replicas' control ports; None where there are none, or no token for them."""
    if token is None:
        log.info("control ports unused: --control-token-file is not given")
        return None
    return ControlPorts(http, source, token) if source.listed else None
