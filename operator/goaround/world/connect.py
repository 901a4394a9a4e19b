"""How a process reaches the API server: its own service account, or a kubeconfig.

It decides only where the credentials come from, and by which name the audit log of the API server
knows the process; it refuses to keep any credentials.
"""

import os
from urllib.request import getproxies

import kubernetes.aio.config
from kubernetes.aio.client import ApiClient, Configuration

from goaround import __version__

IN_CLUSTER = "KUBERNETES_SERVICE_HOST"
DEFAULT_KUBECONFIG = "~/.kube/config"


async def load_api_client(
    kubeconfig: str | None = None, *, context: str | None = None, agent: str = "goaround"
) -> ApiClient:
    """A client for the kubeconfig or context named; else in a pod its service account; else
    `$KUBECONFIG` or the usual file. It calls itself `agent`, with our version.

    Raises `kubernetes.aio.config.ConfigException` when there are no credentials. The caller closes
    the client.
    """
    configuration = Configuration()
    # with it, aiohttp looks for a netrc file in a thread, once per request
    configuration.client_session_kwargs = {"trust_env": bool(getproxies())}
    if kubeconfig is None and context is None and IN_CLUSTER in os.environ:
        kubernetes.aio.config.load_incluster_config(  # type: ignore[no-untyped-call]
            client_configuration=configuration
        )
    else:
        path = kubeconfig or os.environ.get("KUBECONFIG") or DEFAULT_KUBECONFIG
        await kubernetes.aio.config.load_kube_config(  # type: ignore[no-untyped-call]
            config_file=path,
            context=context,
            client_configuration=configuration,
            persist_config=False,
        )
    client = ApiClient(configuration)
    client.user_agent = f"{agent}/{__version__}"
    return client
