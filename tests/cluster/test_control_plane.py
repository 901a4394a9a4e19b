"""What every other test on the real control plane relies on."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hack.controlplane import ControlPlane, KubectlError, ToolMissing, apply_crds, resolve
from hack.controlplane.binaries import architecture, cached
from hack.controlplane.tools import catalogue

ROOT = Path(__file__).resolve().parents[2]
WAIT_SECONDS = 30.0

OWNER = """
import json, sys, time
from hack.controlplane import control_plane
with control_plane(prometheus=True) as cp:
    print(json.dumps({"data": str(cp.data), "pids": dict(cp.pids)}), flush=True)
    time.sleep(120)
"""

# Stands in for the Go compiler: notes each call, takes its time, and "links" a shell script.
FAKE_GO = """#!/bin/sh
echo "$@" >> "$GO_CALLS"
while [ "$1" != "-o" ]; do shift; done
sleep 0.5
printf '#!/bin/sh\\necho built\\n' > "$2"
"""

CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gliders.tests.goaround.local}
spec:
  group: tests.goaround.local
  scope: Namespaced
  names: {plural: gliders, singular: glider, kind: Glider}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object}}
"""

POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-such-name}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], resources: [configmaps], operations: [CREATE]}
  validations:
    - {expression: "object.metadata.name != 'refused'", message: this name is refused}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-such-name}
spec: {policyName: no-such-name, validationActions: [Deny]}
"""


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    # A zombie does nothing any more; when it is reaped is the business of process 1.
    return stat.rpartition(")")[2].split()[0] != "Z"


def all_gone(pids: dict[str, int]) -> bool:
    return not any(is_alive(pid) for pid in pids.values())


def query(plane: ControlPlane, expression: str) -> list[dict[str, Any]]:
    address = f"{plane.prometheus}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    with urllib.request.urlopen(address, timeout=10) as response:
        found: list[dict[str, Any]] = json.load(response)["data"]["result"]
    return found


@contextmanager
def exporter(text: str) -> Iterator[str]:
    """A scrape target that always says `text`; its `host:port`."""

    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Metrics) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def owner_of_a_plane(
    tmp_path: Path,
) -> Iterator[tuple[subprocess.Popen[str], Path, dict[str, int]]]:
    """Another process that holds a control plane: its handle, the data directory, all pids."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        try:
            assert owner.stdout is not None
            told = json.loads(owner.stdout.readline())
            yield owner, Path(told["data"]), told["pids"]
        finally:
            owner.kill()


def test_the_administrator_may_do_everything(plane: ControlPlane) -> None:
    assert plane.kubectl("auth", "can-i", "*", "*", "--all-namespaces").stdout.strip() == "yes"


def test_an_unknown_user_is_forbidden(plane: ControlPlane) -> None:
    stranger = plane.user_kubeconfig("stranger")
    answer = plane.kubectl("get", "namespaces", kubeconfig=stranger, check=False)
    assert answer.returncode != 0
    assert "Forbidden" in answer.stderr


def test_a_user_is_known_by_name_and_groups(plane: ControlPlane) -> None:
    alice = plane.user_kubeconfig("alice/ops", ["release managers", "on-call"])
    answer = plane.kubectl("auth", "whoami", "--output=json", kubeconfig=alice)
    info = json.loads(answer.stdout)["status"]["userInfo"]
    assert info["username"] == "alice/ops"
    assert set(info["groups"]) == {"release managers", "on-call", "system:authenticated"}


def test_a_service_account_gets_a_token(plane: ControlPlane) -> None:
    plane.kubectl("create", "serviceaccount", "robot")
    token = plane.kubectl("create", "token", "robot").stdout.strip()
    assert token.count(".") == 2


def test_a_failing_kubectl_tells_why(plane: ControlPlane) -> None:
    with pytest.raises(KubectlError, match="NotFound"):
        plane.kubectl("get", "namespace", "nowhere")


