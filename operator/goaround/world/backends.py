"""Which addresses stand behind a Service that a tenant names, and which of them may be asked.

Decides by what the API server knows of Service, EndpointSlices and pods, and pins the address: no
name is resolved. Refuses ExternalName and selectorless Services, and every address that is not that
of a pod of the same namespace, so that nobody reaches through us what he cannot reach himself.
"""

from collections.abc import Iterator, Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from goaround.api.base import Json
from goaround.api.kinds import ENDPOINT_SLICES, PODS, SERVICES
from goaround.api.preflight import Endpoint, ServiceEndpoint
from goaround.world.asking import Target
from goaround.world.kube import Api, KubeError, NotFound

SERVICE_LABEL: Final = "kubernetes.io/service-name"
MOST_TARGETS: Final = 4
THIS_NETWORK: Final = ip_network("0.0.0.0/8")


class NoBackend(Exception):
    """What is named cannot be asked; the text says why and what to do."""


async def located(
    api: Api, endpoints: Mapping[str, str], namespace: str, wanted: Endpoint
) -> list[Target]:
    """Where a tenant's endpoint is: a Service of the namespace, or one of `endpoints`, urls by the
    name that an administrator gave them. Raises NoBackend."""
    if wanted.service is not None:
        return await backends(api, namespace, wanted.service)
    name = wanted.endpoint_ref or ""
    if name not in endpoints:
        raise NoBackend(
            f"endpointRef {name} is not configured: ask the administrator for it, or name a "
            "service of this namespace"
        )
    return [Target(endpoints[name])]


async def backends(api: Api, namespace: str, wanted: ServiceEndpoint) -> list[Target]:
    """The pods behind a Service, in a stable order; at least one. Raises NoBackend."""
    try:
        return await _backends(api, namespace, wanted)
    except NotFound as err:
        raise NoBackend(f"Service {wanted.name} does not exist in {namespace}: create it") from err
    except KubeError as err:
        told = type(err).__name__
        raise NoBackend(f"Service {wanted.name} cannot be looked up ({told})") from err


async def _backends(api: Api, namespace: str, wanted: ServiceEndpoint) -> list[Target]:
    name = wanted.name
    spec = (await api.get(SERVICES, namespace, name)).get("spec") or {}
    if spec.get("type") == "ExternalName":
        raise NoBackend(f"Service {name} is an ExternalName: name a Service with pods behind it")
    if not spec.get("selector"):
        raise NoBackend(f"Service {name} has no selector: name a Service that selects pods")
    ports = [p for p in spec.get("ports") or [] if p.get("port") == wanted.port]
    if not ports:
        raise NoBackend(f"Service {name} has no port {wanted.port}: see its spec.ports")
    label = f"{SERVICE_LABEL}={name}"
    slices = await api.list(ENDPOINT_SLICES, namespace=namespace, label=label)
    found: dict[str, Target] = {}
    for address, pod, port in sorted(_ready(slices, namespace, ports[0].get("name") or "")):
        if len(found) < MOST_TARGETS and await _is_of_pod(api, namespace, pod, address):
            host = f"[{address}]" if ":" in address else address
            url = f"http://{host}:{port}/{wanted.path.lstrip('/')}"
            found[address] = Target(url, f"{name}.{namespace}.svc:{wanted.port}")
    if not found:
        raise NoBackend(
            f"Service {name} has no ready endpoint that is a pod of {namespace}: check its pods"
        )
    return list(found.values())


def _ready(slices: list[Json], namespace: str, port: str) -> Iterator[tuple[str, str, int]]:
    """(address, pod, port) of every endpoint that says it is ready and a pod of this namespace."""
    for one in slices:
        numbers = [p.get("port") for p in one.get("ports") or [] if (p.get("name") or "") == port]
        for endpoint in one.get("endpoints") or []:
            about = endpoint.get("targetRef") or {}
            mine = about.get("kind") == "Pod" and about.get("namespace", namespace) == namespace
            ready = (endpoint.get("conditions") or {}).get("ready") is not False
            if mine and ready and numbers and numbers[0]:
                for address in (endpoint.get("addresses") or [])[:1]:
                    yield str(address), str(about.get("name", "")), int(numbers[0])


async def _is_of_pod(api: Api, namespace: str, pod: str, address: str) -> bool:
    """Whether the pod itself has this address: slices can be written by tenants, the addresses of
    pods only by nodes. A pod on the network of its host has the address of that host."""
    if not pod or not is_allowed(address):
        return False
    try:
        body = await api.get(PODS, namespace, pod)
    except NotFound:
        return False
    if (body.get("spec") or {}).get("hostNetwork"):
        return False
    known = {one.get("ip") for one in (body.get("status") or {}).get("podIPs") or []}
    return address in known


def is_allowed(address: str) -> bool:
    """Whether it can be the address of a pod at all: no loopback, link-local, multicast or the
    like, and no IPv6 spelling of an IPv4 address."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and (found.ipv4_mapped or found.sixtofour or found.teredo):
        return False
    return not (
        found.is_loopback
        or found.is_link_local
        or found.is_multicast
        or found.is_unspecified
        or found.is_reserved
        or found in THIS_NETWORK
    )
