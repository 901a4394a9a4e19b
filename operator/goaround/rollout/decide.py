"""What an AIFeature should do next: total, pure, in one order — kill > roll back > hold > climb.

No missing object, unready pod, dead Prometheus or open gate stands before a move down; every move
up needs evidence. The same observation and the same time always give the same plan.
"""

from datetime import datetime, timedelta

from goaround.api.digest import plan_digest, release_digest, short
from goaround.api.reasons import EventReason, Stage
from goaround.api.signoff import Decision
from goaround.api.status import AIFeatureStatus, KillSource, Latch, LatchCause
from goaround.rollout.down import give_up, kill, kill_sources, roll_back
from goaround.rollout.effects import effects_after, effects_before
from goaround.rollout.gate import gate, is_open
from goaround.rollout.moves import ground, in_flight, move
from goaround.rollout.observed import Observed, Plan
from goaround.rollout.settle import DOWN, settle, worth_a_write
from goaround.rollout.up import back_to_good, fly, take_off


def decide(o: Observed, now: datetime) -> Plan:
    """The plan of this pass. `now` is aware and has whole milliseconds."""
    before = o.feature.status
    if o.feature.metadata.deletion_timestamp is not None:
        return Plan(status=before, urgent=False)
    sources = kill_sources(o)
    noticed = _effect_seen(o, before, now)
    decided = _decided(o, noticed, sources, now)
    after = settle(o, before, decided.but(gate=gate(sources)), now)
    return Plan(
        status=after,
        urgent=worth_a_write(before, after),
        first=() if after.stage in DOWN else effects_before(o, after),
        then=effects_after(o, after),
        wake_at=_wake_at(o, before, after, now),
    )


def _decided(
    o: Observed, status: AIFeatureStatus, sources: list[KillSource], now: datetime
) -> AIFeatureStatus:
    if sources:
        return kill(o, status, sources, now)
    if status.stage is Stage.KILLED:
        return _after_kill(o, status, now)
    judged = o.judged
    if in_flight(status) and judged is not None and judged.breach is not None:
        return roll_back(o, status, judged.breach, now)
    if in_flight(status) and (why := _overdue(status, now)) is not None:
        return give_up(o, status, why, now)
    return _towards_spec(o, status, now)


def _overdue(status: AIFeatureStatus, now: datetime) -> str | None:
    """An adopted release has no deadline: coming back from it would move users, without proof."""
    flown, step = status.candidate, status.step
    if flown is None or flown.adopted:
        return None
    waiting = f" ({status.hold})" if status.hold else ""
    if step is not None and now >= step.deadline_at:
        return f"step {step.index + 1} reached its deadline without proof{waiting}"
    if now >= flown.deadline_at:
        return f"the ramp reached its deadline without proof{waiting}"
    return None


