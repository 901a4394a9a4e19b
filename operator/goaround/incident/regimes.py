"""Regulatory clocks: off until a feature names a regime, and additional to all others.

Computes and reminds. Whether a duty exists is a legal question that it refuses to answer.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from goaround.api.gravity import GRAVE
from goaround.api.incident import AIIncidentStatus
from goaround.api.incident_status import ENDED, Deadline, DeadlineState
from goaround.incident.calendar import words
from goaround.incident.ledger import judged, waived, whole
from goaround.incident.seen import Seen

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REGIMES = {
    "gdpr": 72 * HOUR,
    "cps-230": 72 * HOUR,
    "ndb": 30 * DAY,
    "eu-ai-act": 15 * DAY,
    "eu-ai-act-death": 10 * DAY,
    "eu-ai-act-widespread": 2 * DAY,
}
"""How long after people became aware; to be checked against the law as it is in force."""

MOST = 8
PREFIX = "regulatory-"


def regulatory(seen: Seen, after: AIIncidentStatus, now: datetime) -> dict[str, Deadline]:
    """Entries of the ledger, by `regulatory-<regime>`; what was opened stays."""
    known = {k: d for k, d in after.deadlines.items() if k.startswith(PREFIX)}
    wanted = [f"{PREFIX}{name}" for name in _regimes(seen)] if _is_asked(seen, after) else []
    names = [*known, *(name for name in wanted if name not in known)][:MOST]
    found = ((name, _entry(seen, after, now, name)) for name in names)
    return {name: entry for name, entry in found if entry is not None}


def _is_asked(seen: Seen, after: AIIncidentStatus) -> bool:
    """For what is grave, and wherever people say since when they are aware of it."""
    grave = after.severity in GRAVE
    return seen.spec.drill is None and (grave or seen.spec.regulatory.aware_at is not None)


def _entry(seen: Seen, after: AIIncidentStatus, now: datetime, key: str) -> Deadline | None:
    name, known = key.removeprefix(PREFIX), after.deadlines.get(key)
    told = now if name in seen.spec.regulatory.reported else None
    if known is not None:
        known = judged(known, told, now)
    aware = seen.spec.regulatory.aware_at or after.milestones.detected_at
    if after.phase in ENDED:
        return waived(known)
    span = _span(seen, name)
    if known is not None and known.state is not DeadlineState.PENDING:
        return known
    if span is None or aware is None:
        return known
    basis = f"{words(span)} after aware"
    return judged(Deadline(due=whole(aware + span), basis=basis), told, now)


def _span(seen: Seen, name: str) -> timedelta | None:
    return seen.settings.regimes.get(name) or REGIMES.get(name)


def _regimes(seen: Seen) -> list[str]:
    """Those of all features concerned that are known, in a fixed order."""
    asked = {name for f in seen.features for name in f.spec.incident.regimes}
    return sorted(name for name in asked if _span(seen, name) is not None)


def unknown_regimes(seen: Seen) -> Iterator[str]:
    """Names that mean nothing here, for people to mend."""
    for feature in seen.features:
        named = feature.spec.incident.regimes
        if unknown := [name for name in named if _span(seen, name) is None]:
            yield (
                f"{feature.metadata.name} names regimes without a time: {', '.join(unknown)}; ask "
                "the administrator to add them to incidents.regimes"
            )
