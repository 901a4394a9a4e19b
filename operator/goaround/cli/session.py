"""One conversation with the API server, for a command.

Decides how a failure is told: what the API server refuses is no fault of ours, and leaves with
another code than what could not be reached.
"""

import os
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import aiohttp
from kubernetes.aio.config import ConfigException, list_kube_config_contexts

from goaround.cli.command import CommandError, Refusal
from goaround.cli.connection import Where
from goaround.world.connect import DEFAULT_KUBECONFIG, load_api_client
from goaround.world.kube import Api, KubeApi, KubeError, NotFound, Refused

TIMEOUT_SECONDS: Final = 10.0
MANAGER: Final = "kubectl-goaround"
"""Who wrote a field, in managedFields: a person, and not the operator."""

T = TypeVar("T")


async def run(where: Where, do: Callable[[Api, str], Awaitable[T]]) -> T:
    """What `do` returns. Raises CommandError, Refusal."""
    try:
        client = await load_api_client(where.kubeconfig, context=where.context)
        namespace = where.namespace or _usual_namespace(where)
    except (ConfigException, OSError) as err:
        raise CommandError(f"no credentials of a cluster: {err}") from err
    if where.acting_as is not None:
        client.set_default_header("Impersonate-User", where.acting_as)  # type: ignore[no-untyped-call]
    async with client:
        api = KubeApi(client, timeout=TIMEOUT_SECONDS, manager=MANAGER)
        return await told(do(api, namespace))


async def told(answer: Awaitable[T]) -> T:
    """The answer; a failure in words. Raises CommandError, Refusal."""
    try:
        return await answer
    except Refused as err:
        raise Refusal(f"the API server refuses it: {err}") from err
    except NotFound as err:
        raise CommandError(f"it is not there: {err}") from err
    except (KubeError, aiohttp.ClientError) as err:
        raise CommandError(f"the API server did not do it: {err}") from err


def _usual_namespace(where: Where) -> str:
    """As kubectl takes it from the context."""
    path = where.kubeconfig or os.environ.get("KUBECONFIG") or DEFAULT_KUBECONFIG
    try:
        contexts, active = list_kube_config_contexts(path)  # type: ignore[no-untyped-call]
    except (ConfigException, OSError):
        return "default"  # in a pod there is no kubeconfig
    named = [c for c in contexts if c["name"] == where.context] if where.context else [active]
    chosen = named[0]["context"] if named else {}
    return str(chosen.get("namespace") or "default")
