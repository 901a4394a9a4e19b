"""Rows E1 to E14: security."""

from hack.conformance import audited, rights, schema, texts
from hack.conformance.row import Row

MADE = "unit/chart/test_what_the_chart_is_made_of.py::"
TRANSPORT = "unit/world/test_prometheus_transport.py"
SIGNED = "cluster/test_operator_sign_off.py"

ROWS = (
    Row(
        "E1",
        "least rights, none unused, none refused",
        tests=(
            f"{MADE}test_no_role_has_a_wildcard_or_makes_itself_greater",
            f"{MADE}test_every_right_that_the_operator_asks_for_is_granted_once_and_nothing_else",
            "cluster/test_chart_installs.py",
            "cluster/test_lease_rights.py",
            "cluster/test_operator_changes.py",
            "cluster/test_operator_fallback.py",
            "cluster/test_operator_timeline.py",
        ),
        checks=(audited.used,),
    ),
    Row(
        "E2",
        "Secrets by name only",
        tests=(f"{MADE}test_nobody_lists_secrets_and_flag_replicas_write_nothing",),
        checks=(rights.secrets,),
    ),
    Row("E3", "references stay in their namespace", checks=(schema.same_namespace,)),
    Row("E4", "a sign-off cannot be forged", tests=("cluster/test_sign_off_forgery.py", SIGNED)),
    Row(
        "E5",
        "kill for many, revive for few",
        tests=("cluster/test_kill_switch_roles.py", "cluster/test_api_kill_switch_policy.py"),
    ),
    Row(
        "E6",
        "status is the operator's",
        tests=("cluster/test_sign_off_forgery.py",),
        checks=(rights.status,),
    ),
    Row(
        "E7",
        "outbound calls are bounded and led nowhere",
        tests=(
            TRANSPORT,
            "unit/world/test_addresses_of_pods.py",
            "unit/world/test_golden_endpoint.py::test_a_redirect_is_never_followed",
            "unit/world/test_notifications.py::test_a_redirect_is_not_followed",
            "cluster/test_backends.py",
        ),
    ),
    Row(
        "E8",
        "PromQL is parsed and pinned",
        tests=(
            "unit/world/test_promql_selectors.py",
            "unit/world/test_promql_query.py",
            "cluster/test_prometheus_reading.py::test_a_hostile_name_reads_nothing_of_anybody",
        ),
    ),
    Row(
        "E9",
        "no secret in status, events, logs, metrics",
        tests=(
            f"{TRANSPORT}::test_the_password_of_the_url_is_sent_and_never_shown",
            "unit/runtime/test_config.py::test_a_password_in_a_url_is_never_told",
            "unit/runtime/test_logs.py::test_only_plain_values_are_logged_never_bodies",
            "unit/world/test_notifications.py::test_a_failure_is_told_without_the_address",
            "cluster/test_operator_preflight.py",
        ),
        missing="one secret looked for in every sink of one run",
    ),
    Row("E10", "alert receiver", checks=(texts.no_receiver,)),
    Row("E11", "a tampered policy fails closed", tests=(SIGNED, "unit/world/test_policies.py")),
    Row(
        "E12",
        "tokens only where they are used",
        tests=(
            "unit/chart/test_how_the_chart_guards.py"
            "::test_a_token_of_the_api_server_is_mounted_only_where_it_is_used",
        ),
    ),
    Row("E13", "nothing runs on a tenant's behalf", checks=(schema.nothing_runs,)),
    Row(
        "E14",
        "SECURITY.md, threat model",
        tests=("unit/docs/test_security_names_its_tests.py",),
        checks=(texts.security,),
    ),
)
