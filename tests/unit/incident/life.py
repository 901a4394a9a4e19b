"""One incident under a clock that the test moves: what people say, what its feature shows, and a
pass whenever something is due."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from goaround.api.base import ObjectMeta
from goaround.api.clocks import ClockName
from goaround.api.conditions import condition, settled
from goaround.api.feature import IncidentPolicy
from goaround.api.incident import AIIncidentSpec, AIIncidentStatus
from goaround.api.incident_status import Deadline, Message, MessageState
from goaround.api.kinds import AIFeature, AIIncident
from goaround.api.reasons import ConditionType, Reason
from goaround.incident.decide import decide
from goaround.incident.seen import Seen, Settings
from tests.unit.incident.build import AT, NAME, a_feature, a_latch

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HASH = "sha256:" + "0" * 64
FIVE = ("productionDistribution", "pipelineAssumptions", "promptsTested", "retrievalMonitored")
WRITTEN_UP: dict[str, Any] = {
    "summary": {
        "whatBroke": "answers were empty",
        "noticedBy": "support",
        "scope": "English questions",
        "firstSeen": AT.isoformat(),
    },
    "rootCause": {"bin": "Config", "detail": "TokenLimits", "line": "context above the limit"},
    "remediation": {"types": ["ParameterUpdate"], "line": "limit set to what the model takes"},
    "guardrail": {"type": "Test", "ref": "golden case long-question"},
    "review": {
        "detectionGap": "seen after 40 s; a golden case would have caught it",
        "response": "timely",
        "technicalCause": "nobody checks limits against the model",
        "aiQuestions": dict.fromkeys((*FIVE, "killSwitch"), "yes"),
        "reviewers": ["ana"],
        "nextReviewAt": "2027-02-01T09:00:00Z",
        "findings": "the limit was inherited",
    },
    "actionItems": [
        {
            "name": "alert-on-empty",
            "title": "alert at twice the baseline",
            "owner": "tom",
            "due": "2026-12-01T09:00:00Z",
            "kind": "Monitoring",
            "prevents": "Instance",
        },
        {
            "name": "check-limits",
            "title": "the pipeline checks limits of every model",
            "owner": "ana",
            "due": "2026-12-15T09:00:00Z",
            "prevents": "Class",
        },
    ],
}
"""All that closing asks for but a meeting."""


class Life:
    """An incident that a person opened at `AT`, not contained and without a commander."""

    def __init__(self, severity: str = "P2", *, source: str = "Manual", **settings: Any) -> None:
        said = {
            "affects": [{"name": "chat"}],
            "trigger": {"source": source, "key": "support heard of it"},
            "severity": severity,
            "severityReason": "customers wrote in",
        } | ({"drill": "Practice"} if source == "Drill" else {})
        meta = ObjectMeta(name=NAME, namespace="shop", uid="i", generation=1, creation_timestamp=AT)
        self.incident = AIIncident(metadata=meta, spec=AIIncidentSpec.model_validate(said))
        self.feature: AIFeature | None = a_feature()
        self.settings = Settings(**settings)
        self.now, self.passes, self.wake_at = AT, 0, AT
        self._conditions: dict[ConditionType, Any] = {}

    def says(self, **spec: Any) -> "Life":
        """A person changes spec; parts are replaced as a whole."""
        whole = self.incident.spec.wire() | spec
        said = AIIncidentSpec.model_validate({k: v for k, v in whole.items() if v is not None})
        self.incident = self.incident.but(spec=said)
        return self

    def policy(self, **incident: Any) -> "Life":
        """The feature's spec.incident."""
        assert self.feature is not None
        policy = IncidentPolicy.model_validate(incident)
        self.feature = self.feature.but(spec=self.feature.spec.but(incident=policy))
        return self

    def shows(self, kind: ConditionType, status: Any, reason: Reason = Reason.PENDING) -> "Life":
        """The feature's condition, from now on."""
        assert self.feature is not None
        before = self.feature.status.conditions
        self._conditions[kind] = condition(kind, status, reason, "as it was seen")
        found = settled(before, self._conditions.values(), generation=1, now=self.now)
        self.feature = self.feature.but(status=self.feature.status.but(conditions=found))
        return self

    def latched(self, **changes: Any) -> "Life":
        """What its feature knows of it, when a release was sent back."""
        self.feature = a_feature(a_latch(**changes))
        return self

    def sends(self, kind: str) -> "Life":
        """A message of this kind is sent now."""
        messages = dict(list(self.status.comms.messages.items())[-29:])
        messages[f"{kind}-{self.now:%d%H%M%S}"] = Message(
            kind=kind,
            state=MessageState.SENT,
            since=self.now,
            rendered_at=self.now,
            sent_at=self.now,
            hash=HASH,
        )
        comms = self.status.comms.but(messages=messages)
        self.incident = self.incident.but(status=self.status.but(comms=comms))
        return self

    def looks(self) -> "Life":
        """One pass, and no more: the next one on the same facts changes nothing."""
        features = (self.feature,) if self.feature is not None else ()
        plan = decide(Seen(self.incident, features, self.settings), self.now)
        known = AIIncidentStatus.model_validate(plan.status.wire())
        self.incident = self.incident.but(status=known)
        self.wake_at, self.passes = plan.wake_at or self.now + 365 * DAY, self.passes + 1
        return self

    def at(self, since: timedelta) -> "Life":
        """Until `AT + since`, with a pass whenever one is due, and one at the end."""
        until = AT + since
        while self.now < until:
            self.now = min(max(self.wake_at, self.now), until)
            self.looks()
        return self

    def until(self, true: Callable[["Life"], bool]) -> "Life":
        """Pass by pass, as they are due, until it is true."""
        while not true(self):
            self.now = self.wake_at
            self.looks()
        return self

    @property
    def status(self) -> AIIncidentStatus:
        return self.incident.status

    @property
    def phase(self) -> str:
        return str(self.status.phase)

    def clock(self, name: str | ClockName) -> Deadline:
        return self.status.deadlines[name]

    def state(self, name: str | ClockName) -> str:
        found = self.status.deadlines.get(name)
        return str(found.state) if found is not None else "none"

    def due(self, name: str | ClockName) -> timedelta:
        """How long after `AT`; whole seconds count from the next one."""
        return self.clock(name).due - AT

    def message(self, kind: ConditionType) -> str:
        found = next((c for c in self.status.conditions if c.type == kind), None)
        return f"{found.status} {found.reason}: {found.message}" if found is not None else "absent"
