"""One feature from the API server, or why it cannot be had.

Decides where it is looked for, as kubectl would. Writes nothing.
"""

import contextlib
import os
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

import aiohttp
from kubernetes.aio.config import ConfigException, list_kube_config_contexts
from pydantic import ValidationError

from goaround.api.kinds import FEATURES, INCIDENTS, RECORDS, AIFeature, AIIncident
from goaround.api.names import EVIDENCE_LABEL, FEATURE_LABEL
from goaround.cli.command import CommandError
from goaround.world.connect import DEFAULT_KUBECONFIG, load_api_client
from goaround.world.kube import Body, KubeApi, KubeError, NotFound

TIMEOUT_SECONDS = 10.0
T = TypeVar("T")


async def read_feature(namespace: str | None, name: str, kubeconfig: str | None) -> AIFeature:
    """The feature as it stands; without a namespace, in the one of the kubeconfig. Raises
    CommandError."""
    namespace = namespace or usual_namespace(kubeconfig)
    async with client(kubeconfig) as api:
        if (body := await _body(api, namespace, name)) is None:
            raise CommandError(f"there is no AIFeature {name} in namespace {namespace}")
        return _parsed(body)


async def read_binder(
    namespace: str | None, name: str, kubeconfig: str | None
) -> tuple[str, AIFeature | None, list[Body]]:
    """The namespace, the feature if it exists, and the segments of its evidence binder. Raises
    CommandError."""
    namespace = namespace or usual_namespace(kubeconfig)
    label = f"{FEATURE_LABEL}={name},{EVIDENCE_LABEL}"
    async with client(kubeconfig) as api:
        # the feature first: a flight that ends in between is then newer than status, never missing
        body = await _body(api, namespace, name)
        found = await asked(api.list(RECORDS, namespace=namespace, label=label), "its segments")
    return namespace, _parsed(body) if body is not None else None, found


async def read_troubles(
    namespace: str | None, name: str, kubeconfig: str | None
) -> tuple[AIFeature, list[AIIncident]]:
    """The feature, and every incident that names it. Raises CommandError: an incident that cannot
    be understood may be one that freezes."""
    namespace = namespace or usual_namespace(kubeconfig)
    async with client(kubeconfig) as api:
        if (body := await _body(api, namespace, name)) is None:
            raise CommandError(f"there is no AIFeature {name} in namespace {namespace}")
        bodies = await asked(api.list(INCIDENTS, namespace=namespace), "its incidents")
    incidents = [_understood(b) for b in bodies]
    return _parsed(body), [i for i in incidents if name in {ref.name for ref in i.spec.affects}]


def _understood(body: Body) -> AIIncident:
    try:
        return AIIncident.model_validate(body)
    except ValidationError as err:
        named = (body.get("metadata") or {}).get("name")
        raise CommandError(f"this version does not understand AIIncident {named}") from err


@asynccontextmanager
async def client(kubeconfig: str | None) -> AsyncIterator[KubeApi]:
    """The API server of the kubeconfig. Raises CommandError."""
    try:
        client = await load_api_client(kubeconfig)
    except (ConfigException, OSError) as err:
        raise CommandError(f"no credentials of a cluster: {err}") from err
    async with client:
        yield KubeApi(client, timeout=TIMEOUT_SECONDS)


def usual_namespace(kubeconfig: str | None) -> str:
    """As kubectl takes it from the current context."""
    path = kubeconfig or os.environ.get("KUBECONFIG") or DEFAULT_KUBECONFIG
    try:
        _, active = list_kube_config_contexts(path)  # type: ignore[no-untyped-call]
    except (ConfigException, OSError):
        return "default"
    return str(active["context"].get("namespace") or "default")


async def _body(api: KubeApi, namespace: str, name: str) -> Body | None:
    with contextlib.suppress(NotFound):
        return await asked(api.get(FEATURES, namespace, name), f"{namespace}/{name}")
    return None


async def asked(answer: Awaitable[T], what: str) -> T:
    """Raises NotFound, CommandError."""
    try:
        return await answer
    except NotFound:
        raise
    except KubeError as err:
        raise CommandError(f"the API server does not give {what}: {err}") from err
    except aiohttp.ClientError as err:
        raise CommandError(f"the API server cannot be reached: {err}") from err


def _parsed(body: Body) -> AIFeature:
    try:
        return AIFeature.model_validate(body)
    except ValidationError as err:
        raise CommandError(
            f"this version does not understand the feature ({err.error_count()} faults)"
        ) from err