def _towards_spec(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    spec = o.feature.spec
    wanted = release_digest(spec.release)
    good, flown = status.last_known_good, status.candidate
    if good is not None and good.digest == wanted:
        return _serve_good(status, now)
    if flown is not None and flown.digest == wanted:
        return _towards_candidate(o, status, now)
    if flown is not None and in_flight(status):
        if flown.adopted:
            return fly(o, status, now)  # nothing is proven to go back to: it lands first
        return move(
            status,
            now,
            EventReason.SUPERSEDED,
            f"Release {short(flown.digest)} makes way at {status.split.candidate} % for "
            f"{short(wanted)}.",
            candidate=None,
            stage=Stage.LIVE if good is not None else None,
            split=ground(status),
            step=None,
            hold=None,
            signals=[],
            evidence=[],
        )
    if o.problems:
        return status
    if o.quarantined_at(wanted) and not _retry(o, wanted, o.quarantined_at(wanted)):
        return _stay_away(o, status, wanted, now)
    return take_off(o, status, now)


def _serve_good(status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """A Git revert: the release of spec is last-known-good already."""
    if status.stage is Stage.LIVE and status.split == ground(status) and status.candidate is None:
        return status
    assert status.last_known_good is not None
    return back_to_good(
        status,
        EventReason.RESTORED,
        f"Release {short(status.last_known_good.digest)} of spec is last-known-good: it serves "
        "everybody at once.",
        now,
    )


def _towards_candidate(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    flown = status.candidate
    assert flown is not None
    if in_flight(status):
        if flown.plan_digest != plan_digest(o.feature.spec) and not o.problems:
            return take_off(o, status, now)
        return fly(o, status, now)
    if o.problems:
        return status
    if _retry(o, flown.digest, flown.attempt):
        return take_off(o, status, now)
    changed = flown.plan_digest != plan_digest(o.feature.spec)
    if status.stage is Stage.INCONCLUSIVE and changed:
        return take_off(o, status, now)
    if status.stage in {Stage.ROLLED_BACK, Stage.INCONCLUSIVE}:
        return status
    if o.quarantined_at(flown.digest):
        return _stay_away(o, status, flown.digest, now)
    return take_off(o, status, now)


def _stay_away(o: Observed, status: AIFeatureStatus, wanted: str, now: datetime) -> AIFeatureStatus:
    """Spec asks for a release that was proven harmful: said once, never flown."""
    if status.stage is Stage.ROLLED_BACK and status.release_digest == wanted:
        return status
    attempt = o.quarantined_at(wanted)
    return move(
        status,
        now,
        EventReason.ROLLED_BACK,
        f"Release {short(wanted)} is quarantined since attempt {attempt} and does not fly; "
        f"create an AISignOff Retry for attempt {attempt}, or ask for another release.",
        warning=True,
        stage=Stage.ROLLED_BACK,
        split=ground(status),
        candidate=None,
        step=None,
        hold=None,
        signals=[],
        evidence=[],
    )


def _retry(o: Observed, digest: str, attempt: int) -> bool:
    """Whether a person asked for this digest again, after this very attempt ended."""
    return any(
        s.spec.decision is Decision.RETRY
        and s.spec.feature_ref.name == o.feature.metadata.name
        and s.spec.digest == digest
        and s.spec.attempt == attempt
        for s in o.sign_offs
    )


def _after_kill(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """Back to last-known-good once the gate is open; what was in flight starts again after it."""
    if not is_open(gate([])):
        return status
    if status.last_known_good is not None:
        return back_to_good(
            status,
            EventReason.KILL_RELEASED,
            f"No source says killed any more: release "
            f"{short(status.last_known_good.digest)} serves everybody again.",
            now,
        )
    released = move(
        status,
        now,
        EventReason.KILL_RELEASED,
        "No source says killed any more; there is no last-known-good to go back to.",
        stage=None,
        kill=None,
        step=None,
        signals=[],
        evidence=[],
    )
    return released if o.problems else _towards_spec(o, released, now)


def _effect_seen(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """What has been learnt of the newest latch: streamed by all, felt by none, told to people."""
    if not status.latches:
        return status
    latch = status.latches[0]
    changes: dict[str, object] = {}
    if latch.delivered_at is None and _delivered(o, status.revision):
        changes["delivered_at"] = now
    if latch.contained_at is None and status.stage in DOWN and _quiet(o, latch):
        changes["contained_at"] = now
        if o.judged is not None and latch.cause is LatchCause.SIGNAL:
            changes["exposed_requests"] = max(o.judged.exposed, latch.exposed_requests or 0)
    opened = [_opened(o, x, now) for x in status.latches]
    if not changes and opened == status.latches:
        return status
    noticed = status.but(latches=[opened[0].but(**changes), *opened[1:]])
    if "contained_at" not in changes:
        return noticed
    return move(
        noticed,
        now,
        EventReason.CONTAINED,
        f"Contained: no request reached it in the window after the decision was "
        f"{'streamed' if noticed.latches[0].delivered_at else 'taken'} "
        f"({(now - latch.at).total_seconds():.1f} s after it).",
    )


def _opened(o: Observed, latch: Latch, now: datetime) -> Latch:
    if latch.incident_opened_at is not None or latch.incident not in o.incidents:
        return latch
    return latch.but(incident_opened_at=now)


def _delivered(o: Observed, revision: int) -> bool:
    seen = o.delivered
    return (
        seen is not None
        and seen.revision is not None
        and seen.replicas == seen.expected > 0
        and seen.revision >= revision
    )


def _quiet(o: Observed, latch: Latch) -> bool:
    """Whether a whole window after delivery brought the release no request.

    Where no flag replica can be asked, a window two grid instants after the decision must do.
    """
    traffic = o.judged.traffic if o.judged is not None else None
    if traffic is None:
        return False
    reached = latch.delivered_at
    if reached is None and (o.delivered is None or o.delivered.expected == 0):
        reached = latch.at + (traffic.end - traffic.start)
    if reached is None or traffic.start < reached:
        return False
    arms = ("stable", "candidate") if latch.cause is LatchCause.KILL else ("candidate",)
    return sum(traffic.requests.get(a, 0.0) for a in arms) == 0


def _wake_at(
    o: Observed, before: AIFeatureStatus, after: AIFeatureStatus, now: datetime
) -> datetime | None:
    """When to look again although nothing was heard."""
    if after.stage is Stage.PREFLIGHT or after.stage is None or before.stage != after.stage:
        return now if after.stage is not None or before.stage is not None else None
    due = [o.judged.next_at] if o.judged is not None and o.judged.next_at is not None else []
    if after.step is not None and after.step.deadline_at > now:
        due.append(after.step.deadline_at)
    if after.latches and (asks := _asks_again(o, after.latches[0], now)) is not None:
        due.append(asks)
    return min(due, default=None)


def _asks_again(o: Observed, latch: Latch, now: datetime) -> datetime | None:
    """When to ask the flag replicas again: at once at first, ever more rarely where one is gone."""
    if latch.delivered_at is not None or o.delivered is None or o.delivered.expected == 0:
        return None
    age = (now - latch.at).total_seconds()
    return now + timedelta(seconds=min(max(age / 4, 0.05), 30.0))
