"""`goaround evidence`: the chain in words, as JSON, and as a page for auditors."""

import json

import pytest

from goaround.__main__ import main
from goaround.api.base import Json
from goaround.api.feature import AIFeatureSpec
from goaround.api.names import segment_name
from goaround.api.status import AIFeatureStatus
from goaround.cli.evidence import answer
from goaround.cli.evidence_text import as_json, as_markdown, as_text, binder
from tests.unit.cli.kit import a_manifest, a_signal
from tests.unit.rollout.build import a_feature
from tests.unit.rollout.flights import live_twice
from tests.unit.rollout.world import World, live_bad, live_good

SAID = {
    "inputLike": "a question about an order",
    "returns": "its state",
    "because": "the order system says so",
    "guardrails": "the answer never holds an address",
    "details": "https://wiki.example.com/chat",
}


def flown() -> World:
    """Adopted, landed, and sent back from Live."""
    world = live_twice().wants(
        live_twice().spec.release,
        explainability=SAID,
        owner="shop | search",
        dependencies=[{"name": "acme", "kind": "ModelProvider"}],
        consumers=[{"name": "refunds", "owner": "claims"}],
    )
    world.look(live_bad)
    return world.wait(60, live_good).wait(60, live_good)


FLOWN = flown()


def bodies(world: World) -> list[Json]:
    return [{"metadata": {"name": n}, "data": dict(d)} for n, d in world.segments.items()]


def test_every_flight_is_a_line_and_a_way_down_says_why() -> None:
    told = as_text(binder("shop", "chat", FLOWN.feature, bodies(FLOWN))).splitlines()
    assert told[0] == "shop/chat: whole: segments 1 to 3, vouched for by status"
    assert [line.split()[2] for line in told if line.startswith("   ") and "attempt" in line] == [
        "Adopted",
        "Live",
        "RolledBack",
    ]
    assert "errors 4.1% > max 2%" in "\n".join(told)


def test_an_altered_segment_is_named_first() -> None:
    altered = bodies(FLOWN)
    altered[1]["data"]["outcome"] = "Live, honestly"
    found = binder("shop", "chat", FLOWN.feature, altered)
    assert found.verdict.startswith("BROKEN at chat-evidence-2: its content is not what ")
    assert json.loads(as_json(found))["faults"][0]["segment"] == "chat-evidence-2"


def test_what_is_labelled_as_a_segment_and_is_none_is_a_fault() -> None:
    strange: Json = {"metadata": {"name": "chat-evidence-9"}, "data": {"number": 9}}
    found = binder("shop", "chat", FLOWN.feature, [*bodies(FLOWN), strange])
    assert found.verdict.startswith("BROKEN at chat-evidence-9")


def test_a_feature_that_is_gone_leaves_a_binder_that_nobody_vouches_for() -> None:
    found = binder("shop", "chat", None, bodies(FLOWN))
    assert found.verdict.startswith("BROKEN at status:")
    assert "does not exist any more" in as_markdown(found)


def test_a_binder_without_flights_says_so() -> None:
    empty = a_feature(FLOWN.spec, AIFeatureStatus())
    assert as_text(binder("shop", "chat", empty, [])) == "shop/chat: empty: no flight has ended yet"


def test_json_holds_the_segments_as_they_are_stored() -> None:
    told = json.loads(as_json(binder("shop", "chat", FLOWN.feature, bodies(FLOWN))))
    assert told["whole"] is True
    assert told["segments"] == [b["data"] for b in bodies(FLOWN)]
    assert told["anchor"]["length"] == 3


def test_the_page_has_all_that_an_auditor_asks_for() -> None:
    page = as_markdown(binder("shop", "chat", FLOWN.feature, bodies(FLOWN)))
    for wanted in (
        "# Evidence: shop/chat",
        "- Serves: chat-7b@2026-11-02 support@v1",
        "- Rests on: acme (ModelProvider)",
        "- Used by: refunds (claims)",
        "For input like a question about an order, it returns its state, because",
        "More: https://wiki.example.com/chat",
        "## Last flight: RolledBack",
        "### Acceptance signals",
        "### Drift",
        "### Sign-offs",
        "| 2 | ",
    ):
        assert wanted in page


