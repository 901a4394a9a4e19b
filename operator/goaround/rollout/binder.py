"""The evidence binder: one segment for each flight that ended, with what was known when it did.

Decides which flights still want a segment, and what stands in it. A landing is frozen in status
with its last evidence, a way down in its latch; a segment is written after that status, so that the
binder says nothing that was not decided, and never delays a way down.
"""

from collections.abc import Sequence
from datetime import datetime

from goaround.api import names
from goaround.api.base import Json, Model, rfc3339
from goaround.api.evidence_log import (
    LONGEST_LINE,
    MOST_EARLIER,
    MOST_LINES,
    EvidenceLog,
    Landing,
    LandingMark,
)
from goaround.api.reasons import Stage
from goaround.api.status import AIFeatureStatus, Latch, LatchCause
from goaround.rollout.chain import end_of, is_told, surplus
from goaround.rollout.go_back import is_back
from goaround.rollout.moves import in_flight
from goaround.rollout.observed import Observed
from goaround.rollout.planned import DropRecord, Effect, WriteSegment

OUTCOMES = {
    LatchCause.SIGNAL: Stage.ROLLED_BACK,
    LatchCause.REJECTED: Stage.REJECTED,
    LatchCause.NO_PROOF: Stage.INCONCLUSIVE,
    LatchCause.KILL: Stage.KILLED,
    LatchCause.REFUSED: "Refused",
    LatchCause.ABORTED: "Aborted",
}
"""How a flight ended, by the cause of its latch; an outage ends none."""

LINES_LOST = "not kept: the binder could not be written before the next landing"


def with_evidence_log(
    o: Observed, before: AIFeatureStatus, after: AIFeatureStatus, now: datetime
) -> AIFeatureStatus:
    """`after` with the anchor at the newest segment, and with a landing of this pass frozen."""
    known = before.evidence_log
    length, head = end_of(o.segments, known)
    frozen = [*known.earlier, known.landing] if known is not None else []
    untold = [x for x in frozen if x is not None and is_untold(o, x)]
    if (new := _landed(o, before, after)) is not None:
        untold.append(new)
    if length == 0 and not untold:
        return after.but(evidence_log=None)
    landing = _newest(untold)
    older = untold[:-1] if landing is not None else untold
    marks = [LandingMark.model_validate(x.model_dump()) for x in older[-MOST_EARLIER:]]
    anchored = head if length else None
    log = EvidenceLog(length=length, head=anchored, landing=landing, earlier=marks)
    return after.but(evidence_log=log)


def _newest(landings: Sequence[LandingMark]) -> Landing | None:
    last = landings[-1] if landings else None
    return last if isinstance(last, Landing) else None


def segments_due(o: Observed, after: AIFeatureStatus) -> list[Effect]:
    """The segment of the oldest flight that has none, and what is over the limit. One at a time:
    the next one needs the hash of this one as it was stored, by whomever."""
    found: list[Effect] = [DropRecord(s.name) for s in surplus(o.segments)]
    wanted = [] if _is_behind(o) else _untold(o, after)
    if not wanted:
        return found
    about, log = min(wanted, key=_when), after.evidence_log
    anchored = log.length if log is not None else 0
    # a number that is taken by something else is never asked for
    number = max([anchored, *(s.number for s in o.segments)]) + 1
    _, head = end_of(o.segments, log)
    body = _of_latch(o, after, about) if isinstance(about, Latch) else _of_landing(o, after, about)
    data = {"v": 1, "number": number, "prev": head, "flight": flight_of(about)} | body
    return [*found, WriteSegment(names.segment_name(o.feature.metadata.name, number), number, data)]


def is_due(o: Observed, after: AIFeatureStatus) -> bool:
    """Whether a flight that ended has no segment yet."""
    return bool(_untold(o, after))


def needs_segments(o: Observed) -> bool:
    """Whether segments must be read live before one is written: status knows of a newer one than
    was heard of, so that what seems to be without a segment may have one."""
    return _is_behind(o) and is_due(o, o.feature.status)


def _is_behind(o: Observed) -> bool:
    log = o.feature.status.evidence_log
    newest = max((s.number for s in o.segments), default=0)
    return not o.confirmed and log is not None and log.length > newest


def _untold(o: Observed, after: AIFeatureStatus) -> list[Latch | LandingMark]:
    found: list[Latch | LandingMark] = list(after.latches)
    if (log := after.evidence_log) is not None:
        found += [*log.earlier, *([log.landing] if log.landing is not None else [])]
    return [about for about in found if is_untold(o, about)]


def is_untold(o: Observed, about: Latch | LandingMark) -> bool:
    """Whether it ended a flight that has no segment yet."""
    if isinstance(about, Latch) and (about.cause not in OUTCOMES or about.digest is None):
        return False
    return not is_told(o.segments, flight_of(about), about.at)


def _when(about: Latch | LandingMark) -> tuple[datetime, str]:
    return about.at, flight_of(about)


def flight_of(about: Latch | LandingMark) -> str:
    """The same for every retry; a landing is none of the causes."""
    how = about.cause.value if isinstance(about, Latch) else "Landed"
    return names.flight_id(how, rfc3339(about.at), about.digest or "", str(about.attempt))


