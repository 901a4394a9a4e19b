"""The Grafana dashboards of the chart: one feature, incidents, the operator with its flag replicas.

They ask for metrics that this repository exports and for nothing else; a test holds them to it.
Standbys export the state of features, too: `max by` takes it once.
"""

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH, HEIGHT = 12, 8
OF_FEATURE = '{namespace="$namespace",feature="$feature"}'
RATE = "[$__rate_interval]"


@dataclass(frozen=True, slots=True)
class Panel:
    """One diagram: what is asked, and how a series is called (`legend`, a Grafana template)."""

    title: str
    ask: str
    legend: str = ""
    unit: str = "short"
    kind: str = "timeseries"
    about: str = ""

    def body(self, number: int) -> Json:
        target = {"refId": "A", "datasource": SOURCE, "expr": self.ask, "legendFormat": self.legend}
        return {
            "id": number + 1,
            "type": self.kind,
            "title": self.title,
            "description": self.about,
            "datasource": SOURCE,
            "gridPos": {
                "h": HEIGHT,
                "w": WIDTH,
                "x": WIDTH * (number % 2),
                "y": HEIGHT * (number // 2),
            },
            "fieldConfig": {"defaults": {"unit": self.unit}, "overrides": []},
            "targets": [target],
        }


def _feature(metric: str, *by: str) -> str:
    return f"max by ({', '.join(by)}) ({metric}{OF_FEATURE})" if by else f"{metric}{OF_FEATURE}"


def _rate(metric: str, *by: str) -> str:
    return f"sum by ({', '.join(by)}) (rate({metric}{RATE}))"


def _p99(histogram: str) -> str:
    return f"histogram_quantile(0.99, sum by (le) (rate({histogram}_bucket{RATE})))"


FEATURE = (
    Panel(
        "Users by arm",
        _feature("goaround_feature_weight_percent", "arm"),
        "{{arm}}",
        "percent",
        about="Percent of users that each arm gets, as decided.",
    ),
    Panel("Stage", _feature("goaround_feature_stage", "stage") + " == 1", "{{stage}}"),
    Panel(
        "Evidence of harm",
        _feature("goaround_signal_e_value", "signal"),
        "{{signal}}",
        about="E-value by signal: it goes around at 1/alpha of the weighted sum.",
    ),
    Panel(
        "Evidence of health",
        _feature("goaround_signal_accept_e_value", "signal"),
        "{{signal}}",
        about="E-value by signal: the ramp climbs when every signal has reached its level.",
    ),
    Panel(
        "Transitions",
        f"sum by (reason) (increase(goaround_transitions_total{OF_FEATURE}{RATE}))",
        "{{reason}}",
    ),
    Panel(
        "Worse than its baseline",
        _feature("goaround_signal_worse_than_baseline", "signal"),
        "{{signal}}",
    ),
    Panel(
        "Since the kill switch was last seen to work",
        f"time() - {_feature('goaround_kill_switch_last_exercised_timestamp_seconds', 'feature')}"
        " and "
        f"{_feature('goaround_kill_switch_last_exercised_timestamp_seconds', 'feature')} > 0",
        unit="s",
        kind="stat",
        about="Empty: neither a kill nor a drill has been seen to take effect.",
    ),
    Panel(
        "Rollbacks that Observe only told of",
        f"sum(increase(goaround_would_have_rolled_back_total{OF_FEATURE}[1d]))",
        kind="stat",
    ),
)

OPERATOR = (
    Panel("Holds the lease", "goaround_lease_held", "{{pod}}", kind="stat"),
    Panel("Passes", _rate("goaround_passes_total", "result"), "{{result}}", "ops"),
    Panel("Seconds of a pass, p99", _p99("goaround_pass_seconds"), unit="s"),
    Panel("Keys due", "goaround_queue_depth", "{{pod}}"),
    Panel(
        "Proof to latch, p99",
        _p99("goaround_proof_to_latch_seconds"),
        unit="s",
        about="From proof of harm to the status write that recorded it.",
    ),
    Panel("Status writes", _rate("goaround_status_writes_total", "kind", "result"),
          "{{kind}} {{result}}", "ops"),
    Panel("Effects", _rate("goaround_effects_total", "effect", "result"),
          "{{effect}} {{result}}", "ops"),
    Panel("Lowered past the API server", _rate("goaround_lowered_total", "result"),
          "{{result}}", "ops"),
    Panel("Providers that answer", "min by (provider) (goaround_provider_up)", "{{provider}}",
          kind="stat"),
    Panel("Reads of providers", _rate("goaround_provider_reads_total", "provider", "result"),
          "{{provider}} {{result}}", "ops"),
    Panel("Flag streams", "goaround_flags_streams", "{{pod}}"),
    Panel("Flag replicas that listed everything", "goaround_flags_listed", "{{pod}}", kind="stat"),
    Panel("Flag sets sent", _rate("goaround_flags_sets_sent_total", "pod"), "{{pod}}", "ops"),
    Panel("Bytes of flag sets", _rate("goaround_flags_sent_bytes_total", "pod"), "{{pod}}", "Bps"),
    Panel("Streams refused", _rate("goaround_flags_streams_refused_total", "reason"),
          "{{reason}}", "ops"),
    Panel("Flags replaced or left out", "goaround_flags_problems", "{{pod}}", kind="stat"),
)  # fmt: skip


REAL = '{drill="false"}'
OF_INCIDENT = "incident, severity"


def _median(what: str) -> str:
    """Seconds by severity, over 30 days: incidents are rare."""
    histogram = f"goaround_incident_time_to_{what}_seconds_bucket{REAL}[30d]"
    return f"histogram_quantile(0.5, sum by (le, severity) (increase({histogram})))"


INCIDENTS = (
    Panel("Open", f"max by (severity, feature) (goaround_incident_open{REAL})",
          "{{severity}} {{feature}}", kind="stat"),
    Panel("Open by phase", f"sum by (phase) (goaround_incident_open{REAL})", "{{phase}}"),
    Panel(
        "Delivered, effect not seen",
        f"max by ({OF_INCIDENT}) (goaround_incident_uncontained_seconds{REAL})",
        "{{severity}} {{incident}}",
        "s",
        about="Every flag replica has the decision; the harm has not been seen to end.",
    ),
    Panel(
        "Clocks that are due next",
        f"bottomk(10, min by (incident, deadline) "
        f"(goaround_incident_deadline_remaining_seconds{REAL}))",
        "{{deadline}} {{incident}}",
        "s",
        about="Below 0: missed.",
    ),
    Panel("Time left of regulatory clocks",
          "min by (incident, regime) (goaround_incident_regulatory_left_ratio)",
          "{{regime}} {{incident}}", "percentunit"),
    Panel("Updates overdue", "max by (feature, audience) (goaround_incident_comms_overdue)",
          "{{audience}} {{feature}}", kind="stat"),
    Panel("Requests that the bad release served",
          "max by (incident) (goaround_incident_exposed_requests)", "{{incident}}"),
    Panel("Action items", "sum by (state) (goaround_incident_action_items)", "{{state}}"),
    Panel("To detect, median of 30 days", _median("detect"), "{{severity}}", "s"),
    Panel("To contain, median of 30 days", _median("contain"), "{{severity}}", "s"),
    Panel("To resolve, median of 30 days", _median("resolve"), "{{severity}}", "s"),
    Panel("Opened, a day",
          f"sum by (severity) (increase(goaround_incident_opened_total{REAL}[1d]))",
          "{{severity}}"),
    Panel("Clocks missed, a day",
          "sum by (deadline) (increase(goaround_incident_deadline_missed_total[1d]))",
          "{{deadline}}"),
    Panel("Messages that wait for their channel",
          "max by (channel) (goaround_incident_message_waiting_seconds)", "{{channel}}", "s"),
    Panel("Messages given up", "max by (channel) (goaround_incident_messages_failed)",
          "{{channel}}", kind="stat"),
)  # fmt: skip


def _variable(name: str, metric: str, among: str = "") -> Json:
    asked = f"label_values({metric}{among}, {name})"
    return {
        "name": name,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": asked, "refId": name},
        "refresh": 2,
        "sort": 1,
    }


def _dashboard(uid: str, title: str, panels: tuple[Panel, ...], *variables: Json) -> Json:
    source = {"name": "datasource", "type": "datasource", "query": "prometheus"}
    return {
        "uid": uid,
        "title": title,
        "tags": ["goaround"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [source, *variables]},
        "panels": [panel.body(number) for number, panel in enumerate(panels)],
    }


WEIGHT = "goaround_feature_weight_percent"
ALL: dict[str, Json] = {
    "feature": _dashboard(
        "goaround-feature",
        "GoAround / feature",
        FEATURE,
        _variable("namespace", WEIGHT),
        _variable("feature", WEIGHT, '{namespace="$namespace"}'),
    ),
    "incidents": _dashboard("goaround-incidents", "GoAround / incidents", INCIDENTS),
    "operator": _dashboard("goaround-operator", "GoAround / operator", OPERATOR),
}
