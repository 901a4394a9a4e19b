"""What must hold in every pass, whatever happened before: one function, one law."""

from collections.abc import Callable, Iterable
from datetime import datetime

from goaround.api import names
from goaround.api.conditions import find
from goaround.api.digest import plan_digest, release_digest
from goaround.api.incident_status import OVER
from goaround.api.reasons import ConditionType, EventReason, Stage
from goaround.api.signoff import Decision
from goaround.api.status import HARM, AIFeatureStatus, Latch, LatchCause
from goaround.rollout.containing import sources
from goaround.rollout.decide import decide
from goaround.rollout.down import kill_sources
from goaround.rollout.moves import in_flight
from goaround.rollout.planned import Effect
from goaround.rollout.seen import KEPT_WHOLE
from goaround.rollout.signoffs import asks
from tests.unit.rollout.build import writes
from tests.unit.rollout.laws_of_control import CONTROL
from tests.unit.rollout.passes import Pass

SAMPLES = 100
LEARNT_OF_ITS_EFFECT = {"delivered_at", "contained_at", "exposed_requests", "incident_opened_at"}
LEFT: dict[str, object] = {"signals": [], "release": None, "back_to": None}


def the_split_sums_to_100(one: Pass) -> bool:
    split = one.after.split
    return split.stable + split.candidate + split.fallback == 100


def a_kill_source_puts_everybody_on_the_fallback(one: Pass) -> bool:
    killed = (one.after.stage, one.after.split.fallback) == (Stage.KILLED, 100)
    return killed or not (kill_sources(one.seen) or sources(one.seen))


def a_breach_leaves_the_candidate_nobody(one: Pass) -> bool:
    breached = one.evidence is not None and one.evidence.breach is not None
    return one.after.split.candidate == 0 or not breached


def a_candidate_rises_on_accepted_evidence_only(one: Pass) -> bool:
    if one.after.split.candidate <= one.before.split.candidate:
        return True
    flown, judged = one.after.candidate, one.evidence
    if flown is None or one.is_stopped:
        return False
    if one.before.stage is Stage.PREFLIGHT:
        return one.after.step is not None and one.after.step.index == 0
    old = one.before.candidate
    if old is None or (old.digest, old.attempt) != (flown.digest, flown.attempt):
        fresh = one.before.stage is not Stage.KILLED and one.before.last_known_good is None
        return flown.adopted and fresh
    if judged is None:
        return False
    proven = judged.unreadable is None and judged.accepted and judged.samples >= SAMPLES
    return proven or bool(who_agrees(one, Decision.PROMOTE))


def who_agrees(one: Pass, *decisions: Decision) -> set[str]:
    """People whose word counts for what flew before this pass: the rule said another way."""
    flown, vouched = one.before.candidate, one.seen.guarded
    author = one.seen.feature.metadata.annotations.get(names.AUTHOR)
    if flown is None or vouched.since is None:
        return set()
    since = one.before.step.since if one.before.step is not None else flown.since
    found = set()
    for s in one.seen.sign_offs:
        at, who = s.metadata.creation_timestamp, s.spec.approver
        if s.spec.decision not in decisions or at is None or who in (None, author):
            continue
        early = s.spec.decision is not Decision.PROMOTE and at < since.replace(microsecond=0)
        about = (s.spec.digest, s.spec.attempt) == (flown.plan_digest, flown.attempt)
        if about and at > vouched.since and not early:
            found.add(str(who))
    return found


def no_gate_is_passed_without_people(one: Pass) -> bool:
    """Where the step in force asks, nobody more gets the candidate without an approval."""
    rises = one.after.split.candidate > one.before.split.candidate
    flown = one.before.candidate
    if not rises or flown is None or not asks(one.spec, one.before):
        return True
    if flown.plan_digest != plan_digest(one.spec):
        return False
    return bool(who_agrees(one, Decision.APPROVE, Decision.PROMOTE))


def a_rejected_attempt_gets_nobody(one: Pass) -> bool:
    flown = one.after.candidate
    return one.after.split.candidate == 0 or not any(
        s.spec.decision is Decision.REJECT
        and flown is not None
        and (s.spec.digest, s.spec.attempt) == (flown.plan_digest, flown.attempt)
        for s in one.seen.sign_offs
    )


