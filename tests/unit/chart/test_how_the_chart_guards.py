"""How the chart guards: rights, policies, pods, networks, tokens, and what its notes admit."""

import shutil
from pathlib import Path

import pytest
import yaml

from goaround.api.base import Json
from goaround.api.crd import crd
from goaround.api.kinds import SERVED
from goaround.runtime.flag_rights import FLAG_NEEDS
from goaround.runtime.selfcheck import needs, rules
from tests.charts import CHART, HOME, RELEASE, Rendered, cases, helm, rendered

pytestmark = pytest.mark.usefixtures("helm_is_there")
each_case = pytest.mark.parametrize("case", cases())

KEEP = "helm.sh/resource-policy"
STAMPS = {"goaround-author-stamp", "goaround-signoff-stamp"}


@each_case
def test_every_pod_is_restricted(case: str) -> None:
    for owner, pod in rendered(ci=case).pods():
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, owner
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in spec["containers"]:
            guarded = container["securityContext"]
            assert guarded["allowPrivilegeEscalation"] is False
            assert guarded["readOnlyRootFilesystem"] is True
            assert guarded["capabilities"] == {"drop": ["ALL"]}
            assert {"requests", "limits"} <= container["resources"].keys()


@each_case
def test_a_token_of_the_api_server_is_mounted_only_where_it_is_used(case: str) -> None:
    made = rendered(ci=case)
    assert {a["automountServiceAccountToken"] for a in made.of_kind("ServiceAccount")} == {False}
    mounted = {owner.rpartition("-")[2]: pod["spec"]["automountServiceAccountToken"]
               for owner, pod in made.pods()}  # fmt: skip
    assert mounted == {"operator": True, "flags": True, "test": False}


def test_a_token_of_ones_own_is_used_and_none_is_made() -> None:
    made = rendered(ci="namespaced")
    assert made.of_kind("Secret") == []
    for _, pod in made.pods():
        for volume in pod["spec"].get("volumes", []):
            assert volume.get("secret", {}).get("secretName", "our-token") == "our-token"
    assert "--control-token-file=/etc/goaround-control/bearer" in made.server("flags")["args"]


def test_closed_networks_leave_open_what_is_needed_and_nothing_more() -> None:
    made = rendered(ci="everything")
    for component, ports in (("operator", {8080}), ("flags", {8015, 8016, 8017})):
        policy = made.one("NetworkPolicy", f"-{component}")["spec"]
        assert policy["policyTypes"] == ["Ingress", "Egress"]
        assert {p["port"] for rule in policy["ingress"] for p in rule["ports"]} == ports
        assert all(rule["from"] for rule in policy["ingress"])
    control = [rule["from"] for rule in made.one("NetworkPolicy", "-flags")["spec"]["ingress"]
               if 8017 in [p["port"] for p in rule["ports"]]]  # fmt: skip
    ((only,),) = control
    assert only["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "operator"
    out = made.one("NetworkPolicy", "-operator")["spec"]["egress"]
    asked = {p["port"] for rule in out if "to" not in rule for p in rule["ports"]}
    assert asked == {53, 443, 10902, 8000}


def granted(made: Rendered, component: str) -> dict[str, list[Json]]:
    """Rules bound to a server's account, by namespace; "" is everywhere."""
    account = f"{RELEASE}-{component}"
    roles = {(r["kind"], r["metadata"].get("namespace", ""), r["metadata"]["name"]): r["rules"]
             for r in made.of_kind("Role", "ClusterRole")}  # fmt: skip
    found: dict[str, list[Json]] = {}
    for binding in made.of_kind("RoleBinding", "ClusterRoleBinding"):
        if binding["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": HOME}]:
            place, ref = binding["metadata"].get("namespace", ""), binding["roleRef"]
            found.setdefault(place, []).extend(roles[ref["kind"], place, ref["name"]])
    return found


def test_operator_and_flags_are_granted_their_tables_in_all_namespaces() -> None:
    made, table = rendered(), list(needs("goaround"))
    away = [n for n in table if not (n.at_home or n.everywhere)]
    assert granted(made, "operator") == {
        "": rules(away) + rules([n for n in table if n.everywhere]),
        HOME: rules([n for n in table if n.at_home]),
    }
    assert granted(made, "flags") == {"": rules(FLAG_NEEDS)}