def test_the_page_says_who_answers_for_it() -> None:
    said: Json = {
        "regulatory": {"sector": "Health", "regimes": ["Privacy Act 1988"], "contact": "legal"},
        "humanReview": {"domain": "Medical", "before": "User"},
        "runbook": {"link": "https://wiki.example.com/run", "reviewedAt": "2026-11-02T09:00:00Z"},
    }
    spec = AIFeatureSpec.model_validate(FLOWN.spec.wire() | said)
    page = as_markdown(binder("shop", "chat", a_feature(spec, AIFeatureStatus()), []))
    assert "- Sector: Health, Privacy Act 1988\n- Talks to the regulator: legal" in page
    assert "- Human review: Medical, before it reaches users" in page
    assert "- Runbook: https://wiki.example.com/run, reviewed 2026-11-02" in page


def test_what_people_wrote_makes_no_table_and_moves_no_cursor() -> None:
    altered = bodies(FLOWN)
    altered[2]["data"]["outcome"] = "x | y\n# \x1b[2J<script>"
    page = as_markdown(binder("shop", "chat", FLOWN.feature, altered))
    assert "- Owner: shop \\| search" in page
    assert "x \\| y \\# ?\\[2J\\<script\\>" in page
    assert "\x1b" not in as_text(binder("shop", "chat", FLOWN.feature, altered))


@pytest.mark.parametrize(("verify", "code"), [(False, 0), (True, 2)])
def test_only_verify_leaves_with_2_where_the_chain_is_broken(
    verify: bool, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    found = binder("shop", "chat", FLOWN.feature, bodies(FLOWN)[1:])
    assert answer(found, "text", verify=verify) == code
    assert "BROKEN at segment 1: it is missing" in capsys.readouterr().out


@pytest.mark.parametrize(("output", "begin"), [("markdown", "# Evidence"), ("json", "{")])
def test_a_whole_chain_leaves_with_0_in_every_form(
    output: str, begin: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = binder("shop", "chat", FLOWN.feature, bodies(FLOWN))
    assert answer(found, output, verify=True) == 0
    assert capsys.readouterr().out.startswith(begin)


@pytest.mark.parametrize("words", [["evidence"], ["evidence", "chat", "-o", "pdf"]])
def test_wrong_usage_leaves_with_1(words: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 1


def test_segments_are_named_after_feature_and_number() -> None:
    assert segment_name("chat", 7) == "chat-evidence-7"


def a_high(**changes: object) -> Json:
    """A manifest of tier High that has all it needs."""
    body = a_manifest(
        a_signal("errors", max="0.02"), a_signal("slow", max="0.1", layer="Infrastructure")
    )
    body["spec"] |= {
        "riskTier": "High",
        "explainability": SAID,
        "failureModes": [{"class": "Hallucination", "signal": "errors"}],
        "fallback": {"type": "Rules"},
    } | changes
    return body


def faults_of(body: Json) -> list[str]:
    from goaround.cli.rules import broken_rules

    return list(broken_rules(AIFeatureSpec.model_validate(body["spec"]), "spec"))


def test_a_feature_of_tier_high_with_all_it_needs_is_taken() -> None:
    assert faults_of(a_high()) == []


@pytest.mark.parametrize("part", ["explainability", "failureModes"])
def test_tier_high_needs_words(part: str) -> None:
    body = a_high()
    del body["spec"][part]
    (told,) = faults_of(body)
    assert f"riskTier High needs {part}" in told


@pytest.mark.parametrize(
    "signals",
    [
        [
            a_signal("errors", max="0.02", layer="DataPipeline"),
            a_signal("b", max="0.1", layer="Infrastructure"),
        ],
        [
            a_signal("errors", vsStable={"worseBy": "0.1"}),
            a_signal("b", max="0.1", layer="Infrastructure"),
        ],
    ],
)
def test_tier_high_needs_a_bound_on_what_users_get(signals: list[Json]) -> None:
    body = a_high(acceptance={"scope": "x", "signals": signals})
    (told,) = faults_of(body)
    assert "of layer OutputQuality or Safety with max or min" in told


def test_a_lower_tier_needs_nothing() -> None:
    assert faults_of(a_manifest(riskTier="Limited")) == []
