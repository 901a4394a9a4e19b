"""What the operator proposes to people, each with its reason. It decides none of it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from goaround.api.gravity import GRAVE
from goaround.api.incident import AIIncidentStatus, Severity
from goaround.api.incident_status import ENDED, LONGEST_TAIL
from goaround.api.judgement import DataExposure
from goaround.api.latches import SignalStatus
from goaround.incident.regimes import unknown_regimes
from goaround.incident.seen import Seen, signals_now

MOST = 8
CORE = frozenset({"empty-answer-rate", "identical-result-share", "retrieval-empty-rate"})
"""Presets whose breach means that the core function is broken."""


def with_proposals(seen: Seen, after: AIIncidentStatus, now: datetime) -> AIIncidentStatus:
    """The step of a pass that begins the list anew; later steps add theirs with `proposing`."""
    if seen.incident.status.phase in ENDED:
        return after
    return proposing(after.but(proposals=[]), (*_raises(seen), *unknown_regimes(seen)))


def proposing(after: AIIncidentStatus, lines: Iterable[str]) -> AIIncidentStatus:
    """With these proposals behind those that are there; what is too much is left out."""
    cut = (line[:LONGEST_TAIL] for line in lines)
    return after.but(proposals=list(dict.fromkeys((*after.proposals, *cut)))[:MOST])


def _raises(seen: Seen) -> Iterator[str]:
    """Reasons for another severity, the gravest first."""
    spec, said = seen.spec, seen.spec.severity
    if said is not Severity.P1 and spec.impact.harm is not None:
        yield f"raise to P1: spec.impact.harm is {spec.impact.harm}, which is significant harm"
    if said is not Severity.P1 and spec.impact.data_exposure is DataExposure.CONFIRMED:
        yield "raise to P1: spec.impact.dataExposure is Confirmed"
    if said in GRAVE:
        return
    yield from _broken(seen)
    yield from _promised(seen)


def _broken(seen: Seen) -> Iterator[str]:
    for told in _signals(seen):
        signal = seen.feature.spec.signal(told.name) if seen.feature is not None else None
        if told.verdict == "Bad" and signal is not None and signal.preset in CORE:
            yield f"raise to P2: {told.name} is out of bounds, which breaks the core function"


def _promised(seen: Seen) -> Iterator[str]:
    """Signals that are worse than a contract promises."""
    bounds = seen.feature.spec.incident.contractual if seen.feature is not None else []
    for bound in bounds:
        shares = [_share(told) for told in _signals(seen) if told.name == bound.signal]
        if any(share is not None and share > float(bound.share) for share in shares):
            yield f"raise to P2: {bound.signal} is worse than the {bound.share} that is promised"


def _signals(seen: Seen) -> Sequence[SignalStatus]:
    """As they are, and as they were when it was decided."""
    now = signals_now(seen.feature) if seen.feature is not None else ()
    return (*now, *seen.incident.status.signals)


def _share(told: SignalStatus) -> float | None:
    """The share of bad events so far; None where it counts none."""
    if told.bad is None or told.total is None:
        return None
    total = float(told.total)
    return float(told.bad) / total if total > 0 else None