def _landed(o: Observed, before: AIFeatureStatus, after: AIFeatureStatus) -> Landing | None:
    """The candidate of `before`, if this pass made it last-known-good by its flight, and not by
    the word of people."""
    flown, good = before.candidate, after.last_known_good
    if flown is None or good is None or not in_flight(before) or after.candidate is not None:
        return None
    if is_back(o, after):
        return None
    was = before.last_known_good
    if good.digest != flown.digest or (was is not None and was.digest == good.digest):
        return None
    mine = o.judged is not None and o.judged.digest == flown.digest
    signals = o.judged.signals if o.judged is not None and mine else tuple(before.signals)
    return Landing(
        digest=flown.digest,
        plan_digest=flown.plan_digest,
        attempt=flown.attempt,
        adopted=flown.adopted,
        at=good.since,
        lines=[f"{s.verdict} {s.message}"[:LONGEST_LINE] for s in signals][:MOST_LINES],
    )


def _of_latch(o: Observed, after: AIFeatureStatus, latch: Latch) -> Json:
    digest, plan = latch.digest or "", latch.plan_digest
    return _common(o, after, digest, latch.attempt, plan=plan) | {
        "outcome": str(OUTCOMES[latch.cause]),
        "endedAt": rfc3339(latch.at),
        "release": latch.release.wire() if latch.release is not None else {},
        "signals": [f"{s.verdict} {s.message}" for s in latch.signals],
        "latch": _without_nothing(
            {
                "cause": latch.cause.value,
                "message": latch.message,
                "signal": latch.signal,
                "layer": latch.layer,
                "weight": latch.weight,
                "stage": latch.stage,
                "startedAt": rfc3339(latch.started_at) if latch.started_at else None,
                "provenAt": rfc3339(latch.proven_at) if latch.proven_at else None,
                "exposedRequests": latch.exposed_requests,
                "backTo": latch.back_to.digest if latch.back_to is not None else None,
                "incident": latch.incident,
            }
        ),
    }


def _of_landing(o: Observed, after: AIFeatureStatus, landing: LandingMark) -> Json:
    good = after.last_known_good
    record = o.record(landing.digest)
    mine = good is not None and good.digest == landing.digest
    release = good.release if good is not None and mine else record.release if record else None
    return _common(o, after, landing.digest, landing.attempt, plan=landing.plan_digest) | {
        "outcome": "Adopted" if landing.adopted else str(Stage.LIVE),
        "endedAt": rfc3339(landing.at),
        "release": release.wire() if release is not None else {},
        "signals": list(landing.lines) if isinstance(landing, Landing) else [LINES_LOST],
    }


def _common(
    o: Observed, after: AIFeatureStatus, digest: str, attempt: int, *, plan: str | None
) -> Json:
    """What every segment has, and what people had said of the feature when it was written."""
    spec, meta = o.feature.spec, o.feature.metadata
    drift = after.drift if after.drift is not None and after.drift.digest == digest else None
    before = after.preflight
    checked = before is not None and (before.digest, before.attempt) == (digest, attempt)
    return _without_nothing(
        {
            "feature": meta.name,
            "namespace": meta.namespace,
            "uid": meta.uid,
            "releaseDigest": digest,
            "planDigest": plan,
            "attempt": attempt,
            "scope": spec.acceptance.scope,
            "owner": spec.owner,
            "riskTier": spec.risk_tier.value if spec.risk_tier is not None else None,
            "explainability": _wire(spec.explainability),
            "signOffs": _sign_offs(o, {digest, plan}, attempt),
            "preflight": _preflight(after) if checked else None,
            "drift": _drift(drift.inputs, drift.observed_at) if drift is not None else None,
        }
    )


def _sign_offs(o: Observed, about: set[str | None], attempt: int) -> list[Json]:
    """Every decision on this attempt, and the one that let it fly again, as they were stamped."""
    said = [
        s
        for s in o.sign_offs
        if s.spec.digest in about and s.spec.attempt in (attempt, attempt - 1)
        and (s.spec.attempt == attempt or s.spec.decision == "Retry")
    ]  # fmt: skip
    rows = [
        _without_nothing(
            {
                "name": s.metadata.name,
                "decision": s.spec.decision.value,
                "by": s.spec.approver,
                "at": rfc3339(at) if (at := s.metadata.creation_timestamp) is not None else None,
                "comment": s.spec.comment,
            }
        )
        for s in said
    ]
    return sorted(rows, key=lambda row: (str(row.get("at")), row["name"]))


def _preflight(after: AIFeatureStatus) -> Json:
    """Verdict, counts and hashes; never what was asked or answered."""
    return _wire(after.preflight.but(pin=None)) or {} if after.preflight is not None else {}


def _drift(rows: Sequence[Model], at: datetime) -> Json:
    return {"observedAt": rfc3339(at), "inputs": [row.wire() for row in rows]}


def _wire(model: Model | None) -> Json | None:
    return model.wire() if model is not None else None


def _without_nothing(found: Json) -> Json:
    return {k: v for k, v in found.items() if v is not None and v != "" and v != []}
