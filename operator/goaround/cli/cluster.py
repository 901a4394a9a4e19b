"""One feature from the API server, or why it cannot be had.

Decides where it is looked for, as kubectl would. Writes nothing.
"""

import os
from typing import Any

import aiohttp
from kubernetes.aio.config import ConfigException, list_kube_config_contexts
from pydantic import ValidationError

from goaround.api.kinds import FEATURES, AIFeature
from goaround.cli.command import CommandError
from goaround.world.connect import DEFAULT_KUBECONFIG, load_api_client
from goaround.world.kube import KubeApi, KubeError, NotFound

TIMEOUT_SECONDS = 10.0


async def read_feature(namespace: str | None, name: str, kubeconfig: str | None) -> AIFeature:
    """The feature as it stands; without a namespace, in the one of the kubeconfig. Raises
    CommandError."""
    namespace = namespace or _usual_namespace(kubeconfig)
    try:
        client = await load_api_client(kubeconfig)
    except (ConfigException, OSError) as err:
        raise CommandError(f"no credentials of a cluster: {err}") from err
    async with client:
        return _parsed(await _body(KubeApi(client, timeout=TIMEOUT_SECONDS), namespace, name))


def _usual_namespace(kubeconfig: str | None) -> str:
    """As kubectl takes it from the current context."""
    path = kubeconfig or os.environ.get("KUBECONFIG") or DEFAULT_KUBECONFIG
    try:
        _, active = list_kube_config_contexts(path)  # type: ignore[no-untyped-call]
    except (ConfigException, OSError):
        return "default"
    return str(active["context"].get("namespace") or "default")


async def _body(api: KubeApi, namespace: str, name: str) -> dict[str, Any]:
    try:
        return await api.get(FEATURES, namespace, name)
    except NotFound as err:
        raise CommandError(f"there is no AIFeature {name} in namespace {namespace}") from err
    except KubeError as err:
        raise CommandError(f"the API server does not give {namespace}/{name}: {err}") from err
    except aiohttp.ClientError as err:
        raise CommandError(f"the API server cannot be reached: {err}") from err


def _parsed(body: dict[str, Any]) -> AIFeature:
    try:
        return AIFeature.model_validate(body)
    except ValidationError as err:
        raise CommandError(
            f"this version does not understand the feature ({err.error_count()} faults)"
        ) from err
