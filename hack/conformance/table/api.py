"""Rows A1 to A21: API and CRD."""

from hack.conformance import evolution, schema, server
from hack.conformance.row import Row

CRDS = "unit/api/test_crds_are_generated.py::"
OBJECTS = "cluster/test_api_objects.py::"
BOUNDS = "cluster/test_api_bounds.py::"
MUTANTS = "cluster/test_api_mutants.py::"
CLOSED = "cluster/test_operator_incident.py"

ROWS = (
    Row("A1", "one group of ours, one version", checks=(server.one_group,)),
    Row(
        "A2",
        "names, short names, category aiops",
        tests=(f"{OBJECTS}test_our_kinds_are_no_part_of_the_category_all",),
        checks=(server.short_names,),
    ),
    Row("A3", "structural schema, nothing unknown is kept", checks=(schema.structural,)),
    Row(
        "A4",
        "every field is described, with unit and default",
        tests=(
            f"{CRDS}test_every_default_of_a_value_is_told_in_the_description",
            f"{OBJECTS}test_explain_tells_unit_default_and_range",
        ),
        checks=(schema.described,),
    ),
    Row(
        "A5",
        "required is required, defaults are stored",
        tests=(f"{OBJECTS}test_a_minimal_feature_is_stored_with_every_default",),
        checks=(server.defaults,),
    ),
    Row("A6", "no floats; decimal strings; percents 0 to 100", checks=(schema.no_floats,)),
    Row("A7", "enums are CamelCase strings", checks=(schema.camel_case,)),
    Row(
        "A8",
        "durations are bounded ints in seconds",
        tests=(f"{CRDS}test_durations_are_bounded_ints_and_percents_end_at_100",),
        checks=(server.seconds,),
    ),
    Row(
        "A9",
        "named lists are maps",
        tests=(f"{CRDS}test_named_lists_are_maps_and_all_others_say_what_they_are",),
        checks=(server.no_twins,),
    ),
    Row(
        "A10",
        "everything is bounded",
        tests=(
            f"{CRDS}test_nothing_may_grow_without_bound",
            f"{BOUNDS}test_the_largest_legal_spec_is_accepted_and_stays_small",
            f"{BOUNDS}test_the_largest_legal_status_is_accepted_and_the_server_can_store_it",
            f"{BOUNDS}test_one_more_than_any_bound_is_refused",
        ),
    ),
    Row(
        "A11",
        "rules between fields, in plain English",
        tests=(f"{MUTANTS}test_one_fault_is_refused_in_words_that_name_its_field",),
        checks=(server.rising_steps,),
    ),
    Row(
        "A12",
        "identity and closed incidents are immutable",
        tests=(
            "cluster/test_api_refusals.py::test_what_is_fixed_at_creation_stays",
            CLOSED,
        ),
    ),
    Row("A13", "typos are refused", checks=(server.no_typos,)),
    Row(
        "A14",
        "status and spec are written apart",
        tests=(f"{OBJECTS}test_spec_sent_to_the_status_resource_is_dropped",),
        checks=(server.status_apart,),
    ),
    Row("A15", "a tightened rule leaves old objects editable", checks=(evolution.ratchets,)),
    Row(
        "A16",
        "columns fit, Age last",
        tests=(f"{OBJECTS}test_a_list_of_features_fits_a_hundred_characters",),
        checks=(evolution.columns,),
    ),
    Row(
        "A17",
        "objects are selected by fields",
        tests=(f"{OBJECTS}test_incidents_are_selected_by_severity_phase_and_feature",),
        checks=(server.selectors,),
    ),
    Row("A18", "served versions round-trip, no conversion", checks=(evolution.one_version,)),
    Row(
        "A19",
        "OpenAPI v3 and JSON schemas",
        tests=(f"{OBJECTS}test_the_published_schema_describes_every_field",),
        checks=(evolution.published,),
    ),
    Row(
        "A20",
        "dry run and diff leave nothing",
        tests=(f"{OBJECTS}test_a_dry_run_leaves_nothing_behind",),
        checks=(server.dry_runs,),
    ),
    Row("A21", "no scale subresource", checks=(server.no_scale,)),
)
