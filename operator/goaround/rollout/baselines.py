"""What the baselines of signals do to a release: read before the first step, told about in Live.

Decides by what the watch found. A signal that is worse than its baseline is told once for as long
as that lasts; what sends a release back comes as a breach, like that of any other bound. Refuses to
compare anything and to act on a baseline that is missing.
"""

from collections.abc import Mapping
from datetime import datetime

from goaround.api.acceptance import OnBreach
from goaround.api.reasons import EventReason
from goaround.api.status import AIFeatureStatus
from goaround.api.watch import SignalBaseline
from goaround.rollout.moves import in_flight, is_watched, move
from goaround.rollout.observed import Beyond, Observed

READS_BEFORE = "reads what its signals counted before the first step"


def stops_take_off(o: Observed, status: AIFeatureStatus) -> str | None:
    """Why the first step waits; later ones do not: what was before the first is past by then."""
    pinning = o.baselined is not None and o.baselined.pinning
    return READS_BEFORE if pinning and status.step is None else None


def with_baselines(
    o: Observed, before: AIFeatureStatus, after: AIFeatureStatus, now: datetime
) -> AIFeatureStatus:
    """`after` with what bounds are held against; one event per episode of a signal that is worse
    than its baseline allows."""
    beyond = _beyond(o, after)
    rows = [_row(row, after.baselines, beyond) for row in _known(o, after)]
    after = after.but(baselines=rows)
    said = {row.name for row in before.baselines if row.worse_since is not None}
    news = [name for name in worse(after) if name not in said]
    lines = [beyond[name].line for name in news if beyond is not None and name in beyond]
    if not lines:
        return after
    told = (
        f"{'; '.join(lines)}. Nobody is moved for it; look at what changed since "
        f"{o.feature.metadata.name} landed, and go back by Git if it is the release."
    )
    return move(after, now, EventReason.WORSE_THAN_BASELINE, told, warning=True)


def worse(status: AIFeatureStatus) -> list[str]:
    """The signals that are worse than their baseline."""
    return [row.name for row in status.baselines if row.worse_since is not None]


def told(o: Observed, status: AIFeatureStatus) -> str:
    """The proofs of what is worse, or at least the names; empty where nothing is."""
    found = o.judged.beyond if o.judged is not None else {}
    lines = {name: one.line for name, one in found.items() if one.line}
    return "; ".join(lines.get(name, name) for name in worse(status))


def gaps(o: Observed) -> str:
    """Which bounds are held against nothing, and why; empty where none is."""
    found = o.baselined.gaps if o.baselined is not None else {}
    return "; ".join(f"vsBaseline of {name} is not watched: {why}" for name, why in found.items())


def sends_back(o: Observed, status: AIFeatureStatus) -> list[str]:
    """The signals whose baseline, which is there, acts in Live."""
    acting = {
        s.name
        for s in o.feature.spec.acceptance.signals
        if s.vs_baseline is not None and s.vs_baseline.on_breach is OnBreach.FALL_BACK
    }
    idle = o.baselined.gaps if o.baselined is not None else {}
    return [row.name for row in status.baselines if row.name in acting and row.name not in idle]


def _known(o: Observed, after: AIFeatureStatus) -> list[SignalBaseline]:
    """Of the release that is looked at; what was known stays while nothing new is heard."""
    if not any(s.vs_baseline is not None for s in o.feature.spec.acceptance.signals):
        return []
    if o.baselined is None:
        return after.baselines if in_flight(after) or is_watched(after) else []
    flown, good = after.candidate, after.last_known_good
    about = flown if in_flight(after) else good if is_watched(after) else None
    mine = about is not None and about.digest == o.baselined.digest
    return list(o.baselined.known) if mine else []


def _beyond(o: Observed, after: AIFeatureStatus) -> Mapping[str, Beyond] | None:
    """By signal; None where nothing was judged, which ends no episode."""
    judged, good = o.judged, after.last_known_good
    if judged is None or not is_watched(after):
        return None
    return judged.beyond if good is not None and judged.digest == good.digest else None


def _row(
    row: SignalBaseline, kept: list[SignalBaseline], beyond: Mapping[str, Beyond] | None
) -> SignalBaseline:
    if beyond is None:
        return next((k for k in kept if k.but(worse_since=None) == row), row)
    found = beyond.get(row.name)
    return row.but(worse_since=found.since if found is not None else None)
