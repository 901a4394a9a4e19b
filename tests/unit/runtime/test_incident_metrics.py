"""Figures of incidents: each thing counted once, times told from now, nothing left of the ended."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

from prometheus_client import CollectorRegistry

from goaround.api.aftermath import ActionItem
from goaround.api.incident import AIIncidentStatus, Severity
from goaround.api.incident_status import (
    Comms,
    Deadline,
    DeadlineState,
    Message,
    MessageState,
    Milestones,
    Phase,
)
from goaround.api.kinds import INCIDENTS, AIIncident
from goaround.runtime.incident_counts import BUCKETS
from goaround.runtime.incident_metrics import MOST_DEADLINES, IncidentMetrics
from goaround.runtime.queue import Key
from tests.crash.clock import VirtualTimeLoop
from tests.unit.incident.build import AT, NAME, an_incident
from tests.unit.runtime.bench import MemoryApi, in_virtual_time
from tests.unit.runtime.messages_kit import contained
from tests.unit.runtime.operator_kit import bench

MINUTE = timedelta(minutes=1)
HASH = "sha256:" + "0" * 64
ONE = {"namespace": "shop", "feature": "chat", "incident": NAME}
P3 = {"severity": "P3", "drill": "false"}


class Shown:
    """Figures on a clock that the test moves."""

    def __init__(self) -> None:
        self.now = AT
        self.registry = CollectorRegistry()
        self.metrics = IncidentMetrics(self.registry, lambda: self.now)

    def written(self, before: AIIncidentStatus, after: AIIncidentStatus, **spec: Any) -> None:
        found = an_incident()
        self.metrics.seen(found.but(status=before, spec=found.spec.but(**spec)), after)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"goaround_incident_{name}", labels)

    def series(self) -> list[str]:
        """Series that name the incident."""
        return [
            sample.name
            for family in self.registry.collect()
            for sample in family.samples
            if NAME in sample.labels.values()
        ]


def a_status(phase: Phase | None = Phase.DETECTED, **more: Any) -> AIIncidentStatus:
    at = more.pop("at", {"detected_at": AT})
    return AIIncidentStatus(phase=phase, severity=Severity.P3, milestones=Milestones(**at), **more)


NEW = AIIncidentStatus()


def test_an_open_incident_is_told_by_feature_severity_and_phase_until_it_has_ended() -> None:
    shown, where = Shown(), {"namespace": "shop", "feature": "chat"} | P3
    for phase in (Phase.DETECTED, Phase.CONTAINED, Phase.RESOLVED):
        shown.written(NEW, a_status(phase))
        assert shown.value("open", **where, phase=phase) == 1
    assert shown.value("open", **where, phase="Detected") is None
    for phase in (Phase.CLOSED, Phase.CANCELLED, Phase.MERGED):
        shown.written(NEW, a_status(phase))
        assert shown.value("open", **where, phase="Resolved") is None


def test_times_from_one_milestone_to_the_next_are_observed_at_the_write_that_has_both() -> None:
    shown = Shown()
    begun = {"started_at": AT - MINUTE, "detected_at": AT}
    assigned = begun | {"assigned_at": AT + 2 * MINUTE}
    shown.written(NEW, a_status(at=begun))
    shown.written(a_status(at=begun), a_status(at=assigned))
    assert shown.value("time_to_detect_seconds_sum", **P3) == 60
    assert shown.value("time_to_assign_seconds_sum", **P3) == 120
    assert shown.value("time_to_assign_seconds_count", **P3) == 1


def test_a_second_pass_and_a_second_process_count_nothing_again() -> None:
    status = a_status(at={"started_at": AT, "detected_at": AT, "classified_at": AT})
    missed = status.but(deadlines={"assign": Deadline(due=AT, state=DeadlineState.MISSED)})
    for shown in (Shown(), Shown()):
        shown.written(missed, missed)
        shown.written(missed, missed)
        assert shown.value("time_to_classify_seconds_count", **P3) is None
        assert shown.value("deadline_missed_total", severity="P3", deadline="assign") is None
        assert shown.value("opened_total", **P3) == 0


def test_an_incident_that_was_opened_again_counts_its_first_resolution() -> None:
    shown = Shown()
    over = a_status(Phase.RESOLVED, at={"detected_at": AT, "resolved_at": AT + MINUTE})
    again = a_status(at={"detected_at": AT, "reopened_at": AT + 2 * MINUTE})
    at = {"detected_at": AT, "reopened_at": AT + 2 * MINUTE, "resolved_at": AT + 9 * MINUTE}
    for before, after in ((NEW, over), (over, again), (again, a_status(Phase.RESOLVED, at=at))):
        shown.written(before, after)
    assert shown.value("time_to_resolve_seconds_count", **P3) == 1
    assert shown.value("time_to_resolve_seconds_sum", **P3) == 60
    assert shown.value("reopened_total", severity="P3") == 1


def test_a_drill_is_told_apart() -> None:
    shown = Shown()
    shown.written(NEW, a_status(at={"started_at": AT, "detected_at": AT}), drill="Practice")
    of_drills = {"severity": "P3", "drill": "true"}
    assert shown.value("time_to_detect_seconds_count", **of_drills) == 1
    assert shown.value("time_to_detect_seconds_count", **P3) is None


def test_the_time_that_is_left_is_counted_when_it_is_asked_for() -> None:
    shown = Shown()
    due = Deadline(due=AT + 15 * MINUTE)
    shown.written(NEW, a_status(deadlines={"classify": due}))
    where = ONE | P3 | {"deadline": "classify"}
    assert shown.value("deadline_remaining_seconds", **where) == 900
    shown.now = AT + 20 * MINUTE
    assert shown.value("deadline_remaining_seconds", **where) == -300


def test_a_clock_that_was_met_or_waived_has_no_series() -> None:
    shown = Shown()
    for state in (DeadlineState.MET, DeadlineState.LATE, DeadlineState.WAIVED):
        shown.written(NEW, a_status(deadlines={"classify": Deadline(due=AT, state=state)}))
        assert shown.series() == []


def test_when_it_is_over_only_clocks_that_still_matter_are_told() -> None:
    shown = Shown()
    ledger = {n: Deadline(due=AT) for n in ("assign", "updateInternal", "note", "regulatory-gdpr")}
    shown.written(NEW, a_status(Phase.RESOLVED, deadlines=ledger))
    for name, told in (("assign", False), ("updateInternal", False), ("note", True)):
        found = shown.value("deadline_remaining_seconds", **ONE, **P3, deadline=name)
        assert (found is not None) is told
    where = ONE | P3 | {"deadline": "regulatory-gdpr"}
    assert shown.value("deadline_remaining_seconds", **where) == 0


def test_a_missed_update_that_was_made_good_is_one_miss() -> None:
    shown = Shown()
    missed = {"updateInternal": Deadline(due=AT, state=DeadlineState.MISSED)}
    late = {"updateInternalLate": Deadline(due=AT, state=DeadlineState.LATE)}
    shown.written(a_status(), a_status(deadlines=missed))
    shown.written(a_status(deadlines=missed), a_status(deadlines=late))
    labels = {"severity": "P3", "deadline": "updateInternal"}
    assert shown.value("deadline_missed_total", **labels) == 1
    shown.written(a_status(), a_status(deadlines=late))
    assert shown.value("deadline_missed_total", **labels) == 2


def test_series_of_deadlines_are_bounded_and_the_first_due_ones_are_shown() -> None:
    shown = Shown()
    for number in range(MOST_DEADLINES // 25 + 1):
        ledger = {f"c{n}": Deadline(due=AT + number * MINUTE) for n in range(25)}
        found = an_incident()
        meta = found.metadata.but(name=f"i{number}")
        shown.metrics.seen(found.but(metadata=meta), a_status(deadlines=ledger))
    (family,) = (f for f in shown.registry.collect() if f.name.endswith("remaining_seconds"))
    assert len(family.samples) == MOST_DEADLINES
    assert shown.value("deadlines_hidden") == 25
    assert "i0" in {s.labels["incident"] for s in family.samples}


def test_the_share_of_a_supervisors_time_that_is_left_falls() -> None:
    shown = Shown()
    ledger = {"regulatory-gdpr": Deadline(due=AT + 100 * MINUTE)}
    shown.written(NEW, a_status(deadlines=ledger))
    shown.now = AT + 80 * MINUTE
    assert shown.value("regulatory_left_ratio", **ONE, regime="gdpr") == 0.2


def test_an_effect_that_is_not_seen_grows_older_until_it_is_contained() -> None:
    shown, where = Shown(), ONE | P3
    at = {"detected_at": AT, "delivered_at": AT}
    shown.written(NEW, a_status(at=at))
    shown.now = AT + 3 * MINUTE
    assert shown.value("uncontained_seconds", **where) == 180
    shown.written(a_status(at=at), a_status(Phase.CONTAINED, at=at | {"contained_at": AT}))
    assert shown.value("uncontained_seconds", **where) is None


def test_action_items_are_done_open_or_overdue() -> None:
    shown = Shown()
    items = [
        ActionItem(name=f"a{n}", title="t", owner="tom", due=AT + n * MINUTE, done=n == 3)
        for n in (1, 2, 3)
    ]
    shown.now = AT + 1.5 * MINUTE
    shown.written(NEW, a_status(), action_items=items)
    for state in ("done", "open", "overdue"):
        assert shown.value("action_items", namespace="shop", feature="chat", state=state) == 1


def a_message(state: MessageState, *took: str) -> dict[str, Message]:
    one = Message(
        kind="brief", state=state, rendered_at=AT, since=AT, to=["ops", "desk"], took=list(took),
        hash=HASH,
    )  # fmt: skip
    return {"brief-1": one}


def test_a_message_is_counted_once_for_each_channel() -> None:
    shown = Shown()
    states = [
        a_status(comms=Comms(messages=a_message(MessageState.SENDING))),
        a_status(comms=Comms(messages=a_message(MessageState.SENDING, "ops"))),
        a_status(comms=Comms(messages=a_message(MessageState.FAILED, "ops"))),
    ]
    shown.now = AT + MINUTE
    for before, after in pairwise(states):
        assert shown.value("message_waiting_seconds", channel="desk") in (None, 60)
        shown.written(before, after)
        shown.written(after, after)
    counted = {
        pair: shown.value("notifications_total", channel=pair[0], result=pair[1])
        for pair in (("ops", "delivered"), ("desk", "failed"), ("ops", "failed"))
    }
    assert list(counted.values()) == [1, 1, None]
    assert shown.value("messages_failed", channel="desk") == 1
    assert shown.value("message_waiting_seconds", channel="desk") is None


def test_an_update_that_is_overdue_is_told_by_audience() -> None:
    shown = Shown()
    shown.written(NEW, a_status(comms=Comms(next_internal_due=AT, next_external_due=AT + MINUTE)))
    shown.now = AT + timedelta(seconds=1)
    where = {"namespace": "shop", "feature": "chat"}
    assert shown.value("comms_overdue", **where, audience="internal") == 1
    assert shown.value("comms_overdue", **where, audience="external") is None


def test_a_cancelled_incident_is_counted_once_and_leaves_nothing() -> None:
    shown, ended = Shown(), a_status(Phase.CANCELLED)
    shown.written(a_status(), ended)
    shown.written(ended, ended)
    assert shown.value("cancelled_total", severity="P3") == 1
    assert shown.series() == []


def test_an_incident_that_is_deleted_leaves_nothing() -> None:
    shown = Shown()
    shown.written(NEW, a_status(exposed_requests=7, deadlines={"note": Deadline(due=AT)}))
    assert len(shown.series()) == 2
    shown.metrics.forget("shop", NAME)
    assert shown.series() == []


def test_when_another_process_takes_over_nothing_is_told_any_more() -> None:
    shown = Shown()
    shown.written(NEW, a_status(deadlines={"note": Deadline(due=AT)}))
    shown.metrics.clear()
    assert shown.series() == []
    assert shown.value("opened_total", **P3) == 1


def test_due_times_of_the_clocks_are_bounds_of_buckets() -> None:
    assert {300, 900, 1800, 3600, 7200, 86400} <= set(BUCKETS)


def test_an_operator_tells_of_the_incidents_that_it_looks_at() -> None:
    body = contained()

    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        await api.create(INCIDENTS, "shop", body)
        name = body["metadata"]["name"]
        async with bench(loop, api) as operator:
            key = Key(INCIDENTS.plural, "shop", name)
            await operator.controller.look_at(key)
            await operator.controller.look_at(key)
            text = operator.metrics.text().decode()
            assert 'goaround_incident_opened_total{drill="false",severity="P3"} 1.0' in text
            assert f'incident="{name}"' in text
            found = AIIncident.model_validate(api.body(INCIDENTS, "shop", name))
            operator.metrics.incidents.forget(*found.key)
            assert f'incident="{name}"' not in operator.metrics.text().decode()

    in_virtual_time(test)
