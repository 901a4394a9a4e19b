"""What a replica makes of lists and events: when apps must hear, and what is remembered."""

import json
from dataclasses import dataclass, field

from goaround.api.base import Json
from goaround.delivery.flagset import FeatureKey
from goaround.delivery.flagstate import FlagState
from goaround.delivery.selector import Selector
from tests.unit.delivery import builders as b

CHAT = ("shop", "chat")


@dataclass
class Replica:
    """A state and what it called."""

    namespaces: tuple[str, ...] = ()
    told: list[FeatureKey] = field(default_factory=list)
    listed: int = 0
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = FlagState(
            self.namespaces,
            on_change=self.told.append,
            on_listed=self._count,
            on_problem=self.problems.append,
        )

    def _count(self) -> None:
        self.listed += 1

    def flags(self, selector: str = "shop/chat") -> Json:
        found: Json = json.loads(self.state.snapshot(Selector.parse(selector)).text)["flags"]
        return found

    def variant(self, flag: str = "chat.release") -> str | None:
        core = b.core_with(self.state.snapshot(Selector(*CHAT)).text)
        return b.evaluated(core, None, flag).variant


def listed(*features: Json, switches: tuple[Json, ...] = ()) -> Replica:
    replica = Replica()
    replica.state.list_features(features)
    replica.state.list_switches(switches)
    replica.told.clear()
    return replica


def test_it_is_listed_once_features_and_switches_of_every_namespace_are() -> None:
    replica = Replica(("lab", "shop"))
    for namespace in ("lab", "shop"):
        replica.state.list_features([], namespace)
        assert not replica.state.listed
    replica.state.list_switches([], "lab")
    assert replica.state.missing == ("switches of shop",)
    replica.state.list_switches([], "shop")
    replica.state.list_switches([], "shop")
    assert replica.state.listed
    assert replica.listed == 1


def test_apps_hear_of_a_new_split_a_new_release_and_a_new_revision() -> None:
    replica = listed(b.feature_body())
    for changed in (
        b.feature_body(split=(50, 50, 0)),
        b.feature_body(split=(50, 50, 0), flying=b.candidate("v43")),
        b.feature_body(split=(50, 50, 0), flying=b.candidate("v43"), revision=101),
    ):
        replica.told.clear()
        replica.state.see_feature("MODIFIED", changed)
        assert replica.told == [CHAT]


def test_apps_hear_nothing_of_unrelated_changes() -> None:
    replica = listed(b.feature_body())
    for more in (
        {"summary": "hold: no data"},
        {"signals": [{"name": "errors", "verdict": "Good", "message": "fine"}]},
        {"hold": "no data", "stage": "Holding"},
    ):
        body = b.feature_body()
        body["status"] |= more
        body["metadata"]["annotations"] = {"note": "x"}
        replica.state.see_feature("MODIFIED", body)
    assert replica.told == []
    assert replica.flags()["chat.release"]["metadata"]["stage"] == "Holding"


def test_a_switch_kills_before_any_operator_acted() -> None:
    replica = listed(b.feature_body())
    replica.state.see_switch("ADDED", b.switch_body())
    assert replica.told == [CHAT]
    assert replica.variant() == "fallback"
    assert replica.flags()["chat.release"]["metadata"]["stage"] == "Killed"


def test_a_switch_that_was_there_first_kills_a_feature_that_comes_later() -> None:
    replica = listed(switches=(b.switch_body(),))
    replica.state.see_feature("ADDED", b.feature_body())
    assert replica.variant() == "fallback"


def test_a_switch_by_label_kills_all_that_carry_it_and_no_other() -> None:
    chat = b.feature_body("chat", labels={"tier": "gold"})
    replica = listed(chat, b.feature_body("search"))
    replica.state.see_switch("ADDED", b.switch_body(labels={"tier": "gold"}))
    assert replica.told == [CHAT]
    replica.state.see_feature("MODIFIED", b.feature_body("search", labels={"tier": "gold"}))
    assert replica.told[-1] == ("shop", "search")


def test_a_recorded_switch_that_vanishes_holds_until_a_newer_decision() -> None:
    replica = listed(b.feature_body(revision=100), switches=(b.switch_body(),))
    replica.state.see_switch("MODIFIED", b.switch_body(latched=105))
    replica.state.see_switch("DELETED", b.switch_body(latched=105))
    assert replica.variant() == "fallback"
    replica.state.see_feature("MODIFIED", b.feature_body(revision=105))
    assert replica.variant() == "fallback"
    replica.state.see_feature("MODIFIED", b.feature_body(revision=106))
    assert replica.variant() == "stable"


def test_a_switch_whose_record_came_with_its_deletion_is_remembered() -> None:
    replica = listed(b.feature_body(revision=100), switches=(b.switch_body(),))
    replica.state.see_switch("DELETED", b.switch_body(latched=105))
    assert replica.variant() == "fallback"


