"""What the operator asks people to do, beside what they planned: `status.system_actions`.

Each is asked once, with its due time, and is done when the facts say so. It writes no action item:
those are people's.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from goaround.api.conditions import find
from goaround.api.incident import AIIncidentStatus, Severity
from goaround.api.incident_status import ENDED, SystemAction
from goaround.api.judgement import ContainmentAction
from goaround.api.reasons import ConditionType
from goaround.incident.seen import Seen
from goaround.incident.trend import CORRECTIVE_ACTION

WEEK, SPRINT = timedelta(days=7), timedelta(days=14)
CLOSE_THE_GAP = "close-fallback-gap"
REMOVALS = {
    ContainmentAction.FILTER: "remove-filter",
    ContainmentAction.THRESHOLD_ADJUST: "remove-threshold",
}


def with_system_actions(seen: Seen, after: AIIncidentStatus, now: datetime) -> AIIncidentStatus:
    """The step of a pass that asks, and sees what was done."""
    if seen.incident.status.phase in ENDED:
        return after
    asked, known = dict(_asked(seen, after, now)), after.system_actions
    found = asked | {name: told for name, told in known.items() if not _follows(name, asked)}
    names = (*known, *(name for name in asked if name not in known))
    return after.but(
        system_actions={n: found[n].but(done=_is_done(seen, n, n in asked)) for n in names}
    )


def _follows(name: str, asked: Mapping[str, SystemAction]) -> bool:
    """Whether it is due when people say: what ends by itself ends when its request says so."""
    return name in asked and name in REMOVALS.values()


def _asked(
    seen: Seen, after: AIIncidentStatus, now: datetime
) -> Iterator[tuple[str, SystemAction]]:
    """What has to be done as things are now."""
    if (gap := _gap(seen)) is not None:
        yield CLOSE_THE_GAP, SystemAction(title=gap[:256], due=now + WEEK)
    if after.severity is Severity.P3 and seen.spec.severity is Severity.P4:
        told = "what it was an early sign of goes on: plan a corrective action in spec.actionItems"
        yield CORRECTIVE_ACTION, SystemAction(title=told, due=now + SPRINT)
    request = seen.spec.containment
    if request is not None and request.action in REMOVALS and request.expires_at is not None:
        told = f"take {request.action} out of spec.containment: what is too narrow breaks later"
        yield REMOVALS[request.action], SystemAction(title=told, due=request.expires_at)


def _gap(seen: Seen) -> str | None:
    """Why there was no way back, where there was none."""
    for feature in seen.features:
        ready = find(feature.status.conditions, ConditionType.FALLBACK_READY)
        if ready is not None and ready.status == "False":
            return f"close the gap behind {feature.metadata.name}: {ready.message}"
    return None


def _is_done(seen: Seen, name: str, asked: bool) -> bool:
    """Gone, or adopted: people may make it an action item of the same name."""
    if name == CORRECTIVE_ACTION:
        return bool(seen.spec.action_items)
    adopted = any(item.name == name for item in seen.spec.action_items)
    known = bool(seen.features) or name != CLOSE_THE_GAP
    return adopted or (known and not asked)


def undone(after: AIIncidentStatus) -> list[str]:
    """What is still to do, by name."""
    return [name for name, action in after.system_actions.items() if not action.done]