def what_turns_bad_in_live_serves_nobody(one: Pass) -> bool:
    if not one.harm_in_live or one.after.stage is Stage.KILLED:
        return True
    failed, serves = one.before.last_known_good, one.after.last_known_good
    latch = one.after.latches[0]
    told = latch.cause is LatchCause.SIGNAL and failed is not None and latch.digest == failed.digest
    return told and latch.attempt > 0 and serves != failed and one.after.split.candidate == 0


def nothing_that_is_quarantined_is_gone_back_to(one: Pass) -> bool:
    good = one.after.last_known_good
    if good is None or good == one.before.last_known_good or not one.harm_in_live:
        return True
    return good == one.before.previous_good and one.seen.quarantined_at(good.digest) == 0


def only_what_flew_to_the_end_becomes_last_known_good(one: Pass) -> bool:
    if one.after.last_known_good == one.before.last_known_good or one.harm_in_live:
        return True
    if one.goes_back:
        return one.seen.quarantined_at(str(one.seen.feature.spec.rollback_to)) == 0
    flown, good, judged = one.before.candidate, one.after.last_known_good, one.evidence
    if flown is None or good is None or judged is None or one.is_stopped:
        return False
    proven = judged.breach is None and judged.unreadable is None
    return proven and good.digest == flown.digest and one.before.split.candidate == 100


def what_was_proven_harmful_needs_a_retry_of_that_attempt(one: Pass) -> bool:
    flown = one.after.candidate
    if flown is None or one.after.split.candidate == 0 or flown.digest not in one.harmful:
        return True
    latch = one.harmful[flown.digest]
    return flown.attempt > latch.attempt and any(
        (s.spec.digest, s.spec.attempt) == (latch.digest, flown.attempt - 1)
        and s.spec.feature_ref.name == one.seen.feature.metadata.name
        and (s.metadata.creation_timestamp or one.now) >= latch.at.replace(microsecond=0)
        for s in one.seen.sign_offs
    )


def the_revision_rises_with_what_is_served_and_only_then(one: Pass) -> bool:
    before, after = one.seen.feature.status, one.plan.status
    rises = after.revision - before.revision
    return rises > 0 if _served(before) != _served(after) else rises == 0


def _served(status: AIFeatureStatus) -> tuple[object, ...]:
    flown, good = status.candidate, status.last_known_good
    return (
        status.stage is None,
        status.stage is Stage.KILLED,
        status.split,
        (flown.digest, flown.attempt) if flown is not None else None,
        good.digest if good is not None else None,
    )


def in_a_drill_the_fallback_serves_everybody(one: Pass) -> bool:
    drill, split = one.plan.status.drill, one.plan.status.split
    return drill is None or (split.fallback == 100 and not kill_sources(one.seen))


def nothing_rises_before_people_spoke_of_a_grave_incident(one: Pass) -> bool:
    """The freeze, said another way. What people called over is over: withdrawing that word much
    later freezes nothing."""
    unspoken = [
        i
        for i in one.seen.troubles
        if i.spec.requested_phase is None
        and i.status.phase not in OVER
        and i.spec.trigger.source != "Outage"
        and (i.spec.severity in ("P1", "P2") or i.spec.trigger.source == "Kill")
    ]
    rises = one.after.split.candidate > one.before.split.candidate
    adopted = one.after.candidate is not None and one.after.candidate.adopted
    return not (unspoken and rises) or adopted


def going_around_without_proof_quarantines_nobody(one: Pass) -> bool:
    proven = {x.digest for x in one.after.latches if x.cause in HARM}
    return quarantined((*one.plan.first, *one.plan.then)) <= proven


def only_proof_of_harm_keeps_a_release_down(one: Pass) -> bool:
    if one.after.stage is not Stage.ROLLED_BACK or one.after.hold is not None:
        return True
    if one.harm_in_live or one.is_wrong or one.seen.feature.spec.rollback_to:
        return True  # it is the release before the one of spec that was kept from serving
    flown, wanted = one.after.candidate, one.after.release_digest
    proven = {x.digest for x in one.after.latches if x.cause in HARM}
    return (flown.digest if flown is not None else wanted) in proven | one.harmful.keys()


def quarantined(effects: Iterable[Effect]) -> set[str]:
    return {e.digest for e in writes(effects) if e.marks.get(names.QUARANTINED)}


