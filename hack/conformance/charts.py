"""Helm's own word on the chart: rows D1, D2, D4, D11, D15, D17, D18.

It lints, renders and packages; what an API server makes of it is asked by a strict dry run, and
what an installation does by the tests that the table names.
"""

import json
import sys
from typing import Any

import yaml

from hack.conformance.row import require
from hack.conformance.site import Json, Site, run

CHART = "charts/goaround"
FOREIGN = {"ServiceMonitor", "PrometheusRule"}
ANNOTATIONS = ("category", "license", "operator", "operatorCapabilities", "images", "changes",
               "crds", "crdsExamples")  # fmt: skip


def linted(site: Site) -> str:
    """D1: no warning, and nothing that is only recommended either."""
    done = site.tool("helm", "lint", "--strict", CHART)
    require(done.returncode == 0, done.stdout + done.stderr)
    loud = [line for line in done.stdout.splitlines() if line.startswith("[")]
    require(not loud, "; ".join(loud))
    return "helm lint --strict: nothing"


def told(site: Site) -> str:
    """D1: what Chart.yaml has."""
    about = _about(site)
    lacking = [
        key for key in ("kubeVersion", "icon", "maintainers", "keywords") if not about.get(key)
    ]
    require(not lacking, f"Chart.yaml has no {', '.join(lacking)}")
    require(about["apiVersion"] == "v2", "apiVersion is not v2")
    require(about["kubeVersion"] == ">=1.30.0-0", f"kubeVersion {about['kubeVersion']}")
    return "apiVersion, kubeVersion, icon, maintainers, keywords"


def closed(site: Site) -> str:
    """D2: a misspelt value."""
    for command in (["lint", CHART], ["template", "x", CHART]):
        done = site.tool("helm", *command, "--set=operator.replica=3")
        said = done.stdout + done.stderr
        require(done.returncode != 0 and "/operator" in said and "replica" in said, said)
    return "operator.replica is refused by lint and template, with its path"


def generated(site: Site) -> str:
    """D4: generators leave no difference."""
    for name in ("gen-crds", "gen-chart"):
        done = run([sys.executable, f"hack/{name}", "--check"], site.root)
        require(done.returncode == 0, f"hack/{name} --check: {done.stderr[:300]}")
    return "hack/gen-crds --check and hack/gen-chart --check: no difference"


def rules(site: Site) -> str:
    """D11: Prometheus' own word on the alerts."""
    done = site.tool("promtool", "check", "rules", f"{CHART}/files/alerts.yaml")
    require(done.returncode == 0, done.stdout + done.stderr)
    return f"promtool check rules: {done.stdout.split('SUCCESS:')[-1].strip()}"


def cases(site: Site) -> str:
    """D15: every file of values for CI lints, renders, and is known to the API server, strictly."""
    files = sorted((site.root / CHART / "ci").glob("*-values.yaml"))
    known = 0
    home = site.namespace()
    for path in files:
        values = f"--values={path}"
        done = site.tool("helm", "lint", "--strict", CHART, values)
        require(done.returncode == 0, f"{path.name}: {done.stdout}{done.stderr}")
        made = site.tool(
            *("helm", "template", "goaround", CHART, values),
            *(f"--namespace={home}", "--kube-version=1.36.0"),
        )
        bodies = [body for body in yaml.safe_load_all(made.stdout) if body]
        bodies = [body for body in bodies if body["kind"] not in FOREIGN]
        _create_namespaces(site, bodies)
        listed = {"apiVersion": "v1", "kind": "List", "items": bodies}
        tried = site.kubectl(
            *("apply", "--server-side", "--force-conflicts", "--dry-run=server"),
            *("--validate=strict", "--filename=-", "--output=name"),
            stdin=json.dumps(listed),
        )
        require(tried.returncode == 0, f"{path.name}: {tried.stderr}")
        known += len(bodies)
    return f"{len(files)} files lint; {known} objects pass a strict server-side dry run"


def _create_namespaces(site: Site, bodies: list[Json]) -> None:
    for name in sorted({body["metadata"].get("namespace") for body in bodies} - {None}):
        site.kubectl("create", "namespace", name)


def packaged(site: Site) -> str:
    """D17: the archive that a registry would get."""
    done = site.tool("helm", "package", CHART, f"--destination={site.folder}")
    require(done.returncode == 0, done.stdout + done.stderr)
    name = f"goaround-{_about(site)['version']}.tgz"
    shown = site.tool("helm", "show", "readme", str(site.folder / name)).stdout
    require("| Value | Default |" in shown, "the archive has no README made of values")
    return f"helm package: {name}, with its README"


def annotated(site: Site) -> str:
    """D18: each is there and is YAML."""
    found = _about(site)["annotations"]
    lacking = [
        name for name in ANNOTATIONS if not yaml.safe_load(found.get(f"artifacthub.io/{name}", ""))
    ]
    require(not lacking, f"no artifacthub.io/{', '.join(lacking)}")
    return f"{len(ANNOTATIONS)} annotations; no signKey, because signatures are keyless"


def _about(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((site.root / CHART / "Chart.yaml").read_text("utf-8"))
    return found