def test_a_switch_that_vanished_in_a_gap_is_remembered() -> None:
    replica = listed(b.feature_body(revision=100), switches=(b.switch_body(latched=105),))
    replica.state.list_switches([])
    assert replica.variant() == "fallback"


def test_a_switch_that_was_replaced_under_its_name_is_remembered() -> None:
    replica = listed(b.feature_body(revision=100), switches=(b.switch_body(latched=105),))
    other = b.switch_body(feature="search")
    other["metadata"]["uid"] = "another"
    replica.state.list_switches([other])
    assert replica.variant() == "fallback"


def test_a_switch_that_vanished_unrecorded_leaves_nothing_behind() -> None:
    replica = listed(b.feature_body(), switches=(b.switch_body(),))
    replica.state.see_switch("DELETED", b.switch_body())
    assert replica.variant() == "stable"


def test_a_deleted_feature_loses_its_flags() -> None:
    replica = listed(b.feature_body())
    replica.state.see_feature("DELETED", b.feature_body())
    assert replica.told == [CHAT]
    assert replica.flags() == {}


def test_a_feature_that_a_new_list_lacks_loses_its_flags() -> None:
    replica = listed(b.feature_body(), b.feature_body("search"))
    replica.state.list_features([b.feature_body("search")])
    assert replica.told == [CHAT]
    assert replica.flags() == {}
    assert set(replica.flags("shop")) == {"search.release", "search.bucket"}


def test_a_list_of_one_namespace_leaves_the_others_alone() -> None:
    replica = Replica(("shop", "lab"))
    replica.state.list_features([b.feature_body()], "shop")
    replica.state.list_features([b.feature_body(namespace="lab")], "lab")
    replica.state.list_features([], "lab")
    assert set(replica.flags("shop")) == {"chat.release", "chat.bucket"}
    assert replica.flags("lab") == {}


def test_the_younger_of_two_features_with_one_key_has_no_flags_until_the_older_goes() -> None:
    old = b.feature_body("chat", created="2026-01-01T00:00:00Z", flag={"key": "k"})
    new = b.feature_body("search", created="2026-02-01T00:00:00Z", flag={"key": "k"})
    replica = listed(new)
    replica.state.see_feature("ADDED", old)
    assert replica.flags("shop/search") == {}
    assert set(replica.flags("shop")) == {"k", "chat.bucket"}
    assert "an older feature owns" in replica.problems[-1]
    replica.state.see_feature("DELETED", old)
    assert set(replica.flags("shop/search")) == {"k", "search.bucket"}
    assert replica.state.problems == ()


def test_a_feature_that_cannot_be_read_falls_back_while_others_go_on() -> None:
    bad = b.feature_body()
    bad["status"]["split"] = {"stable": "many"}
    replica = listed(bad, b.feature_body("search"))
    assert replica.variant() == "fallback"
    assert len(replica.state.problems) == 1
    core = b.core_with(replica.state.snapshot(Selector("shop")).text)
    assert b.evaluated(core, None, "search.release").variant == "stable"


def test_a_feature_that_cannot_be_read_keeps_its_key_and_its_fallback() -> None:
    bad = b.feature_body(flag={"key": "k"}, fallback={"type": "Rules"})
    bad["status"]["candidate"] = {"attempt": "first"}
    replica = listed(bad)
    (only,) = replica.flags()["k"]["variants"]["fallback"]["fallback"]["chain"]
    assert only["type"] == "Rules"


def test_a_stage_of_a_newer_operator_is_no_reason_to_fall_back() -> None:
    replica = listed(b.feature_body(stage="Shadow"))
    assert replica.variant() == "stable"
    assert replica.state.problems == ()


def test_a_problem_is_told_once_and_goes_when_it_is_mended() -> None:
    bad = b.feature_body()
    bad["status"]["split"] = {"stable": "many"}
    replica = listed(bad)
    again = json.loads(json.dumps(bad))
    again["status"]["revision"] = 101
    replica.state.see_feature("MODIFIED", again)
    assert len(replica.problems) == 1
    replica.state.see_feature("MODIFIED", b.feature_body(revision=102))
    assert replica.state.problems == ()


def test_a_switch_that_cannot_be_read_is_a_problem_until_it_goes() -> None:
    odd = b.switch_body()
    odd["spec"] = {"featureRef": "chat"}
    replica = listed(b.feature_body(), switches=(odd,))
    assert "kill switch shop/stop cannot be read" in replica.state.problems[0]
    replica.state.see_switch("DELETED", odd)
    assert replica.state.problems == ()


def test_a_set_over_the_limit_is_refused_with_what_to_do() -> None:
    heavy = b.candidate("v42")
    heavy["release"]["parameters"] = {f"p{n}": "x" * 500 for n in range(32)}
    replica = listed(*(b.feature_body(f"f{n:03d}", flying=heavy) for n in range(200)))
    snapshot = replica.state.snapshot(Selector("shop"))
    assert snapshot.refused is not None
    assert "Use the selector <namespace>/<feature>" in snapshot.refused
    assert replica.state.snapshot(Selector("shop", "f001")).refused is None