def test_prometheus_scrapes_the_targets_that_were_set(plane: ControlPlane) -> None:
    with exporter("landings_total 7\n") as target:
        plane.set_targets([target], {"airport": "XYZ"})
        assert eventually(lambda: bool(query(plane, 'landings_total{airport="XYZ"}')))
        (series,) = query(plane, "landings_total")
        assert series["metric"]["job"] == "apps"
        assert series["value"][1] == "7"
        plane.set_targets([])
        assert eventually(lambda: not query(plane, "landings_total"))


def test_a_fresh_crd_can_be_listed_at_once(plane: ControlPlane, tmp_path: Path) -> None:
    file = tmp_path / "crd.yaml"
    file.write_text(CRD, encoding="utf-8")
    apply_crds(plane, [file])
    assert plane.kubectl("get", "gliders", "--all-namespaces").returncode == 0


def test_a_policy_is_enforced_once_it_was_waited_for(plane: ControlPlane) -> None:
    plane.kubectl("apply", "--filename=-", stdin=POLICY)
    try:
        plane.wait_policy()
        answer = plane.kubectl("create", "configmap", "refused", check=False)
        assert "this name is refused" in answer.stderr
    finally:
        plane.kubectl("delete", "--filename=-", stdin=POLICY)


@pytest.mark.cluster
def test_everything_dies_with_a_killed_owner(cluster_tools: None, tmp_path: Path) -> None:
    with owner_of_a_plane(tmp_path) as (owner, data, pids):
        assert all(is_alive(pid) for pid in pids.values())
        assert set(pids) == {"supervisor", "etcd", "kube-apiserver", "prometheus"}
        os.kill(owner.pid, signal.SIGKILL)
        assert eventually(lambda: all_gone(pids))
        assert eventually(lambda: not data.exists())


@pytest.mark.cluster
def test_every_server_dies_with_a_killed_supervisor(cluster_tools: None, tmp_path: Path) -> None:
    with owner_of_a_plane(tmp_path) as (_, _, pids):
        os.kill(pids["supervisor"], signal.SIGKILL)
        assert eventually(lambda: all_gone(pids))


@pytest.mark.cluster
def test_the_command_starts_one_plane_and_stops_it(cluster_tools: None, tmp_path: Path) -> None:
    def cluster(*args: str) -> str:
        env = {**os.environ, "GOAROUND_CLUSTER": str(tmp_path / "state")}
        command = [sys.executable, str(ROOT / "hack" / "cluster"), *args]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout

    try:
        assert "kubeconfig: " in cluster("up", "--no-prometheus", "--hours=0.1")
        assert cluster("up", "--no-prometheus").startswith("already running")
        script = cluster("env") + "kubectl get --raw /readyz"
        ready = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
        assert ready.stdout == "ok"
    finally:
        assert cluster("down") == "stopped\n"
    assert cluster("down") == "not running\n"


