"""Breaking the glass: people let one release through the freeze of one incident.

Decides which release that is: the one that spec asks for when the annotation is heard, and no later
one. It passes the freeze and nothing else: kills, quarantine, evidence and people's approvals stay.
That only those with verb `breakglass` set it is the API server's business (crds/policies).
"""

from datetime import datetime

from goaround.api import names
from goaround.api.digest import release_digest, short
from goaround.api.kinds import AIIncident
from goaround.api.reasons import EventReason
from goaround.api.status import AIFeatureStatus, BreakGlass
from goaround.rollout.freeze import freezing
from goaround.rollout.moves import in_flight, move
from goaround.rollout.observed import Observed

LONGEST = 400


def heard(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """`status` that has taken note of the annotation; once it is taken out, the glass is whole."""
    said = _said(o)
    if said is None:
        return status.but(break_glass=None) if status.break_glass is not None else status
    if status.break_glass is not None and status.break_glass.said == said:
        return status
    name, _, reason = (part.strip() for part in said.partition(":"))
    found = next((i for i in freezing(o) if i.metadata.name == name), None)
    if found is None or not reason:
        return _ignored(status, said, now)
    return _broken(o, status, BreakGlass(said=said, incident=name, at=now), now)


def lets_through(o: Observed, status: AIFeatureStatus, incident: AIIncident) -> bool:
    """Whether what would go up now passes the freeze of this incident."""
    glass, flown = status.break_glass, status.candidate
    if glass is None or glass.incident != incident.metadata.name:
        return False
    wanted = flown.digest if flown is not None and in_flight(status) else None
    return glass.digest == (wanted or release_digest(o.feature.spec.release))


def _broken(
    o: Observed, status: AIFeatureStatus, glass: BreakGlass, now: datetime
) -> AIFeatureStatus:
    digest = release_digest(o.feature.spec.release)
    return move(
        status,
        now,
        EventReason.GLASS_BROKEN,
        f"Release {short(digest)} may pass the freeze of AIIncident {glass.incident}: {glass.said}."
        f" No other release may, and no kill or proof of harm yields. Take annotation "
        f"{names.BREAK_GLASS} out when it has landed.",
        warning=True,
        break_glass=glass.but(digest=digest),
    )


def _ignored(status: AIFeatureStatus, said: str, now: datetime) -> AIFeatureStatus:
    return move(
        status,
        now,
        EventReason.GLASS_KEPT,
        f"Annotation {names.BREAK_GLASS} {said[:100]!r} lets nothing through: it has to be "
        "'<incident>: <reason>', with an AIIncident that freezes this feature now. It is not "
        "looked at again until it changes.",
        warning=True,
        break_glass=BreakGlass(said=said, at=now),
    )


def _said(o: Observed) -> str | None:
    found = o.feature.metadata.annotations.get(names.BREAK_GLASS)
    return " ".join(found.split())[:LONGEST] if found is not None else None
