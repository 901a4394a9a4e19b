"""How the parts of an operator are put together: the desks, and the way past the API server.

Decides nothing but which part gets which other one. Owns no task.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

import httpx

from goaround.delivery.control import ControlPorts, TokenFile
from goaround.delivery.replicas import Replicas, StaticReplicas
from goaround.incident.seen import Settings
from goaround.runtime.changes import ChangeDesk
from goaround.runtime.channels import known
from goaround.runtime.config import Config
from goaround.runtime.contents import ContentDesk
from goaround.runtime.desk import Desk
from goaround.runtime.drifting import DriftDesk, DriftReader
from goaround.runtime.freezing import EvidenceDesk
from goaround.runtime.indexes import IndexDesk
from goaround.runtime.messages import MessageDesk
from goaround.runtime.metrics import Metrics
from goaround.runtime.opened import BreakerDesk, BreakerReader
from goaround.runtime.preflight import PreflightDesk
from goaround.runtime.queue import Key, WorkQueue
from goaround.runtime.replicas import DeliveryDesk
from goaround.runtime.reproducing import ReproductionDesk
from goaround.runtime.rounds import Reader
from goaround.world.golden import Offload
from goaround.world.kube import Api
from goaround.world.prometheus import PrometheusReader

log = logging.getLogger("goaround")


def desk_of(
    config: Config,
    api: Api,
    http: httpx.AsyncClient,
    *,
    golden_http: httpx.AsyncClient,
    news: Callable[[Key], None],
    metrics: Metrics,
    clock: Callable[[], datetime],
    readers: Mapping[str, Reader] | None = None,
    drift_readers: Mapping[str, DriftReader] | None = None,
    offload: Offload = asyncio.to_thread,
) -> Desk:
    """One desk with all others behind it. `api` writes for the owner only; `http` is for providers,
    `golden_http` for endpoints of tenants; readers (by provider) may be stand-ins."""
    providers = {p.name: p.provider() for p in config.providers}
    gauges: Mapping[str, BreakerReader] = {}
    if readers is None:
        real = {name: PrometheusReader(p, http) for name, p in providers.items()}
        readers, drift_readers, gauges = real, drift_readers or real, real
    return Desk(
        readers,
        providers,
        news=news,
        metrics=metrics,
        wall=clock,
        drift=DriftDesk(drift_readers or {}, providers, api, news=news, wall=clock),
        preflight=PreflightDesk(
            api, golden_http, config.urls, news=news, wall=clock, offload=offload
        ),
        contents=ContentDesk(api, news=news, wall=clock),
        breakers=BreakerDesk(gauges, news=news, wall=clock),
        changes=ChangeDesk(api, news=news, wall=clock),
        indexes=IndexDesk(api, golden_http, config.urls, news=news, wall=clock),
        evidence=EvidenceDesk(api, readers, providers, news=news, wall=clock),
        again=ReproductionDesk(api, golden_http, config.urls, news=news, offload=offload),
    )


def message_desk(
    config: Config,
    api: Api,
    http: httpx.AsyncClient,
    *,
    news: Callable[[Key], None],
    clock: Callable[[], datetime],
    owns: Callable[[], bool],
    jitter: Callable[[], float],
) -> MessageDesk:
    """The desk that sends messages; `http` is for channels alone."""
    channels = {c.name: c.channel() for c in config.channels}
    return MessageDesk(api, http, channels, news=news, wall=clock, owns=owns, jitter=jitter)


def incident_settings(config: Config) -> Settings:
    """What an administrator set for incidents."""
    told = config.incidents.settings()
    return replace(told, channels=known(config.channels), templates=config.incidents.templates)


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
