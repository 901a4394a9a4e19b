"""What must hold in every pass of what people say past the plan: hold, abort, go back."""

from collections.abc import Callable

from goaround.api import names
from goaround.api.signoff import Decision
from goaround.api.status import Latch, LatchCause
from goaround.rollout.containing import asked
from goaround.rollout.moves import in_flight, raises
from tests.unit.rollout.passes import Pass


def while_held_nobody_gets_more(one: Pass) -> bool:
    return not (one.is_held and raises(one.before, one.after))


def an_abort_leaves_the_candidate_nobody(one: Pass) -> bool:
    flown, words = one.before.candidate, one.seen.feature.metadata.annotations.get(names.ABORT)
    if flown is None or flown.adopted or not in_flight(one.before):
        return True
    if words != f"{flown.digest}/{flown.attempt}" or words == one.before.last_abort:
        return True
    return one.after.split.candidate == 0 and not in_flight(one.after)


def only_people_abort(one: Pass) -> bool:
    known = {x.at for x in one.before.latches}
    words = one.seen.feature.metadata.annotations.get(names.ABORT)
    return all(
        _asks_back(one, x)
        or (words == f"{x.digest}/{x.attempt}" and words != one.before.last_abort)
        for x in one.after.latches
        if x.cause is LatchCause.ABORTED and x.at not in known
    )


def _asks_back(one: Pass, latch: Latch) -> bool:
    """Whether an open incident asks for Rollback, and the latch joined it."""
    named = {i.metadata.name for i, c in asked(one.seen) if c.action == "Rollback"}
    return latch.incident in named


def what_incidents_ask_for_is_a_ceiling(one: Pass) -> bool:
    """Of what is not adopted; a Rollback leaves nothing, the fallback nobody else."""
    flown, split = one.after.candidate, one.plan.status.split
    adopted = flown is not None and flown.adopted
    return all(
        {
            "Throttle": adopted or split.candidate <= (wanted.percent or 0),
            "Rollback": adopted or split.candidate == 0,
        }.get(wanted.action, split.fallback == 100)
        for _, wanted in asked(one.seen)
    )


def what_was_aborted_needs_a_retry_of_that_attempt(one: Pass) -> bool:
    flown, good = one.after.candidate, one.after.last_known_good
    served = {flown.digest} if flown is not None and one.after.split.candidate else set()
    served |= {good.digest} if good is not None and good != one.before.last_known_good else set()
    return all(
        any(
            (s.spec.digest, s.spec.attempt) == (digest, one.aborted[digest].attempt)
            and s.spec.feature_ref.name == one.seen.feature.metadata.name
            and s.spec.decision is Decision.RETRY
            for s in one.seen.sign_offs
        )
        for digest in served & one.aborted.keys()
    )


def spec_may_go_back_at_once(one: Pass) -> bool:
    """Nobody stays on a candidate, and what serves is what people named, unless harm says more."""
    asked, good = one.seen.feature.spec.rollback_to, one.before.last_known_good
    usable = asked is not None and good is not None and good.digest == asked
    if not usable or one.harm_in_live or one.seen.quarantined_at(str(asked)):
        return True
    return one.after.split.candidate == 0 and one.after.last_known_good == good


CONTROL: tuple[Callable[[Pass], bool], ...] = (
    while_held_nobody_gets_more,
    an_abort_leaves_the_candidate_nobody,
    only_people_abort,
    what_incidents_ask_for_is_a_ceiling,
    what_was_aborted_needs_a_retry_of_that_attempt,
    spec_may_go_back_at_once,
)
