"""The re-enable gate and the freeze, line by line on the incident.

Says what the feature's gate says, and what people must still say of this very incident. Decides
nothing: whoever holds a release is the feature's own gate, by the same rules.
"""

from collections.abc import Iterator
from datetime import datetime

from goaround.api.conditions import Wanted, condition
from goaround.api.gravity import freezes
from goaround.api.incident import AIIncidentStatus
from goaround.api.incident_status import LONGEST_TAIL, OVER
from goaround.api.reasons import ConditionType, Reason
from goaround.api.recovery import learnt
from goaround.api.signals import Layer
from goaround.api.status import GateRule
from goaround.incident.seen import Seen

MOST_RULES, MOST_WORDS = 16, 800


def with_gate(seen: Seen, after: AIIncidentStatus, now: datetime) -> AIIncidentStatus:
    """The step of a pass that lists the rules; nothing of an incident that is over."""
    return after.but(gate=[] if after.phase in OVER else _rules(seen, after)[:MOST_RULES])


def is_freezing(seen: Seen, after: AIIncidentStatus) -> bool:
    """Whether new releases of its features wait for it."""
    return freezes(seen.spec) and after.phase not in OVER


def frozen(seen: Seen, after: AIIncidentStatus) -> Iterator[Wanted]:
    """`ChangeFrozen`, and whether the gate is open."""
    if not is_freezing(seen, after):
        return
    named = ", ".join(f.name for f in seen.spec.affects[:3])
    glass = [
        f"release {g.digest[7:19]} of {f.metadata.name} may pass ({g.said[:120]})"
        for f in seen.features
        if (g := f.status.break_glass) is not None
        and g.digest is not None
        and g.incident == seen.incident.metadata.name
    ]
    told = f"{named}: new releases are held; kill, rollback and last-known-good are not"
    why = Reason.GLASS_BROKEN if glass else Reason.CHANGE_FREEZE
    yield condition(ConditionType.CHANGE_FROZEN, "True", why, "; ".join([told, *glass]))
    closed = [r for r in after.gate if not r.open]
    kind = ConditionType.RE_ENABLE_READY
    if closed:
        told = "; ".join(f"{r.name}: {r.reason}" for r in closed)[:MOST_WORDS]
        yield condition(kind, "False", Reason.GATE_CLOSED, told)
    else:
        yield condition(kind, "True", Reason.GATE_OPEN, "every rule is open: a fix may fly")


def _rules(seen: Seen, after: AIIncidentStatus) -> list[GateRule]:
    """Its own first, by the same names as the feature's."""
    green = {
        s.name
        for f in seen.features
        for s in f.status.signals
        if s.verdict == "Good" and _layers(seen).get(s.name) is Layer.DATA_PIPELINE
    }
    own = {r.name: r for r in learnt(seen.spec, after, green)}
    theirs = {r.name: r for r in (seen.feature.status.gate if seen.feature is not None else ())}
    return [r.but(reason=r.reason[:LONGEST_TAIL]) for r in (theirs | own).values()]


def _layers(seen: Seen) -> dict[str, Layer]:
    return {s.name: s.watches for f in seen.features for s in f.spec.acceptance.signals}
