"""Commands of the goal table against a real API server: rows A1, A2, A5, A8, A9, A11, A13, A14,
A17, A20, A21. Each is what the table's column "Verify" says, and little more.
"""

import json
from collections.abc import Iterable

from hack.conformance.row import require
from hack.conformance.site import Done, Json, Site

API = "goaround.dev/v1alpha1"
ERRORS = {"bad": 'ai_requests_total{$match,result="bad"}', "total": "ai_requests_total{$match}"}
SIGNALS: list[Json] = [
    {"name": "errors", "ratio": ERRORS, "max": "0.02"},
    {"name": "empty", "preset": "empty-answer-rate"},
]
SPEC: Json = {
    "release": {"model": {"name": "chat-7b", "version": "1"}},
    "delivery": [{"name": "app", "role": "Split", "flag": {}}],
    "fallback": {"type": "LegacyLogic"},
    "acceptance": {"scope": "all questions", "signals": SIGNALS},
}
INCIDENT: Json = {
    "affects": [{"name": "chat"}],
    "trigger": {"source": "Manual", "key": "users call"},
    "severity": "P1",
    "severityReason": "everybody",
}


def feature(namespace: str, name: str = "chat", *, without: str = "", **spec: object) -> Json:
    """A small feature with other parts of spec, or without one."""
    made = {key: value for key, value in (SPEC | spec).items() if key != without}
    return _body("AIFeature", namespace, name, made)


def incident(namespace: str, name: str = "chat-20261122-ab12c") -> Json:
    """A P1 that a person opens."""
    return _body("AIIncident", namespace, name, INCIDENT)


def _body(kind: str, namespace: str, name: str, spec: Json) -> Json:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec}


def refused(done: Done, words: Iterable[str], what: str) -> None:
    """It was refused, in these words."""
    require(done.returncode != 0, f"the API server took {what}")
    missing = [word for word in words if word not in done.stderr]
    require(not missing, f"{what} was refused without {missing}: {done.stderr}")


def accepted(done: Done, what: str) -> None:
    """It was taken."""
    require(done.returncode == 0, f"{what}: {done.stderr}")


def one_group(site: Site) -> str:
    """A1: all kinds in one group of ours, in one version."""
    told = site.kubectl("api-resources", "--api-group=goaround.dev", "--no-headers").stdout
    lines = [line.split() for line in told.splitlines()]
    kinds, versions = {line[-1] for line in lines}, {line[-3] for line in lines}
    require(kinds == {crd["spec"]["names"]["kind"] for crd in site.crds}, f"kinds: {kinds}")
    require(versions == {API}, f"versions: {versions}")
    return f"{len(kinds)} kinds in {API}"


def short_names(site: Site) -> str:
    """A2: every short name and the category list; `all` does not."""
    here = f"--namespace={(namespace := site.namespace())}"
    accepted(site.tell("create", feature(namespace)), "a small feature")
    for name in ("aif", "aii", "aiks", "aiso"):
        accepted(site.kubectl("get", name, here), f"kubectl get {name}")
    listed = site.kubectl("get", "aiops", "--all-namespaces", "--output=name").stdout
    require("aifeature.goaround.dev/chat" in listed, f"kubectl get aiops -A: {listed}")
    everything = site.kubectl("get", "all", here, "--output=name").stdout
    require("goaround.dev" not in everything, "our kinds are in the category all")
    return "aif, aii, aiks, aiso, aiops list; all does not"


def defaults(site: Site) -> str:
    """A5: what is required must be there; what has a default is stored with it."""
    namespace = site.namespace()
    accepted(site.tell("apply", feature(namespace)), "a small feature")
    where = ["get", "aif", "chat", f"--namespace={namespace}", "--output=json"]
    spec = json.loads(site.kubectl(*where).stdout)["spec"]
    steps = [step["weightPercent"] for step in spec["ramp"]["steps"]]
    require(steps == [10, 50, 100], f"steps by default: {steps}")
    require(spec["acceptance"]["alpha"] == "0.01", "alpha by default is not stored")
    for part in SPEC.keys() - {"fallback"}:
        bare = feature(namespace, "bare", without=part)
        refused(site.tell("create", bare), [f"spec.{part}", "Required"], f"no {part}")
    return "defaults are stored; a feature without release, delivery or acceptance is refused"


