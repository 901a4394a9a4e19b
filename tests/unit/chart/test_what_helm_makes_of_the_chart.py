"""What `helm template` renders from each file of values, and what `helm lint` refuses."""

import argparse
import re
import shutil
from pathlib import Path

import pytest
import yaml

from goaround.runtime import app, flags
from goaround.runtime.config import Config, parse
from tests.charts import CHART, HOME, RELEASE, cases, helm, rendered

pytestmark = pytest.mark.usefixtures("helm_is_there")
each_case = pytest.mark.parametrize("case", cases())


@each_case
def test_helm_lint_finds_nothing(case: str) -> None:
    told = helm("lint", "--strict", str(CHART), f"--values={CHART / 'ci' / f'{case}-values.yaml'}")
    assert "1 chart(s) linted, 0 chart(s) failed" in told.stdout
    assert re.findall(r"\[(?:WARNING|ERROR)\].*", told.stdout) == []


@each_case
def test_every_object_says_whose_it_is(case: str) -> None:
    for body in rendered(ci=case).bodies:
        labels = body["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == "goaround"
        assert labels["app.kubernetes.io/instance"] == RELEASE
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["helm.sh/chart"].startswith("goaround-")


@each_case
def test_selectors_and_pods_know_no_version(case: str) -> None:
    stable = {f"app.kubernetes.io/{key}" for key in ("name", "instance", "component")}
    for body in rendered(ci=case).of_kind("Deployment", "StatefulSet"):
        chosen = body["spec"]["selector"]["matchLabels"]
        assert chosen.keys() == stable
        labels = body["spec"]["template"]["metadata"]["labels"]
        assert chosen.items() <= labels.items()
        assert not {"helm.sh/chart", "app.kubernetes.io/version"} & labels.keys()


@pytest.mark.parametrize(
    ("typo", "where"),
    [
        ("operator.replica=3", "/operator"),
        ("replicas=3", "replicas"),
        ("flags.pdb.enable=true", "/flags/pdb"),
        ("config.provider=x", "/config"),
        ("config.providers[0].uri=x", "/config/providers/0"),
        ("config.workers=0", "/config/workers"),
        ("image.digest=sha256:abc", "/image/digest"),
        ("logLevel=loud", "/logLevel"),
        ("operator.terminationGracePeriodSeconds=20", "/operator/terminationGracePeriodSeconds"),
        ("operator.tolerations[0].efect=NoSchedule", "/operator/tolerations/0"),
        ("networkPolicy.enabled=maybe", "/networkPolicy/enabled"),
    ],
)
def test_a_mistake_in_values_is_refused_and_its_place_is_named(typo: str, where: str) -> None:
    told = helm("template", str(CHART), f"--set={typo}", check=False)
    assert told.returncode != 0
    assert where in told.stderr


def test_an_api_server_that_is_too_old_is_refused() -> None:
    told = helm("template", str(CHART), "--kube-version=1.29.9", check=False)
    assert "requires kubeVersion: >=1.30.0-0" in told.stderr


@each_case
def test_both_servers_understand_their_arguments(case: str) -> None:
    made = rendered(ci=case)
    for component, module in (("operator", app), ("flags", flags)):
        container = made.server(component)
        assert container["command"] == ["python3", "-m", "goaround"]
        first, *arguments = container["args"]
        assert first == component
        parser = argparse.ArgumentParser(exit_on_error=False)
        module.add_arguments(parser)
        parser.parse_args(arguments)


@each_case
def test_the_operator_understands_its_file(case: str) -> None:
    maps = rendered(ci=case).of_kind("ConfigMap")
    (body,) = (body for body in maps if "goaround.yaml" in body["data"])
    text = body["data"]["goaround.yaml"]
    found = parse(yaml.safe_load(text), source="chart")
    if case == "everything":
        assert (found.workers, found.providers[0].max_bytes) == (16, 4 << 20)
        assert found.providers[0].labels.namespace == "kubernetes_namespace"
    if case == "default":
        assert found == Config()


def test_another_file_restarts_the_operator() -> None:
    sums = {
        rendered(*values).one("Deployment")["spec"]["template"]["metadata"]["annotations"][
            "goaround.dev/config-checksum"
        ]
        for values in ((), ("config.workers=4",))
    }
    assert len(sums) == 2


@pytest.mark.parametrize("case", ["default", "everything", "single"])
def test_the_operator_knows_the_address_of_every_flag_replica(case: str) -> None:
    made = rendered(ci=case)
    flags_set = made.one("StatefulSet")
    name, count = flags_set["metadata"]["name"], flags_set["spec"]["replicas"]
    governing = flags_set["spec"]["serviceName"]
    headless = made.one("Service", governing)["spec"]
    assert (headless["clusterIP"], headless["publishNotReadyAddresses"]) == ("None", True)
    told = [a.removeprefix("--flag-replica=") for a in made.server("operator")["args"]
            if a.startswith("--flag-replica=")]  # fmt: skip
    assert told == [f"http://{name}-{n}.{governing}.{HOME}.svc:8016" for n in range(count)]


def test_ports_are_those_that_the_servers_listen_on() -> None:
    made = rendered()
    ports = {p["name"]: p["containerPort"] for p in made.server("flags")["ports"]}
    assert ports == {
        "grpc": flags.GRPC_PORT,
        "metrics": flags.HTTP_PORT,
        "control": flags.CONTROL_PORT,
    }
    (metrics,) = made.server("operator")["ports"]
    parser = argparse.ArgumentParser()
    app.add_arguments(parser)
    assert metrics["containerPort"] == parser.parse_args([]).port


@pytest.mark.parametrize("component", ["operator", "flags"])
def test_probes_ask_what_is_served_and_a_stuck_process_is_found_in_30_seconds(
    component: str,
) -> None:
    container = rendered().server(component)
    assert container["startupProbe"]["httpGet"] == {"path": "/livez", "port": "metrics"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics"}
    live = container["livenessProbe"]
    assert live["httpGet"] == {"path": "/livez", "port": "metrics"}
    assert live["periodSeconds"] * live["failureThreshold"] <= 30


def test_a_pod_is_given_more_time_than_its_drain_takes() -> None:
    graces = {owner: pod["spec"].get("terminationGracePeriodSeconds")
              for owner, pod in rendered().pods()}  # fmt: skip
    assert graces[f"{RELEASE}-flags"] > flags.GRACE_SECONDS + 2
    assert graces[f"{RELEASE}-operator"] > 25


def test_a_digest_wins_over_a_tag() -> None:
    digest = "sha256:" + "ab" * 32
    made = rendered("image.repository=our/goaround", "image.tag=v1", f"image.digest={digest}")
    assert {pod["spec"]["containers"][0]["image"] for _, pod in made.pods()} == {
        f"our/goaround@{digest}"
    }
    assert rendered("image.tag=v7").server("flags")["image"] == "goaround:v7"


def test_the_flag_stream_is_tls_where_a_secret_is_named_and_plain_elsewhere() -> None:
    plain, sealed = rendered(), rendered("flags.tls.existingSecret=ours")
    assert "tls" not in str(plain.one("StatefulSet"))
    container, pod = sealed.server("flags"), sealed.one("StatefulSet")["spec"]["template"]["spec"]
    (mount,) = (m for m in container["volumeMounts"] if m["name"] == "tls")
    (volume,) = (v for v in pod["volumes"] if v["name"] == "tls")
    assert volume["secret"]["secretName"] == "ours"
    assert "subPath" not in mount
    for file in ("tls.crt", "tls.key"):
        assert any(arg.endswith(f"={mount['mountPath']}/{file}") for arg in container["args"])
    protocols = [made.one("Service", "-flags")["spec"]["ports"][0]["appProtocol"]
                 for made in (plain, sealed)]  # fmt: skip
    assert protocols == ["kubernetes.io/h2c", "https"]


def test_extras_are_off_until_they_are_asked_for() -> None:
    extras = ("NetworkPolicy", "ServiceMonitor", "PrometheusRule")
    assert rendered().of_kind(*extras) == []
    assert not any("dashboard" in b["metadata"]["name"] for b in rendered().bodies)
    made = rendered(ci="everything")
    assert len(made.of_kind("ServiceMonitor")) == 2
    boards = [b for b in made.of_kind("ConfigMap") if "dashboard" in b["metadata"]["name"]]
    assert {b["metadata"]["labels"]["grafana_dashboard"] for b in boards} == {"1"}
    assert len(boards) == 3


def test_monitors_find_a_port_by_the_labels_of_its_service_and_keep_our_namespace() -> None:
    made = rendered(ci="everything")
    for monitor in made.of_kind("ServiceMonitor"):
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["honorLabels"] is True
        found = [s for s in made.of_kind("Service") if wanted <= s["metadata"]["labels"].items()
                 for p in s["spec"]["ports"] if p["name"] == endpoint["port"]]  # fmt: skip
        assert len(found) == 1
        assert monitor["metadata"]["labels"]["release"] == "kube-prometheus-stack"


def test_alerts_are_taken_from_their_file(tmp_path: Path) -> None:
    copied = tmp_path / "goaround"
    shutil.copytree(CHART, copied)
    groups = {"groups": [{"name": "a", "rules": [{"alert": "B", "expr": "up == 0",
              "annotations": {"summary": "{{ $labels.pod }} is down"}}]}]}  # fmt: skip
    (copied / "files/alerts.yaml").write_text(yaml.safe_dump(groups))
    made = rendered("prometheusRule.enabled=true", chart=copied)
    assert made.one("PrometheusRule")["spec"] == groups


def test_the_test_of_a_release_asks_both_servers_with_our_own_image() -> None:
    made = rendered()
    (container,) = made.one("Pod")["spec"]["containers"]
    assert container["image"] == made.server("operator")["image"]
    script, *urls = container["args"]
    compile(script, "helm test", "exec")
    assert all(url.endswith("/readyz") for url in urls)
    assert len(urls) == 3


def blocks() -> list[str]:
    """The values that the page tells people to write."""
    page = (CHART.parents[1] / "docs/install.md").read_text(encoding="utf-8")
    return re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)


@pytest.mark.parametrize("number", range(3))
def test_the_values_on_the_page_about_installing_are_taken(number: int, tmp_path: Path) -> None:
    page = blocks()
    assert len(page) == 3
    written = tmp_path / "values.yaml"
    written.write_text(page[number])
    assert "kind: StatefulSet" in helm("template", str(CHART), f"--values={written}").stdout


def test_what_is_set_for_a_server_reaches_its_pods() -> None:
    wanted = yaml.safe_load((CHART / "ci/everything-values.yaml").read_text())
    for component, kind in (("operator", "Deployment"), ("flags", "StatefulSet")):
        its, owner = wanted[component], rendered(ci="everything").one(kind)
        pod = owner["spec"]["template"]
        (container,) = pod["spec"]["containers"]
        for name in ("nodeSelector", "tolerations", "affinity",
                     "priorityClassName"):  # fmt: skip
            assert pod["spec"][name] == its[name]
        assert pod["spec"]["imagePullSecrets"] == [{"name": "our-registry"}]
        assert owner["spec"]["replicas"] == its["replicas"]
        assert its["podLabels"].items() <= pod["metadata"]["labels"].items()
        assert its["podAnnotations"].items() <= pod["metadata"]["annotations"].items()
        for ours, theirs in (("extraEnv", container["env"]), ("extraArgs", container["args"]),
                             ("extraVolumeMounts", container["volumeMounts"]),
                             ("extraVolumes", pod["spec"]["volumes"])):  # fmt: skip
            assert all(one in theirs for one in its[ours])


@pytest.mark.parametrize("case", ["default", "everything"])
def test_spreading_is_about_the_pods_of_the_server(case: str) -> None:
    for owner in rendered(ci=case).of_kind("Deployment", "StatefulSet"):
        (spread,) = owner["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert spread["labelSelector"] == owner["spec"]["selector"]
        strict = spread["whenUnsatisfiable"] == "DoNotSchedule"
        assert strict is (case == "everything")


def test_a_disruption_takes_one_replica_at_a_time_unless_told_otherwise() -> None:
    budgets = rendered().of_kind("PodDisruptionBudget")
    assert {b["spec"]["maxUnavailable"] for b in budgets} == {1}
    assert len(budgets) == 2
    assert rendered(ci="single").of_kind("PodDisruptionBudget") == []
