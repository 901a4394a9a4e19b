"""What an AIFeature should do next: total, pure, in one order — kill > roll back > hold > climb.

No missing object, unready pod, dead Prometheus or open gate stands before a move down; every move
up needs evidence. The same observation and the same time always give the same plan.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from goaround.api.digest import short
from goaround.api.feature import Mode
from goaround.api.preflight import PreflightVerdict
from goaround.api.reasons import EventReason, Stage
from goaround.api.status import MOST_SOURCES, AIFeatureStatus, KillSource
from goaround.rollout import abort, break_glass, containing, contents, preflight
from goaround.rollout.binder import is_due
from goaround.rollout.blocked import blocked
from goaround.rollout.down import give_up, kill, kill_sources, leave_good, refuse, reject, roll_back
from goaround.rollout.drill import begun, dated, drilled, laid, lifted
from goaround.rollout.effects import effects_after, effects_before
from goaround.rollout.gate import comes_back, gate
from goaround.rollout.go_back import go_back, with_doubt
from goaround.rollout.moves import in_flight, is_watched, lands, move
from goaround.rollout.observe import observe
from goaround.rollout.observed import Observed
from goaround.rollout.planned import Plan
from goaround.rollout.proven import exercised
from goaround.rollout.rebuild import rebuilt
from goaround.rollout.reproducing import with_reproduction
from goaround.rollout.seen import effect_seen
from goaround.rollout.settle import settle, worth_a_write
from goaround.rollout.signoffs import rejection
from goaround.rollout.signs import signs
from goaround.rollout.stated import DOWN
from goaround.rollout.tampered import repaired
from goaround.rollout.towards import still_down, towards_spec, why_it_ended
from goaround.rollout.up import back_to_good
from goaround.rollout.upstream import excuses

HELD_LOOKS_AGAIN = timedelta(seconds=5)
SEGMENT_LOOKS_AGAIN = timedelta(seconds=30)


def decide(o: Observed, now: datetime) -> Plan:
    """The plan of this pass. `now` is aware and has whole milliseconds."""
    before = o.feature.status
    if o.feature.metadata.deletion_timestamp is not None:
        return Plan(status=before, urgent=False)
    beneath = _of_this_flight(replace(o, feature=o.feature.but(status=lifted(before))))
    o = with_doubt(contents.resolved(beneath))
    sources = [*kill_sources(o), *containing.sources(o)][:MOST_SOURCES]
    noticed = repaired(o, rebuilt(o, o.feature.status, now), now)
    noticed = preflight.heard(o, effect_seen(o, noticed, now), now)
    noticed = break_glass.heard(o, abort.heard(o, noticed, now), now)
    if not in_flight(noticed):
        noticed = noticed.but(hold=None)  # said again below, where something still holds
    observing = o.feature.spec.mode is Mode.OBSERVE and noticed.stage is not Stage.KILLED
    order = observe if observing else _decided
    decided = order(o, begun(o, noticed, sources, now), sources, now)
    decided = exercised(o, laid(drilled(o, decided, sources, now)))
    decided = with_reproduction(o, containing.restrained(o, decided, now))
    gated = decided.but(gate=gate(o, decided, sources))
    after = dated(before, settle(o, before, gated, now))
    records, down = effects_before(o, after), _comes_down(before, after)
    return Plan(
        status=after,
        urgent=worth_a_write(before, after),
        first=() if down else records,
        then=(*effects_after(o, after), *(records if down else ()), *signs(o, after, now)),
        wake_at=contents.sooner(o, _wake_at(o, before, after, now)),
    )


def _of_this_flight(o: Observed) -> Observed:
    """Evidence of another flight says nothing about the one in the air, nor about what is live."""
    judged, status = o.judged, o.feature.status
    if judged is None:
        return o
    if is_watched(status):
        good = status.last_known_good
        mine = good is not None and judged.digest == good.digest
        return o if mine or judged.breach is None else replace(o, judged=None)
    flown = status.candidate
    if flown is None or not in_flight(status):
        return o
    mine = (judged.digest, judged.attempt) == (flown.digest, flown.attempt)
    return o if mine else replace(o, judged=None)


def _comes_down(before: AIFeatureStatus, after: AIFeatureStatus) -> bool:
    """Whether a release loses its users otherwise than by landing: no record may delay that."""
    leaves = after.split.candidate < before.split.candidate
    leaves = leaves or after.last_known_good != before.last_known_good
    return after.stage in DOWN or (leaves and not lands(before, after))


def _decided(
    o: Observed, status: AIFeatureStatus, sources: list[KillSource], now: datetime
) -> AIFeatureStatus:
    if sources:
        return containing.joins(status, kill(o, status, sources, now), sources, now)
    if status.stage is Stage.KILLED:
        return _after_kill(o, status, now)
    judged = o.judged
    if is_watched(status) and judged is not None and judged.breach is not None:
        return leave_good(o, status, judged.breach, now)
    if in_flight(status) and judged is not None and judged.breach is not None:
        if (excuse := excuses(o, judged.breach)) is not None:
            return give_up(o, status, excuse, now)
        return roll_back(o, status, judged.breach, now)
    if preflight.verdict(status) is PreflightVerdict.FAILED:
        return reject(o, status, now)
    if abort.is_asked(o, status):
        return abort.abort(o, status, now)
    if containing.is_asked_back(o, status, now):
        return containing.asked_back(o, status, now)
    if in_flight(status) and (person := rejection(o, status)) is not None:
        return refuse(o, status, person, now)
    if (back := go_back(o, status, now)) is not None:
        return back
    if in_flight(status) and (why := _overdue(status, now) or _blind(o, status)) is not None:
        return give_up(o, status, why, now)
    return containing.capped(o, towards_spec(o, status, now), now)


def _overdue(status: AIFeatureStatus, now: datetime) -> str | None:
    """An adopted release has no deadline: coming back from it would move users, without proof."""
    flown, step = status.candidate, status.step
    if flown is None or flown.adopted:
        return None
    waiting = f" ({status.hold})" if status.hold else ""
    now = status.clock_stopped_at or now
    if (why := preflight.ended(status, now)) is not None:
        return why
    if step is not None and now >= step.deadline_at:
        return f"step {step.index + 1} reached its deadline without proof{waiting}"
    if now >= flown.deadline_at:
        return f"the ramp reached its deadline without proof{waiting}"
    return None


def _blind(o: Observed, status: AIFeatureStatus) -> str | None:
    """The candidate says nothing while stable does: nothing it breaks would be seen."""
    judged, limit = o.judged, o.feature.spec.acceptance.max_blind_seconds
    if judged is None or judged.silent_since is None or judged.through is None:
        return None
    seconds = int((judged.through - judged.silent_since).total_seconds())
    if status.last_known_good is None or status.split.candidate == 0 or seconds < limit:
        return None
    return (
        f"no request of the candidate was seen for {seconds} s (limit {limit} s) while stable "
        f"reports: does it serve, and does it export its metrics as variant candidate?"
    )


def _after_kill(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """Back to last-known-good once no source says killed; what was in flight starts again after it,
    once the rest of the gate is open."""
    if (why := blocked(o, status, now) or comes_back(o, status)) is not None:
        return status.but(hold=why[:512])
    if (cause := why_it_ended(o, status)) is not None:
        return still_down(status, cause, now)
    if abort.is_asked(o, status):
        return abort.abort(o, status, now)
    if (back := go_back(o, status, now)) is not None:
        return back
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
    return released if o.problems else towards_spec(o, released, now)


def _wake_at(
    o: Observed, before: AIFeatureStatus, after: AIFeatureStatus, now: datetime
) -> datetime | None:
    """When to look again although nothing was heard."""
    if before.drill is not None and after.drill is None:
        return now
    if after.hold is not None and after.step is None:
        return now + HELD_LOOKS_AGAIN
    if preflight.is_awaited(after) and preflight.is_awaited(before):
        return preflight.due(o, after, now)
    if after.stage is Stage.PREFLIGHT or after.stage is None or before.stage != after.stage:
        return now if after.stage is not None or before.stage is not None else None
    due = [
        x.next_at
        for x in (o.judged, o.drift, o.baselined, o.checked, o.indexes, o.changes, o.breakers)
        if x is not None and x.next_at is not None
    ]
    if after.drill is not None:
        due.append(max(after.drill.until, now + HELD_LOOKS_AGAIN))
    flown = after.candidate if in_flight(after) else None
    if flown is not None and not flown.adopted:
        ends = [flown.deadline_at, *([after.step.deadline_at] if after.step is not None else [])]
        due += [at for at in ends if at > now]
    if is_due(o, after):
        due.append(now + SEGMENT_LOOKS_AGAIN)
    due += containing.ends_at(after, now)
    if (asks := _asks_again(o, before, after, now)) is not None:
        due.append(asks)
    return min(due, default=None)


def _asks_again(
    o: Observed, before: AIFeatureStatus, after: AIFeatureStatus, now: datetime
) -> datetime | None:
    """When to ask the flag replicas again: at once at first, ever more rarely where one is gone.

    Not about a raise that is still to be written: where that is refused, each look would be a
    write, and the next one twentieth of a second away.
    """
    if o.delivered is None or o.delivered.expected == 0:
        return None
    if after.latches and after.latches[0].delivered_at is None:
        since = after.latches[0].at
    elif before.history and (o.delivered.revision or 0) < before.revision == after.revision:
        since = after.history[-1].at
    else:
        return None
    age = (now - since).total_seconds()
    return now + timedelta(seconds=min(max(age / 4, 0.05), 30.0))