@pytest.fixture
def no_tools(tmp_path: Path) -> dict[str, str]:
    """An environment with the shell's own programs only, and an empty cache."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "sleep"):
        (programs / name).symlink_to(f"/bin/{name}")
    return {"PATH": str(programs), "GOAROUND_CACHE": str(tmp_path / "cache")}


def write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def test_two_concurrent_callers_share_one_build(no_tools: dict[str, str], tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    write_program(tmp_path / "bin" / "go", FAKE_GO)
    env = {**no_tools, "GO_CALLS": str(calls)}
    callers = [
        subprocess.Popen(
            [sys.executable, ROOT / "hack" / "cluster", "tools", "etcd"],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    answers = [caller.communicate(timeout=WAIT_SECONDS) for caller in callers]
    assert [caller.returncode for caller in callers] == [0, 0], answers
    assert {out.strip() for out, _ in answers} == {str(cached(catalogue()["etcd"], env))}
    assert len(calls.read_text(encoding="utf-8").splitlines()) == 1
    assert sum("building etcd" in err for _, err in answers) == 1


def test_a_failed_build_leaves_nothing_behind(no_tools: dict[str, str], tmp_path: Path) -> None:
    write_program(tmp_path / "bin" / "go", "#!/bin/sh\necho out of fuel >&2\nexit 1\n")
    with pytest.raises(ToolMissing, match="out of fuel"):
        resolve("etcd", no_tools)
    assert not [path for path in (tmp_path / "cache" / "etcd").rglob("*") if path.name == "etcd"]


def test_a_missing_tool_is_named_with_where_it_was_sought_and_what_to_do(
    no_tools: dict[str, str],
) -> None:
    with pytest.raises(ToolMissing) as error:
        resolve("kube-apiserver", no_tools)
    text = str(error.value)
    assert text.startswith("kube-apiserver ≥ 1.30.0 is not at hand")
    for place in ("KUBEBUILDER_ASSETS", "PATH", no_tools["GOAROUND_CACHE"], "GOAROUND_RELEASES"):
        assert place in text
    assert "no `go` on PATH" in text
    assert "install Go" in text


def test_a_program_that_is_too_old_is_passed_over(no_tools: dict[str, str], tmp_path: Path) -> None:
    write_program(tmp_path / "bin" / "etcd", "#!/bin/sh\necho etcd Version: 3.4.23\n")
    with pytest.raises(ToolMissing, match=r"3\.4\.23, older than 3\.6\.0"):
        resolve("etcd", no_tools)


def test_the_assets_folder_goes_before_path_and_path_before_the_cache(
    no_tools: dict[str, str], tmp_path: Path
) -> None:
    script = "#!/bin/sh\necho etcd Version: 3.6.1\n"
    write_program(cached(catalogue()["etcd"], no_tools), script)
    assert resolve("etcd", no_tools) == cached(catalogue()["etcd"], no_tools)
    write_program(tmp_path / "bin" / "etcd", script)
    assert resolve("etcd", no_tools) == tmp_path / "bin" / "etcd"
    write_program(tmp_path / "assets" / "etcd", script)
    env = {**no_tools, "KUBEBUILDER_ASSETS": str(tmp_path / "assets")}
    assert resolve("etcd", env) == tmp_path / "assets" / "etcd"


def test_a_download_is_used_only_with_the_right_checksum(
    no_tools: dict[str, str], tmp_path: Path
) -> None:
    tool = catalogue()["etcd"]
    mirror = tmp_path / "mirror"
    release = mirror / f"etcd-{tool.version}-linux-{architecture()}"
    write_program(release, "#!/bin/sh\n")
    checksum = Path(f"{release}.sha256")
    checksum.write_text("00\n", encoding="ascii")
    env = {**no_tools, "GOAROUND_RELEASES": mirror.as_uri()}
    with pytest.raises(ToolMissing, match="does not match"):
        resolve("etcd", env)
    checksum.write_text(
        f"{hashlib.sha256(release.read_bytes()).hexdigest()}  etcd\n", encoding="ascii"
    )
    assert resolve("etcd", env).read_text(encoding="utf-8") == "#!/bin/sh\n"


def test_programs_of_kubernetes_are_found_where_its_official_releases_have_them(
    no_tools: dict[str, str], tmp_path: Path
) -> None:
    """On a copy of that layout: the real place is not asked by any test."""
    tool = catalogue()["kubectl"]
    release = tmp_path / "official" / f"v{tool.version}" / "bin" / "linux" / architecture()
    release.mkdir(parents=True)
    write_program(release / "kubectl", "#!/bin/sh\n")
    digest = hashlib.sha256((release / "kubectl").read_bytes()).hexdigest()
    (release / "kubectl.sha256").write_text(digest, encoding="ascii")
    env = {**no_tools, "GOAROUND_RELEASES": (tmp_path / "official").as_uri()}
    assert resolve("kubectl", env).read_text(encoding="utf-8") == "#!/bin/sh\n"
