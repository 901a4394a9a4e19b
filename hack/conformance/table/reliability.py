"""Rows F1 to F12: reliability."""

from hack.conformance.row import Row

RECORDS = "cluster/test_operator_second_layer_records.py"
SLOW = "unit/runtime/test_slow_providers.py"

ROWS = (
    Row(
        "F1",
        "any crash point resumes",
        tests=("crash/test_crash_points.py", "cluster/test_operator_killed.py"),
    ),
    Row(
        "F2",
        "watch loss and silence recover",
        tests=("cluster/test_watch_faults.py",),
        missing="the API server is stopped for half a minute here, not for 90 s",
    ),
    Row("F3", "a poisoned object hurts nobody else", tests=("cluster/test_scale.py",)),
    Row(
        "F4",
        "status writes are conflict-safe",
        tests=(
            "unit/runtime/test_controller.py::test_a_conflict_is_answered_by_one_live_read_and_a_decision_at_once",
            "unit/runtime/test_controller.py::test_only_the_third_conflict_in_a_row_backs_off",
            "unit/runtime/test_lease_never_two.py::test_two_never_act_at_the_same_time",
            "cluster/test_operator_killed.py",
        ),
    ),
    Row(
        "F5",
        "clocks may jump",
        tests=(
            RECORDS,
            "unit/incident/test_calendar.py",
            "unit/rollout/test_holds.py::test_a_clock_that_is_far_behind_the_status_stops_the_way_up",
            "unit/rollout/test_what_status_says.py::test_a_revision_never_falls_with_the_clock",
        ),
    ),
    Row(
        "F6",
        "a bad Prometheus holds",
        tests=(
            "cluster/test_operator_providers.py",
            "unit/world/test_prometheus_answers.py",
            "unit/world/test_prometheus_transport.py",
        ),
    ),
    Row(
        "F7",
        "a kill needs nothing and is quick",
        tests=("cluster/test_operator_kills.py",),
        missing="p99 with 500 features: `make bench` measures it, no test asserts seconds",
    ),
    Row(
        "F8",
        "operator down: nothing moves, kills work",
        tests=("cluster/test_flag_stream.py", "cluster/test_cli_verbs.py"),
    ),
    Row(
        "F9",
        "bounded work for a thousand features",
        tests=("cluster/test_scale.py", "unit/runtime/test_queue.py"),
        missing="limits of CPU and memory: `make bench` measures them, nothing enforces them here",
    ),
    Row(
        "F10",
        "a graceful stop",
        tests=("cluster/test_operator_process.py", "cluster/test_lease_take_over.py"),
    ),
    Row(
        "F11",
        "time-outs everywhere, no blocking call",
        tests=(
            f"{SLOW}::test_a_provider_that_hangs_delays_no_proof_of_anothers_features",
            "unit/runtime/test_lowering_hangs.py",
            "unit/world/test_prometheus_transport.py",
        ),
        missing="there is no metric of the loop's lag",
    ),
    Row("F12", "a restore converges to what is safe", tests=(RECORDS,)),
)