def nothing_is_asked_before_a_way_down(one: Pass) -> bool:
    flown, good = one.before.candidate, one.after.last_known_good
    new = good is not None and good != one.before.last_known_good
    landed = new and flown is not None and good is not None and good.digest == flown.digest
    falls = one.after.split.candidate < one.before.split.candidate and not landed
    return one.plan.first == () or not (falls or one.after.stage is Stage.KILLED)


def nothing_takes_off_without_all_its_texts(one: Pass) -> bool:
    """As ConfigMaps have them now, or as its record holds them; never before they were read."""
    flown, before = one.after.candidate, one.before.candidate
    same = before is not None and flown is not None and before.digest == flown.digest
    if flown is None or same or not in_flight(one.after) or not any(flown.release.refs):
        return True
    record = one.seen.record(flown.digest)
    kept = {h for e in writes(one.plan.first) if e.digest == flown.digest for h in e.texts}
    kept |= record.holds if record is not None else set()
    return one.seen.contents is not None and {ref.hash for ref in flown.release.refs} <= kept


def nobody_is_taken_for_a_forger(one: Pass) -> bool:
    """Nothing but the operator writes status here."""
    return all(t.reason is not EventReason.STATUS_TAMPERED for t in one.after.history)


def reconciling_and_stalled_are_never_true_together(one: Pass) -> bool:
    kinds = (ConditionType.RECONCILING, ConditionType.STALLED)
    return not all(find(one.after.conditions, kind) for kind in kinds)


def ready_means_that_the_release_of_spec_serves_everybody(one: Pass) -> bool:
    ready, good = find(one.after.conditions, ConditionType.READY), one.after.last_known_good
    if ready is None or ready.status != "True":
        return ready is not None
    wanted = one.spec.rollback_to or release_digest(one.spec.release)
    return good is not None and good.digest == wanted and one.after.split.stable == 100


def a_latch_is_frozen(one: Pass) -> bool:
    """But for what is left, an hour later, to its incident and to the release's record."""
    known = {x.at: x for x in one.before.latches}
    pairs = [(known[x.at], x) for x in one.after.latches if x.at in known]
    return all(_is_the_same(old, new, one.now) for old, new in pairs)


def _is_the_same(old: Latch, new: Latch, now: datetime) -> bool:
    left = LEFT if new.incident_opened_at is not None and now - new.at > KEPT_WHOLE else {}
    before, after = (x.model_dump(exclude=LEARNT_OF_ITS_EFFECT) for x in (old, new))
    return all(after[name] in (before[name], left.get(name, before[name])) for name in before)


def the_same_observation_gives_the_same_plan(one: Pass) -> bool:
    return decide(one.seen, one.now) == one.plan


def nothing_new_never_asks_to_be_looked_at_at_once(one: Pass) -> bool:
    due = one.plan.wake_at
    return one.after != one.before or due is None or due > one.now


LAWS: tuple[Callable[[Pass], bool], ...] = (
    the_split_sums_to_100,
    a_kill_source_puts_everybody_on_the_fallback,
    a_breach_leaves_the_candidate_nobody,
    a_candidate_rises_on_accepted_evidence_only,
    no_gate_is_passed_without_people,
    a_rejected_attempt_gets_nobody,
    what_turns_bad_in_live_serves_nobody,
    nothing_that_is_quarantined_is_gone_back_to,
    only_what_flew_to_the_end_becomes_last_known_good,
    what_was_proven_harmful_needs_a_retry_of_that_attempt,
    the_revision_rises_with_what_is_served_and_only_then,
    in_a_drill_the_fallback_serves_everybody,
    nothing_rises_before_people_spoke_of_a_grave_incident,
    going_around_without_proof_quarantines_nobody,
    only_proof_of_harm_keeps_a_release_down,
    nothing_is_asked_before_a_way_down,
    nothing_takes_off_without_all_its_texts,
    nobody_is_taken_for_a_forger,
    reconciling_and_stalled_are_never_true_together,
    ready_means_that_the_release_of_spec_serves_everybody,
    a_latch_is_frozen,
    the_same_observation_gives_the_same_plan,
    nothing_new_never_asks_to_be_looked_at_at_once,
    *CONTROL,
)
