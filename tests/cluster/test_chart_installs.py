"""The chart on the real API server: installed, upgraded in mid-ramp, rolled back, taken away.

Nothing runs pods here: the API server admits them (Pod Security is enforced by it), and operator
and flag replica run beside it with tokens of the chart's own service accounts.
"""

import asyncio
import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from goaround.api.base import Json
from goaround.api.kinds import FEATURES, SERVED
from goaround.api.reasons import Stage
from goaround.world.connect import load_api_client
from goaround.world.kube import KubeApi
from goaround.world.policies import guarded
from hack.controlplane import ControlPlane, ToolMissing, resolve
from tests.charts import CHART, HOME, RELEASE, helm, rendered
from tests.cluster.conftest import give_up
from tests.cluster.lease_kit import Airfield, airfield, told
from tests.cluster.operator_kit import Process, free_ports, process
from tests.cluster.operator_shop import Shop, a_feature

pytestmark = pytest.mark.cluster

CHAT, BETTER = "chat", "v42"
CRD = "aikillswitches.goaround.dev"
CRDS = {f"{served.kind.plural}.{served.kind.group}" for served in SERVED}
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
PROVIDER = ["config.providers[0].name=default", "config.providers[0].url=http://prometheus:9090"]


def ask_helm(plane: ControlPlane, folder: Path, *arguments: str, check: bool = True) -> str:
    """What Helm said, on both of its outputs."""
    homes = {f"HELM_{kind}_HOME": str(folder / kind) for kind in ("CACHE", "CONFIG", "DATA")}
    at = f"--kubeconfig={plane.kubeconfig}"
    done = helm(*arguments, at, check=check, env=dict(os.environ) | homes)
    return done.stdout + done.stderr


def restricted(plane: ControlPlane, namespace: str) -> None:
    """A namespace that admits restricted pods only."""
    plane.kubectl("create", "namespace", namespace)
    plane.kubectl("label", "namespace", namespace, RESTRICTED)


@dataclass(frozen=True, slots=True)
class Site:
    """A control plane to install into; Helm keeps its own files in `folder`."""

    field: Airfield
    folder: Path

    @property
    def plane(self) -> ControlPlane:
        return self.field.plane

    def helm(self, *arguments: str, check: bool = True) -> str:
        return ask_helm(self.plane, self.folder, *arguments, check=check)

    def crd(self) -> Json:
        found: Json = json.loads(self.plane.kubectl("get", "crd", CRD, "--output=json").stdout)
        return found

    def token(self) -> str:
        where = ["get", "secret", f"{RELEASE}-control", f"--namespace={HOME}", "--output=json"]
        return str(json.loads(self.plane.kubectl(*where).stdout)["data"]["token"])

    def account(self, name: str, namespace: str = HOME) -> Path:
        """A kubeconfig of a service account, as a pod of its would have."""
        ask = ["create", "token", name, f"--namespace={namespace}", "--duration=1h"]
        config = json.loads(self.plane.kubeconfig.read_text())
        config["users"][0]["user"] = {"token": self.plane.kubectl(*ask).stdout.strip()}
        path = self.folder / f"{namespace}-{name}.kubeconfig"
        path.write_text(json.dumps(config))
        return path

    def refused(self, name: str, namespace: str = HOME) -> set[str]:
        """What the API server refused to a service account; it must have asked for something."""
        assert self.plane.audit_log is not None
        user = f"system:serviceaccount:{namespace}:{name}"
        lines = map(json.loads, self.plane.audit_log.read_text().splitlines())
        mine = [line for line in lines if line["user"]["username"] == user]
        assert mine, f"{user} never asked for anything"
        return {f"{line['verb']} {line['objectRef']['resource']}" for line in mine
                if line.get("responseStatus", {}).get("code") == 403}  # fmt: skip