def test_in_one_namespace_rights_are_granted_there_and_the_lease_is_its_own() -> None:
    made, table = rendered(ci="namespaced"), list(needs("goaround.shop"))
    assert granted(made, "operator") == {
        "shop": rules([n for n in table if not (n.at_home or n.everywhere)]),
        HOME: rules([n for n in table if n.at_home]),
        "": rules([n for n in table if n.everywhere]),
    }
    assert granted(made, "flags") == {"shop": rules(FLAG_NEEDS)}
    (reads,) = made.of_kind("ClusterRole")
    assert {r for rule in reads["rules"] for r in rule["resources"]} == {
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
    }


def test_crds_are_those_of_the_code_and_stay_when_the_chart_goes() -> None:
    found = {body["metadata"]["name"]: body for body in
             rendered().of_kind("CustomResourceDefinition")}  # fmt: skip
    for served in SERVED:
        body = found.pop(f"{served.kind.plural}.{served.kind.group}")
        assert body["spec"] == crd(served)["spec"]
        assert body["metadata"]["annotations"] == {KEEP: "keep"}
    assert found == {}


def test_crds_may_go_with_the_chart_or_be_left_to_others() -> None:
    for body in rendered(ci="everything").of_kind("CustomResourceDefinition"):
        assert KEEP not in body["metadata"].get("annotations", {})
    assert rendered(ci="namespaced").of_kind("CustomResourceDefinition") == []


def shipped() -> set[str]:
    paths = (CHART.parents[1] / "crds" / "policies").glob("*.yaml")
    return {f"goaround-{path.stem}" for path in paths}


def policies(made: Rendered) -> set[str]:
    bodies = made.of_kind("ValidatingAdmissionPolicy", "MutatingAdmissionPolicy")
    return {body["metadata"]["name"] for body in bodies}


def test_policies_that_stamp_are_left_out_where_the_api_server_has_none() -> None:
    assert policies(rendered()) == shipped()
    assert policies(rendered(kube="1.35.9")) == shipped() - STAMPS
    assert policies(rendered(ci="namespaced")) == set()


def test_policies_are_rendered_as_they_were_shipped() -> None:
    made = {(body["kind"], body["metadata"]["name"]): body["spec"] for body in rendered().bodies
            if "Admission" in body["kind"]}  # fmt: skip
    for path in (CHART.parents[1] / "crds" / "policies").glob("*.yaml"):
        for body in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            assert made.pop((body["kind"], body["metadata"]["name"])) == body["spec"]
    assert made == {}


def notes(folder: Path, *values: str, kube: str = "1.36.0") -> str:
    """NOTES.txt of a release, which `helm template` does not print."""
    copied = folder / "goaround"
    shutil.copytree(CHART, copied, dirs_exist_ok=True)
    (copied / "files/notes").write_text((CHART / "templates/NOTES.txt").read_text())
    text = '{{ tpl (.Files.Get "files/notes") . | nindent 2 }}'
    (copied / "templates/told.yaml").write_text(f"kind: Notes\ntext: |\n{text}\n")
    about = [str(copied), f"--kube-version={kube}", "--show-only=templates/told.yaml"]
    told = helm("template", RELEASE, *about, *(f"--set={v}" for v in values)).stdout
    found: str = yaml.safe_load(told)["text"]
    return found


def test_notes_tell_the_next_commands_and_what_is_missing(tmp_path: Path) -> None:
    told = notes(tmp_path, "crds.keep=false", "flags.replicas=1", kube="1.35.0")
    for said in ("helm test", "create rolebinding", "kubectl apply", "no TLS", "older than 1.36"):
        assert said in told
    assert "No metrics provider" in told
    assert "crds.keep is false" in told
    assert "One flag replica" in told


def test_notes_do_not_warn_of_what_is_there(tmp_path: Path) -> None:
    told = notes(tmp_path, "config.providers[0].name=a", "config.providers[0].url=http://b")
    for said in ("older than 1.36", "No metrics provider", "not installed", "One "):
        assert said not in told
    assert "no TLS" not in notes(tmp_path / "sealed", "flags.tls.existingSecret=ours")


@each_case
def test_the_operator_may_operate_before_the_policy_on_status_is_made(case: str) -> None:
    """Helm installs in the order in which it renders."""
    bodies = rendered(ci=case).bodies
    bound = [at for at, b in enumerate(bodies) if b["kind"].endswith("RoleBinding")]
    enforced = [at for at, b in enumerate(bodies) if b["metadata"]["name"] == "goaround-status"]
    assert max(bound) < min(enforced, default=len(bodies))
