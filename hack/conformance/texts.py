"""Single facts that need no tests of their own: rows B1, B13, C7, C9, E10, E14, G1, G2, H3, H5, H6
and H7.

It reads schemas, renders, and asks tools; it decides nothing about what a row means.
"""

import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import yaml
from prometheus_client import generate_latest

from goaround.delivery.flagmetrics import FlagMetrics
from goaround.delivery.flagstate import FlagState
from goaround.delivery.streams import Streams
from goaround.runtime.metrics import Metrics
from hack.conformance.row import CannotRun, require
from hack.conformance.schema import fields
from hack.conformance.site import Site, documents, run
from hack.controlplane import control_plane

CONDITION = {"type", "status", "observedGeneration", "lastTransitionTime", "reason", "message"}
REQUIRED = {"type", "status", "lastTransitionTime", "reason", "message"}
PROJECT = ("LICENSE", "CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "GOVERNANCE.md", "CHANGELOG.md",
           "ROADMAP.md", "SECURITY.md")  # fmt: skip
INSIGHTS = ("SECURITY-INSIGHTS.yml", ".github/security-insights.yml")
WANTED = (
    *(
        "goaround_build_info",
        "goaround_passes_total",
        "goaround_pass_seconds",
        "goaround_queue_depth",
    ),
    *("goaround_lease_held", "goaround_status_writes_total", "goaround_feature_weight_percent"),
    *("goaround_feature_stage", "goaround_signal_e_value", "goaround_provider_up"),
    *("goaround_kill_switch_last_exercised_timestamp_seconds", "goaround_incident_open"),
)


def standard_conditions(site: Site) -> str:
    """B1: conditions have the six fields of metav1.Condition, and a reason that is a word."""
    lists = [(path, f) for path, f in fields(site) if path.endswith(".status.conditions")]
    for path, field in lists:
        item = field["items"]
        require(item["properties"].keys() == CONDITION, f"{path}: {sorted(item['properties'])}")
        require(set(item["required"]) >= REQUIRED, f"{path} requires {item['required']}")
        require(field["x-kubernetes-list-map-keys"] == ["type"], f"{path} is no map by type")
        pattern = item["properties"]["reason"].get("pattern", "")
        require(item["properties"]["reason"].get("minLength") or pattern, f"{path}: empty reasons")
    return f"{len(lists)} lists of conditions have the six fields, by type, with a reason each"


def kustomized(site: Site) -> str:
    """C9: the install bundle renders to what is in it."""
    made = site.plane.kubectl("kustomize", str(site.root / "crds")).stdout
    bodies = [body for body in yaml.safe_load_all(made) if body]
    kept = [body for path in (site.root / "crds").rglob("*.yaml") if path.stem != "kustomization"
            for body in yaml.safe_load_all(path.read_text("utf-8")) if body]  # fmt: skip
    require(len(bodies) == len(kept), f"{len(bodies)} objects of {len(kept)}")
    return f"kubectl kustomize crds: {len(bodies)} objects"


def no_receiver(site: Site) -> str:
    """E10: nothing takes alerts, so that nothing can be flooded or spoofed."""
    done = run([sys.executable, "-m", "goaround", "intake"], site.root)
    require(done.returncode == 2 and "intake" in done.stderr, f"goaround intake: {done.stderr}")
    raise CannotRun("there is no alert receiver: incidents are opened by people and by evidence")


def metrics(site: Site) -> str:
    """G1: Prometheus' own word on our pages."""
    state = FlagState(
        [], on_change=lambda *_: None, on_listed=lambda: None, on_problem=lambda _: None
    )
    flags = FlagMetrics(state, Streams(1)).text()
    for name, page in (("operator", generate_latest(Metrics().registry)), ("flags", flags)):
        done = site.tool("promtool", "check", "metrics", stdin=page.decode())
        require(done.returncode == 0, f"{name}: {done.stdout}{done.stderr}")
    return "promtool check metrics: nothing, for operator and flag server"


def figures(site: Site) -> str:
    """G2: what must be there."""
    page = generate_latest(Metrics().registry).decode()
    lacking = [name for name in WANTED if f"# HELP {name} " not in page]
    require(not lacking, f"no {', '.join(lacking)}")
    return f"{len(WANTED)} named metrics are exported"


def workflows(site: Site) -> str:
    """H3: an auditor of workflows, where it is installed; it asks nothing of any network."""
    found = shutil.which("zizmor", path=str(Path(sys.executable).parent)) or shutil.which("zizmor")
    if found is None:
        raise CannotRun("zizmor is not installed")
    done = run([found, "--offline", "--no-progress", ".github"], site.root)
    require(done.returncode == 0, done.stdout + done.stderr)
    return "zizmor --offline: nothing"


def plugin(site: Site) -> str:
    """B13: kubectl finds the plugin under its name, and warns of nothing."""
    scripts = Path(sys.executable).parent
    found = run([str(site.plane.binaries["kubectl"]), "plugin", "list"], site.root, path=scripts)
    said = found.stdout + found.stderr
    require(str(scripts / "kubectl-goaround") in said, f"kubectl plugin list: {said}")
    require("warning" not in said.lower(), said)
    return "kubectl plugin list: kubectl-goaround, no warning"


def applied_twice(site: Site) -> str:
    """C7: on a server that knows nothing of us, the whole bundle is there after the second time."""
    bundle = ["apply", "--server-side", f"--kustomize={site.root / 'crds'}", "--output=name"]
    with control_plane(prometheus=False) as fresh:
        first, second = (fresh.kubectl(*bundle, check=False) for _ in range(2))
    require(second.returncode == 0, second.stderr)
    times = "once" if first.returncode == 0 else "twice"
    return f"kubectl apply -k crds, {times}: {len(second.stdout.splitlines())} objects are there"


def _there(site: Site, names: Iterable[str]) -> str:
    """Each file is there and has something to say."""
    lacking = [name for name in names if not _long(site.root / name)]
    require(not lacking, f"no {', '.join(lacking)}")
    return ", ".join(names)


def _long(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 200


def project(site: Site) -> str:
    """H5: the files that a project has."""
    insights = next((name for name in INSIGHTS if (site.root / name).is_file()), INSIGHTS[0])
    return _there(site, (*PROJECT, insights))


def security(site: Site) -> str:
    """E14: whom to tell, and the model of threats."""
    return _there(site, ("SECURITY.md", "docs/security.md"))


def upgrade_notes(site: Site) -> str:
    """H6: the pages beside the reference."""
    return _there(site, ("docs/upgrade.md", "docs/reference.md", "docs/troubleshooting.md"))


def krew(site: Site) -> str:
    """H7: the manifest names archives of a release, whose checksums nobody knows before it."""
    found = [*site.root.glob("hack/**/*krew*.y*ml"), *site.root.glob(".krew.y*ml")]
    if not found:
        raise CannotRun("no release was made, so that no manifest can have checksums")
    (body,) = documents(found[0])
    require(body["kind"] == "Plugin", f"{found[0].name} is no Plugin")
    sums = [one.get("sha256", "") for one in body["spec"]["platforms"]]
    if not all(re.fullmatch("[0-9a-f]{64}", one) for one in sums):
        raise CannotRun(f"{found[0].name} waits for the checksums of a release")
    return f"{len(sums)} platforms, each with a sha256"