@pytest.fixture(scope="module")
def site(cluster_tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A release is installed, as NOTES.txt and docs/install.md tell."""
    try:
        resolve("helm")
    except ToolMissing as error:
        give_up(str(error))
    folder = Path(tmp_path_factory.mktemp("chart"))

    def install(plane: ControlPlane) -> None:
        restricted(plane, HOME)
        about = [RELEASE, str(CHART), f"--namespace={HOME}", f"--set={','.join(PROVIDER)}"]
        ask_helm(plane, folder, "install", *about)
        plane.wait_policy()

    with airfield(folder, install=install) as field:
        yield Site(field, folder)


async def vouched(kubeconfig: Path) -> str | None:
    """Why no sign-off would count, as the operator sees it; None when they do."""
    async with await load_api_client(str(kubeconfig)) as client:
        return (await guarded(KubeApi(client))).missing


def changed(folder: Path) -> Path:
    """The chart of a next version, whose CRD has one more column."""
    copied = folder / "next"
    shutil.copytree(CHART, copied)
    path = copied / "files/crds/goaround.dev_aikillswitches.yaml"
    body = yaml.safe_load(path.read_text())
    column = {"name": "Drill", "jsonPath": ".spec.drill", "type": "boolean"}
    body["spec"]["versions"][0]["additionalPrinterColumns"].append(column)
    path.write_text(yaml.safe_dump(body, sort_keys=False))
    return copied


def columns(site: Site) -> list[str]:
    return [c["name"] for c in site.crd()["spec"]["versions"][0]["additionalPrinterColumns"]]


def created(site: Site, pods: Iterable[Json]) -> str:
    """What the API server says to pods like these: "" when all are admitted."""
    bodies = [
        {"apiVersion": "v1", "kind": "Pod", "spec": pod["spec"]}
        | {"metadata": {**pod["metadata"], "name": f"probe-{number}", "namespace": HOME}}
        for number, pod in enumerate(pods)
    ]
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies})
    tried = ["create", "--dry-run=server", "--filename=-"]
    done = site.plane.kubectl(*tried, stdin=listed, check=False)
    return done.stderr.strip() if done.returncode else ""


def test_every_pod_of_the_chart_is_admitted_where_pods_are_restricted(site: Site) -> None:
    pods = [pod for case in ("default", "everything") for _, pod in rendered(ci=case).pods()]
    assert len(pods) == 6
    assert created(site, pods) == ""
    loose = [pod | {"spec": pod["spec"] | {"securityContext": {}}} for pod in pods]
    assert created(site, loose).count("violates PodSecurity") == len(pods)


def test_every_field_of_every_object_is_one_that_the_api_server_knows(site: Site) -> None:
    """Strictly, which Helm does not ask for; monitors are left out, whose kinds are not here."""
    foreign = {"ServiceMonitor", "PrometheusRule", "CustomResourceDefinition"}
    bodies = [b for b in rendered(ci="everything").bodies if b["kind"] not in foreign]
    assert len(bodies) > 40
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies})
    told = site.plane.kubectl(
        *("apply", "--server-side", "--force-conflicts", "--dry-run=server"),
        *("--validate=strict", "--filename=-", "--output=name"),
        stdin=listed,
        check=False,
    )
    assert told.stderr == ""
    assert len(told.stdout.splitlines()) == len(bodies)


def servers(
    site: Site, stack: ExitStack, account: str, home: str, *more: str
) -> tuple[Process, Process]:
    """Operator and flag replica, each with the token of its service account."""
    grpc, http, control = free_ports(f"chart-{home}", 3)
    token = site.folder / "token"
    token.write_bytes(base64.b64decode(site.token()))
    flags = stack.enter_context(
        process(
            replace(site.plane, kubeconfig=site.account(f"{account}-flags", home)),
            site.folder / f"{home}-flags.log",
            http,
            *("flags", "--host=127.0.0.1", f"--port={grpc}", f"--http-port={http}"),
            *(f"--control-port={control}", f"--control-token-file={token}", *more),
        )
    )
    operator = stack.enter_context(
        site.field.operator(
            home,
            *(f"--own-namespace={home}", f"--flag-replica={flags.url}"),
            *(f"--control-token-file={token}", *more),
            kubeconfig=site.account(f"{account}-operator", home),
        )
    )
    flags.until_ready()
    return operator, flags


def fly(shop: Shop) -> None:
    """To the middle of a ramp."""
    shop.apply(a_feature(CHAT))
    shop.until_live(CHAT)
    shop.ask_for(CHAT, BETTER)
    shop.until_stage(CHAT, Stage.RAMPING)


def asked_as_helm_test_does(*servers: Process) -> None:
    """What the pod of `helm test` runs, against the addresses that there are here."""
    (container,) = rendered().one("Pod")["spec"]["containers"]
    urls = [f"{server.url}/readyz" for server in servers]
    argv = [sys.executable, "-c", container["args"][0], *urls]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == [f"ready: {url}" for url in urls]


def test_an_upgrade_in_mid_ramp_changes_crds_and_loses_nothing(site: Site) -> None:
    before, token = columns(site), site.token()
    shop = site.field.shop()
    with ExitStack() as stack:
        operator, flags = servers(site, stack, RELEASE, HOME)
        fly(shop)
        asked_as_helm_test_does(operator, flags)
        upgrade = ["upgrade", RELEASE, str(changed(site.folder)), f"--namespace={HOME}"]
        site.helm(*upgrade, "--reuse-values", "--set=operator.replicas=3")
        assert columns(site) == [*before, "Drill"]
        shop.until_live(CHAT, BETTER)
        assert shop.told(CHAT, last="Promoted").count("RolloutStarted") == 1
        assert told(operator, "lease given up") == []
    assert asyncio.run(vouched(site.account(f"{RELEASE}-operator"))) is None
    for account in ("operator", "flags"):
        assert site.refused(f"{RELEASE}-{account}") == set()
    assert site.token() == token
    site.helm("rollback", RELEASE, "1", f"--namespace={HOME}")
    assert columns(site) == before
    assert site.token() == token
    assert shop.feature(CHAT).status.stage is Stage.LIVE


def test_in_one_namespace_a_feature_flies_with_the_rights_of_that_namespace(site: Site) -> None:
    shop, home = site.field.shop(), "one-system"
    restricted(site.plane, home)
    ours = ["crds.install=false", "policies.install=false", "roles.create=false"]
    wanted = [*ours, *PROVIDER, f"watchNamespace={shop.namespace}"]
    site.helm("install", "one", str(CHART), f"--namespace={home}", f"--set={','.join(wanted)}")
    with ExitStack() as stack:
        servers(site, stack, "one-goaround", home, f"--namespace={shop.namespace}")
        fly(shop)
    for account in ("operator", "flags"):
        assert site.refused(f"one-goaround-{account}", home) == set()
    site.helm("uninstall", "one", f"--namespace={home}")


def test_what_people_wrote_outlives_the_chart_which_comes_back(site: Site) -> None:
    shop = site.field.shop()
    shop.apply(a_feature(CHAT))
    site.helm("uninstall", RELEASE, f"--namespace={HOME}")
    left = site.plane.kubectl("get", "crd", "--output=name").stdout
    assert all(name in left for name in CRDS)
    assert shop.get(FEATURES, CHAT) is not None
    for kind in ("validatingadmissionpolicies", "mutatingadmissionpolicies", "clusterroles"):
        found = site.plane.kubectl("get", kind, "--output=name").stdout.splitlines()
        assert [name for name in found if "/goaround-" in name] == []
    again, other = ([*words, str(CHART), f"--namespace={HOME}"] for words in
                    (["install", RELEASE], ["install", "other"]))  # fmt: skip
    site.helm(*again)
    assert "cannot be imported" in site.helm(*other, check=False)
    site.helm("uninstall", RELEASE, f"--namespace={HOME}")
    site.helm(*other, "--take-ownership")
    assert site.crd()["metadata"]["annotations"]["meta.helm.sh/release-name"] == "other"
    assert shop.get(FEATURES, CHAT) is not None
