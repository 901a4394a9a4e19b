"""A digest names content: how it was written does not matter, what it says does.

The golden values must never change: release records and sign-offs in clusters carry them.
"""

import pytest

from goaround.api.base import Json
from goaround.api.digest import plan_digest, release_digest, short
from goaround.api.feature import Release
from tests.unit.api.builders import CONTENT, SPEC, a_release, a_spec

RELEASE = "sha256:b119c224ddb124bd39013f22f9b94d55e32875a0ecbe94c96745892eff245927"
PLAN = "sha256:a61b329f522c1ed0cc383b246fb949e0e39efa0c245b69281c75cf80472d265d"


def test_the_digest_of_a_release_never_changes() -> None:
    assert release_digest(a_release()) == RELEASE


def test_the_digest_of_a_plan_never_changes() -> None:
    assert plan_digest(a_spec()) == PLAN


def test_digests_that_are_kept_are_of_that_very_object() -> None:
    """Each is gone before the next comes, mostly to the same place in memory."""
    prompts = ({"name": "support", "version": f"v{n}"} for n in range(200))
    assert len({release_digest(a_release(prompt=prompt)) for prompt in prompts}) == 200
    known, spec = a_release(), a_spec()
    assert (release_digest(known), plan_digest(spec)) == (RELEASE, PLAN)
    assert (
        release_digest(known.but(prompt=None)) == release_digest(a_release(prompt=None)) != RELEASE
    )
    assert plan_digest(spec, "sha256:" + "1" * 64) == plan_digest(spec)  # it has no pre-flight
    assert plan_digest(spec.but(release=known.but(prompt=None))) != PLAN


def test_a_part_that_is_null_and_one_that_is_absent_are_the_same() -> None:
    assert release_digest(a_release(index=None, features=None)) == RELEASE
    without = {name: part for name, part in CONTENT.items() if name != "parameters"}
    empty = {**CONTENT, "parameters": {}}
    assert release_digest(Release.model_validate(empty)) == release_digest(
        Release.model_validate(without)
    )


def test_the_order_of_parameters_and_parts_does_not_matter() -> None:
    parameters = {"tools": "search", "temperature": "0.2"}
    turned = dict(reversed({**CONTENT, "parameters": parameters}.items()))
    assert release_digest(Release.model_validate(turned)) == RELEASE


@pytest.mark.parametrize(
    "change",
    [
        {"model": {"name": "chat-7b", "version": "2026-11-03"}},
        {"prompt": {"name": "support", "version": "v43"}},
        {"index": {"name": "faq", "version": "1"}},
        {"features": {"name": "pipeline", "version": "1"}},
        {"parameters": {"temperature": "0.20", "tools": "search"}},
        {"parameters": {"temperature": "0.2"}},
        {"prompt": None},
    ],
    ids=str,
)
def test_any_change_of_content_is_another_release(change: Json) -> None:
    assert release_digest(a_release(**change)) != RELEASE
    assert plan_digest(a_spec(release={**CONTENT, **change})) != PLAN


def test_a_model_and_a_prompt_of_one_name_are_not_confused() -> None:
    one = {"name": "a", "version": "1"}
    assert release_digest(a_release(prompt=one, index=None)) != release_digest(
        a_release(prompt=None, index=one)
    )


def test_a_change_of_steps_signals_or_budget_changes_the_plan_only() -> None:
    steps = {"steps": [{"weightPercent": 100}]}
    acceptance = SPEC["acceptance"]
    budget = {**acceptance, "alpha": "0.02"}
    signals = {**acceptance, "signals": acceptance["signals"][::-1]}
    for spec in (a_spec(ramp=steps), a_spec(acceptance=budget), a_spec(acceptance=signals)):
        assert plan_digest(spec) != PLAN
        assert release_digest(spec.release) == RELEASE


def test_what_a_sign_off_does_not_bind_leaves_the_plan_alone() -> None:
    assert plan_digest(a_spec(fallback={"type": "LegacyLogic"})) == PLAN
    assert plan_digest(a_spec(killSwitch={"engaged": True})) == PLAN


def test_a_default_written_out_is_the_same_plan_so_that_new_fields_void_no_sign_off() -> None:
    steps = [{"weightPercent": w, "holdSeconds": 600, "minSamples": 100} for w in (10, 50, 100)]
    acceptance = SPEC["acceptance"]
    signals = [{**signal, "clusterSize": 1} for signal in acceptance["signals"]]
    written = {**acceptance, "alpha": "0.01", "maxBlindSeconds": 120, "signals": signals}
    assert plan_digest(a_spec(ramp={"intervalSeconds": 10, "steps": steps})) == PLAN
    assert plan_digest(a_spec(acceptance=written)) == PLAN


def test_people_call_a_digest_by_twelve_hex_digits() -> None:
    assert short(RELEASE) == "b119c224ddb1"
