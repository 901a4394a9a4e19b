"""Rows D1 to D20: Helm and packaging."""

from hack.conformance import charts, evolution, rights
from hack.conformance.row import Row

MADE = "unit/chart/test_what_the_chart_is_made_of.py::"
HELM = "unit/chart/test_what_helm_makes_of_the_chart.py::"
GUARDS = "unit/chart/test_how_the_chart_guards.py::"
REAL = "cluster/test_chart_installs.py"
TEMPLATES = "unit/chart/test_what_helm_makes_of_the_chart.py"

ROWS = (
    Row("D1", "the chart tells what it is", checks=(charts.linted, charts.told)),
    Row(
        "D2",
        "values have a closed schema",
        tests=(f"{HELM}test_a_mistake_in_values_is_refused_and_its_place_is_named",),
        checks=(charts.closed,),
    ),
    Row(
        "D3",
        "CRDs are templates, upgraded and kept",
        tests=(
            REAL,
            f"{GUARDS}test_crds_are_those_of_the_code_and_stay_when_the_chart_goes",
            f"{GUARDS}test_crds_may_go_with_the_chart_or_be_left_to_others",
        ),
    ),
    Row("D4", "CRDs are the same everywhere", checks=(charts.generated,)),
    Row(
        "D5",
        "standard labels, selectors without version",
        tests=(
            REAL,
            f"{HELM}test_every_object_says_whose_it_is",
            f"{HELM}test_selectors_and_pods_know_no_version",
        ),
    ),
    Row(
        "D6",
        "Pod Security restricted",
        tests=(REAL, f"{GUARDS}test_every_pod_is_restricted"),
    ),
    Row(
        "D7",
        "requests, probes, grace",
        tests=(
            f"{HELM}test_probes_ask_what_is_served_and_a_stuck_process_is_found_in_30_seconds",
            f"{HELM}test_a_pod_is_given_more_time_than_its_drain_takes",
            "unit/runtime/test_health.py::test_a_beat_counts_for_its_time_and_no_longer",
        ),
        missing="kube-score and kube-linter are not here, and no kubelet probed anything",
    ),
    Row(
        "D8",
        "scheduling, extra values, disruption budget",
        tests=(
            f"{HELM}test_what_is_set_for_a_server_reaches_its_pods",
            f"{HELM}test_spreading_is_about_the_pods_of_the_server",
            f"{HELM}test_a_disruption_takes_one_replica_at_a_time_unless_told_otherwise",
        ),
    ),
    Row("D9", "a Lease makes two replicas safe", tests=("cluster/test_lease_take_over.py",)),
    Row(
        "D10",
        "NetworkPolicies both ways",
        tests=(f"{GUARDS}test_closed_networks_leave_open_what_is_needed_and_nothing_more",),
        missing="no network plugin enforced them",
    ),
    Row(
        "D11",
        "monitors, rules, dashboards, off by default",
        tests=(
            f"{HELM}test_extras_are_off_until_they_are_asked_for",
            f"{HELM}test_monitors_find_a_port_by_the_labels_of_its_service_and_keep_our_namespace",
            f"{MADE}test_a_dashboard_asks_for_metrics_that_exist",
            f"{MADE}test_every_question_of_a_dashboard_is_promql",
        ),
        checks=(charts.rules,),
    ),
    Row(
        "D12",
        "namespaced mode",
        tests=(
            REAL,
            f"{GUARDS}test_in_one_namespace_rights_are_granted_there_and_the_lease_is_its_own",
        ),
    ),
    Row(
        "D13",
        "roles for people",
        tests=("cluster/test_kill_switch_roles.py",),
        checks=(rights.matrix,),
    ),
    Row(
        "D14",
        "helm test, NOTES",
        tests=(
            REAL,
            f"{HELM}test_the_test_of_a_release_asks_both_servers_with_our_own_image",
            f"{GUARDS}test_notes_tell_the_next_commands_and_what_is_missing",
        ),
        missing="helm test needs a kubelet: its script was run beside the real servers",
    ),
    Row("D15", "tests of templates, values for CI", tests=(TEMPLATES,), checks=(charts.cases,)),
    Row(
        "D16",
        "images by digest, pull secrets, several architectures",
        tests=(
            f"{HELM}test_a_digest_wins_over_a_tag",
            f"{HELM}test_what_is_set_for_a_server_reaches_its_pods",
        ),
        missing="no image was built",
    ),
    Row(
        "D17",
        "OCI chart, README from comments",
        tests=(f"{MADE}test_generated_files_are_what_their_sources_say",),
        checks=(charts.packaged,),
        missing="no registry took the chart",
    ),
    Row(
        "D18",
        "annotations of Artifact Hub",
        tests=(f"{MADE}test_what_artifact_hub_is_told_is_yaml_and_true",),
        checks=(charts.annotated,),
    ),
    Row("D19", "uninstall leaves nothing stuck", tests=(REAL,), checks=(evolution.deletes,)),
    Row("D20", "an upgrade in mid-rollout loses nothing", tests=(REAL,)),
)
