"""Rows B1 to B16: status and what people meet."""

from hack.conformance import texts
from hack.conformance.row import Row

FLIGHT = "cluster/test_operator_flight.py::"
BAD = "cluster/test_operator_bad_input.py::"
KEEP = "unit/api/test_conditions_keep_their_times.py::"
SAYS = "unit/rollout/test_what_status_says.py::"
SMALL = "unit/runtime/test_status_stays_small.py::"
IDLE = f"{FLIGHT}test_an_idle_feature_is_neither_written_nor_told_of"
KSTATUS = "unit/gitops/test_kstatus_and_flux.py"
GITOPS = "cluster/test_operator_gitops.py"
VERBS = "cluster/test_cli_verbs.py"
TOLD = "unit/cli/test_cluster_is_told.py::"
HELD = "unit/rollout/test_suspended.py::"

ROWS = (
    Row(
        "B1",
        "conditions in the standard shape",
        tests=(
            f"{KEEP}test_an_unchanged_status_keeps_its_time_whatever_it_says",
            f"{KEEP}test_a_changed_status_takes_the_time_of_the_change",
            f"{SAYS}test_a_condition_keeps_its_time_while_its_status_stays",
            IDLE,
        ),
        checks=(texts.standard_conditions,),
    ),
    Row(
        "B2",
        "Ready, Reconciling, Stalled follow kstatus",
        tests=(
            f"{SAYS}test_ready_and_one_abnormal_condition_follow_kstatus",
            f"{SAYS}test_a_bad_spec_is_stalled_and_never_reconciling",
            KSTATUS,
        ),
    ),
    Row(
        "B3",
        "a new object says that nobody has seen it",
        tests=(
            "cluster/test_api_objects.py::test_a_new_object_says_that_nobody_has_seen_it",
            f"{FLIGHT}test_a_feature_from_before_the_operator_is_adopted_without_moving_anybody",
            GITOPS,
        ),
    ),
    Row(
        "B4",
        "observedGeneration is never ahead",
        tests=(
            f"{SAYS}test_conditions_speak_of_the_generation_they_saw",
            f"{SAYS}test_a_new_release_is_never_called_ready_before_it_serves",
            GITOPS,
        ),
    ),
    Row(
        "B5",
        "kubectl wait works for success",
        tests=("cluster/test_operator_flight.py", GITOPS),
    ),
    Row(
        "B6",
        "messages tell what, limit, since when, what next",
        tests=(
            "unit/incident/test_whiteboard_moments.py::test_the_page_reads_word_for_word",
            f"{SAYS}test_the_summary_says_what_serves_and_why",
            f"{BAD}test_a_fault_stands_on_the_object_with_its_reason_and_what_to_write",
            "cluster/test_api_mutants.py::test_one_fault_is_refused_in_words_that_name_its_field",
        ),
    ),
    Row(
        "B7",
        "kubectl describe reads as an incident page",
        tests=("cluster/test_operator_flight.py",),
    ),
    Row(
        "B8",
        "reasons are a published list, no event per tick",
        tests=(IDLE, "unit/docs/test_reasons_are_explained.py"),
    ),
    Row(
        "B9",
        "a fault stands on the object, and mends itself",
        tests=(
            "cluster/test_operator_bad_input.py",
            "unit/runtime/test_content_desk.py::test_what_is_wrong_with_a_text_is_said",
        ),
    ),
    Row(
        "B10",
        "status is bounded",
        tests=(
            f"{SMALL}test_status_stays_small_with_the_largest_legal_spec",
            "unit/incident/test_timeline_flaps.py::test_after_a_month_with_ten_thousand_flaps_status_is_small",
            "unit/incident/test_timeline_flaps.py::test_the_largest_tail_and_anchor_fit_their_budget",
            "unit/world/test_golden_endpoint.py::test_nothing_that_an_answer_says_is_kept",
        ),
        missing="a soak of 24 hours: months are simulated, on a clock of their own",
    ),
    Row("B11", "nothing is written when nothing changed", tests=(IDLE,)),
    Row(
        "B12",
        "a kubectl plugin with every verb",
        tests=(
            VERBS,
            "unit/cli/test_status_command.py",
            "unit/cli/test_people_decide.py",
            "unit/cli/test_lint_and_init.py",
            "unit/cli/test_kill_command.py",
            f"{TOLD}test_every_command_can_be_completed_and_has_a_help",
        ),
    ),
    Row(
        "B13",
        "the plugin has a name of its own, and completion",
        tests=(f"{TOLD}test_completion_offers_verbs_and_names",),
        checks=(texts.plugin,),
    ),
    Row(
        "B14",
        "the plugin honours kubeconfig, context, --as",
        tests=(
            VERBS,
            "unit/world/test_kubeconfig.py",
            "unit/world/test_direct_api.py",
            "unit/cli/test_status_command.py::test_colour_is_for_terminals_that_want_it",
        ),
    ),
    Row(
        "B15",
        "suspend freezes progress, never the kill",
        tests=(
            f"{HELD}test_a_flight_stays_where_it_is_and_says_why",
            f"{HELD}test_harm_is_found_and_the_release_comes_back",
            "unit/rollout/test_the_order_of_decisions.py::test_a_kill_needs_no_valid_spec",
        ),
        missing="no annotation asks for a look: every change is looked at, and all objects again "
        "after resyncSeconds",
    ),
    Row(
        "B16", "every example applies", tests=("cluster/test_examples.py", "unit/test_examples.py")
    ),
)