def seconds(site: Site) -> str:
    """A8: bounds of durations."""
    namespace = site.namespace()
    for value in (0, 99_999_999):
        wrong = feature(namespace, ramp={"intervalSeconds": value})
        refused(
            site.tell("apply", wrong), ["spec.ramp.intervalSeconds"], f"intervalSeconds {value}"
        )
    return "intervalSeconds 0 and 99999999: refused"


def no_twins(site: Site) -> str:
    """A9: two of one name in a list of named things."""
    twins = [SIGNALS[0], SIGNALS[0] | {"max": "0.03"}]
    wrong = feature(site.namespace(), acceptance=SPEC["acceptance"] | {"signals": twins})
    refused(site.tell("apply", wrong), ["Duplicate value", "errors"], "two signals of one name")
    return "two signals of one name: Duplicate value"


def rising_steps(site: Site) -> str:
    """A11: rules between fields say what is wrong and where."""
    namespace = site.namespace()
    for weights in ([10, 50], [50, 10, 100], [10, 10, 100]):
        steps = [{"weightPercent": weight} for weight in weights]
        wrong = feature(namespace, ramp={"steps": steps})
        refused(site.tell("apply", wrong), ["spec.ramp.steps", "100"], f"steps {weights}")
    return "steps that do not end in 100, do not rise or stand twice: refused at spec.ramp.steps"


def no_typos(site: Site) -> str:
    """A13: a misspelt field."""
    wrong = feature(site.namespace(), rampp={})
    refused(site.tell("apply", wrong), ["strict decoding error", "spec.rampp"], "a typo")
    return "strict decoding error: unknown field spec.rampp"


def status_apart(site: Site) -> str:
    """A14: neither of spec and status touches the other."""
    namespace = site.namespace()
    accepted(site.tell("create", feature(namespace)), "a small feature")
    here = ["aif", "chat", f"--namespace={namespace}"]
    site.kubectl("patch", *here, "--type=merge", '--patch={"status":{"stage":"Live"}}')
    found = json.loads(site.kubectl("get", *here, "--output=json").stdout)
    require(found["status"] == {"observedGeneration": -1}, f"status: {found['status']}")
    require(found["metadata"]["generation"] == 1, "a patch of status raised the generation")
    return "a status sent to the main resource is dropped; a new object has observedGeneration -1"


def selectors(site: Site) -> str:
    """A17: fields by which objects are selected."""
    namespace = site.namespace()
    accepted(site.tell("create", incident(namespace)), "an incident")
    here = ["--namespace", namespace, "--output=name"]
    for value, count in (("P1", 1), ("P4", 0)):
        told = site.kubectl("get", "aii", f"--field-selector=spec.severity={value}", *here).stdout
        require(len(told.split()) == count, f"severity {value} selects {told.split()}")
    accepted(site.kubectl("get", "aif", "--field-selector=status.stage=Ramping", *here), "stage")
    found = {crd["spec"]["names"]["kind"]: [
        one["jsonPath"] for one in crd["spec"]["versions"][0].get("selectableFields", [])
    ] for crd in site.crds}  # fmt: skip
    return f"spec.severity and status.stage select; {found['AIFeature']} {found['AIIncident']}"


def dry_runs(site: Site) -> str:
    """A20: what is only tried leaves nothing."""
    namespace = site.namespace()
    body = feature(namespace)
    accepted(site.tell("apply", body, "--dry-run=server"), "kubectl apply --dry-run=server")
    diff = site.tell("diff", body)
    require(diff.returncode == 1 and "chat-7b" in diff.stdout, f"kubectl diff: {diff.stderr}")
    left = site.kubectl("get", "aiops,events", f"--namespace={namespace}", "--output=name").stdout
    require(left == "", f"left behind: {left}")
    return "apply --dry-run=server and diff leave no object and no event"


def no_scale(site: Site) -> str:
    """A21: a weight is no number of replicas."""
    namespace = site.namespace()
    accepted(site.tell("create", feature(namespace)), "a small feature")
    tried = site.kubectl("scale", "aif/chat", "--replicas=1", f"--namespace={namespace}")
    refused(tried, [], "kubectl scale aif/chat")
    return f"kubectl scale aif/chat: {tried.stderr.strip()[:80]}"
