"""One clock of one incident: when it is due, and what became of it.

A due time is computed once and stored. A raise asks for more, and for nothing later than was asked
before; a miss stays a miss, whatever people change afterwards.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from goaround.api.clocks import ClockName
from goaround.api.contacts import ExternalFrom
from goaround.api.incident import AIIncidentStatus, Severity
from goaround.api.incident_status import ENDED, Deadline, DeadlineState
from goaround.incident.calendar import Span, later, words
from goaround.incident.clocks import CLOCKS, MESSAGES, TO_CLIENTS, done, sent, start
from goaround.incident.seen import Seen

MISSES = frozenset({DeadlineState.MISSED, DeadlineState.LATE})
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The clocks of one pass. after: status with this pass's milestones, severity and phase."""

    seen: Seen
    after: AIIncidentStatus
    now: datetime

    def entry(self, name: ClockName, known: Deadline | None) -> Deadline | None:
        """What the ledger says of this clock from now on; None where it never ran."""
        finished = done(name, self.seen, self.after, self.now)
        if known is not None:
            known = judged(known, finished, self.now)
            if known.state in MISSES:
                return known
            if known.state is DeadlineState.MET and not self._wants_more(name, finished):
                return known
        begun, span = start(name, self.after), self.span(name)
        if begun is None or span is None or self._is_quiet(name):
            return waived(known)
        if known is not None and known.state is DeadlineState.PENDING and not self._regraded(name):
            return known
        return judged(self._due(name, begun, span, known), finished, self.now)

    def _due(
        self, name: ClockName, begun: datetime, span: Span, known: Deadline | None
    ) -> Deadline:
        """Counted from its start, or from the raise or the reopening that asked for it."""
        at, calendar = self.after.milestones, self.seen.settings.calendar
        again = at.reopened_at if CLOCKS[name].lapses else None
        base = max(t for t in (begun, at.raised_at, again) if t is not None)
        due = whole(later(base, span, calendar))
        if known is not None and known.state is DeadlineState.PENDING and self._is_raised:
            due = min(due, known.due)
        aim = self._target(name)
        target = whole(later(base, aim, calendar)) if aim is not None else None
        return Deadline(
            due=due,
            target=target if target is not None and target < due else None,
            basis=self._basis(name, span),
        )

    # -- how long ----------------------------------------------------------------------------------

    def span(self, name: ClockName) -> Span | None:
        """How long it runs at this severity: the feature's word, then the administrator's."""
        grade = self._grade(name)
        if (own := self._own(name, grade)) is not None:
            return own
        settings = self.seen.settings.clocks
        if (name, grade) in settings:
            return settings[name, grade]
        return CLOCKS[name].due.get(grade)

    def _own(self, name: ClockName, grade: Severity) -> timedelta | None:
        clocks = self.seen.feature.spec.incident.clocks if self.seen.feature is not None else []
        found = (c.due_seconds for c in clocks if (c.name, c.severity) == (name, grade))
        seconds = next(found, None)
        return timedelta(seconds=seconds) if seconds is not None else None

    def _target(self, name: ClockName) -> Span | None:
        grade = self._grade(name)
        return self.seen.settings.targets.get((name, grade)) or CLOCKS[name].target.get(grade)

    def _basis(self, name: ClockName, span: Span) -> str:
        grade = self._grade(name)
        whose = (
            " (feature)"
            if self._own(name, grade) is not None
            else " (administrator)"
            if (name, grade) in self.seen.settings.clocks
            else ""
        )
        told = "not classified" if self._waits_for_a_grade(name) else grade
        return f"{told}: {words(span)} after {CLOCKS[name].start}{whose}"

    # -- at which severity -------------------------------------------------------------------------

    @property
    def severity(self) -> Severity:
        return self.after.severity or self.seen.spec.severity

    def _grade(self, name: ClockName) -> Severity:
        """Until people classified it, somebody must be there to do so, however grave it seems."""
        return Severity.P1 if self._waits_for_a_grade(name) else self.severity

    def _waits_for_a_grade(self, name: ClockName) -> bool:
        return name is ClockName.ASSIGN and self.after.milestones.classified_at is None

    def _regraded(self, name: ClockName) -> bool:
        before = self.seen.incident.status
        if name is ClockName.ASSIGN:
            known = (before.milestones.classified_at is None) is self._waits_for_a_grade(name)
            return not known or before.severity is not self.severity
        return before.severity is not self.severity

    @property
    def _is_raised(self) -> bool:
        before = self.seen.incident.status.severity
        return before is not None and self.severity < before  # "P1" < "P2"

    # -- whether it still counts -------------------------------------------------------------------

    def _wants_more(self, name: ClockName, finished: datetime | None) -> bool:
        """A raise to P2 asks for a senior engineer where another one was enough."""
        return name is ClockName.ENGINEER and finished is None and self._is_raised

    def _is_quiet(self, name: ClockName) -> bool:
        clock, at = CLOCKS[name], self.after.milestones
        if self.after.phase in ENDED or (clock.lapses and at.resolved_at is not None):
            return True
        if self.seen.spec.drill is not None and (name in MESSAGES or clock.clients):
            return True  # nothing of a drill leaves the house
        if name is ClockName.CLIENT_FINDINGS and not sent(self.after, TO_CLIENTS):
            return True
        return clock.clients and self._policy is ExternalFrom.NEVER

    @property
    def _policy(self) -> ExternalFrom:
        feature = self.seen.feature
        return feature.spec.incident.external_from if feature is not None else ExternalFrom.P2


def judged(known: Deadline, finished: datetime | None, now: datetime) -> Deadline:
    """What became of a clock that runs, or was missed; its target is of no use any more."""
    at = finished.replace(microsecond=0) if finished is not None else None
    match known.state:
        case DeadlineState.PENDING if at is not None:
            state = DeadlineState.MET if at <= known.due else DeadlineState.LATE
            return known.but(state=state, met_at=at, target=None)
        case DeadlineState.MISSED if at is not None:
            return known.but(state=DeadlineState.LATE, met_at=at)
        case DeadlineState.PENDING if now >= known.due:
            return known.but(state=DeadlineState.MISSED, target=None)
        case _:
            return known


def waived(known: Deadline | None) -> Deadline | None:
    """Not asked for any more. What was done, or missed, stays as it is."""
    if known is None or known.state is not DeadlineState.PENDING:
        return known
    return known.but(state=DeadlineState.WAIVED, target=None)


def whole(at: datetime) -> datetime:
    """The next whole second."""
    return at if not at.microsecond else at.replace(microsecond=0) + SECOND
