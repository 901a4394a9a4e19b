"""Services on the real API server: only pods of the same namespace are ever asked."""

import asyncio
import json
from typing import Final

import pytest

from goaround.api.base import Json
from goaround.api.kinds import ENDPOINT_SLICES, PODS
from goaround.api.preflight import ServiceEndpoint
from goaround.world.asking import Target
from goaround.world.backends import NoBackend, backends
from goaround.world.connect import load_api_client
from goaround.world.kube import KubeApi, path
from hack.controlplane import ControlPlane
from tests.cluster.operator_kit import client, create_namespace

pytestmark = pytest.mark.cluster

NAMESPACE, ELSEWHERE = "backends", "backends-elsewhere"
POD_IP = "10.244.1.7"
PORTS: Final = [{"name": "http", "port": 80, "targetPort": 8080}]
FORGED = ["127.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "10.96.0.1", "10.0.0.10"]


@pytest.fixture(scope="module")
def site(plane: ControlPlane) -> ControlPlane:
    """Two namespaces with a pod each, whose addresses a node would have written."""
    with client(plane) as api:
        for namespace, address in ((NAMESPACE, POD_IP), (ELSEWHERE, "10.244.1.8")):
            create_namespace(api, namespace)
            account = {"metadata": {"name": "default"}}
            api.post(f"/api/v1/namespaces/{namespace}/serviceaccounts", json=account)
            made = api.post(path(PODS, namespace), json=pod("app"))
            assert made.is_success, made.text
            status = {"status": {"podIP": address, "podIPs": [{"ip": address}]}}
            done = api.patch(
                path(PODS, namespace, "app") + "/status",
                json=status,
                headers={"Content-Type": "application/merge-patch+json"},
            )
            assert done.is_success, done.text
    return plane


def pod(name: str) -> Json:
    container = {"name": "app", "image": "example/app:1"}
    return {"metadata": {"name": name}, "spec": {"containers": [container]}}


def service(plane: ControlPlane, name: str, **spec: object) -> None:
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}
    plane.kubectl(f"--namespace={NAMESPACE}", "apply", "--filename=-", stdin=json.dumps(body))


def endpoints(plane: ControlPlane, name: str, *some: Json, forged: bool = False) -> bool:
    """What the controller of slices would write, or a tenant with the right to forge one; whether
    the API server took it."""
    body = {
        "apiVersion": ENDPOINT_SLICES.api_version,
        "kind": ENDPOINT_SLICES.kind,
        "metadata": {"name": f"{name}-1", "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8080}],
        "endpoints": list(some),
    }
    where, text = f"--namespace={NAMESPACE}", json.dumps(body)
    told = plane.kubectl(where, "apply", "--filename=-", stdin=text, check=not forged)
    return told.returncode == 0


def endpoint(address: str = POD_IP, *, ready: bool = True, **about: str) -> Json:
    target = {"kind": "Pod", "name": "app", "namespace": NAMESPACE} | about
    return {"addresses": [address], "conditions": {"ready": ready}, "targetRef": target}


def found(plane: ControlPlane, name: str, port: int = 80) -> list[Target]:
    async def told() -> list[Target]:
        async with await load_api_client(str(plane.kubeconfig), agent="goaround-operator") as api:
            wanted = ServiceEndpoint(name=name, port=port, path="/ask")
            return await backends(KubeApi(api), NAMESPACE, wanted)

    return asyncio.run(told())


def test_a_service_leads_to_the_address_of_its_pod(site: ControlPlane) -> None:
    service(site, "good", selector={"app": "chat"}, ports=PORTS)
    endpoints(site, "good", endpoint())
    assert found(site, "good") == [Target(f"http://{POD_IP}:8080/ask", f"good.{NAMESPACE}.svc:80")]


def test_a_service_that_does_not_exist_is_told(site: ControlPlane) -> None:
    with pytest.raises(NoBackend, match="does not exist"):
        found(site, "missing")


def test_an_external_name_is_refused(site: ControlPlane) -> None:
    service(site, "external", type="ExternalName", externalName="metadata.example.invalid")
    with pytest.raises(NoBackend, match="ExternalName"):
        found(site, "external")


def test_a_service_without_selector_is_refused(site: ControlPlane) -> None:
    service(site, "bare", ports=PORTS)
    endpoints(site, "bare", endpoint())
    with pytest.raises(NoBackend, match="no selector"):
        found(site, "bare")


def test_a_port_that_the_service_does_not_have_is_told(site: ControlPlane) -> None:
    service(site, "ports", selector={"app": "chat"}, ports=PORTS)
    with pytest.raises(NoBackend, match="no port 81"):
        found(site, "ports", 81)


@pytest.mark.parametrize("address", FORGED)
def test_a_forged_address_is_never_asked(site: ControlPlane, address: str) -> None:
    service(site, "forged", selector={"app": "chat"}, ports=PORTS)
    # the API server itself refuses some of them, and then there is none at all
    endpoints(site, "forged", endpoint(address), forged=True)
    with pytest.raises(NoBackend, match="no ready endpoint"):
        found(site, "forged")


@pytest.mark.parametrize(
    "one",
    [
        endpoint(ready=False),
        endpoint(name="gone"),
        endpoint(kind="Node"),
        endpoint("10.244.1.8", namespace=ELSEWHERE),
        endpoint("10.244.1.8"),
        {"addresses": [POD_IP], "conditions": {"ready": True}},
    ],
    ids=["not ready", "no such pod", "a node", "elsewhere", "of another pod", "of nothing"],
)
def test_an_endpoint_that_is_no_ready_pod_of_this_namespace_is_never_asked(
    site: ControlPlane, one: Json
) -> None:
    service(site, "strange", selector={"app": "chat"}, ports=PORTS)
    endpoints(site, "strange", one)
    with pytest.raises(NoBackend, match="no ready endpoint"):
        found(site, "strange")
