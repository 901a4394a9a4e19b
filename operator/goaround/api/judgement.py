"""What people judge of an incident while it is open: roles, impact, triage, layers, containment.

All of it is optional when an incident is opened; what is missing when it should be closed is said
by the operator on the object. Names and words only: the operator calls nobody from here.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from goaround.api.base import (
    DnsLabel,
    Line,
    Model,
    Percent,
    Share,
    Text,
    Timestamp,
)
from goaround.api.schema import cel, keyed_by, rules

Who = Annotated[str, Field(min_length=1, max_length=128)]
Shortly = Annotated[str, Field(min_length=1, max_length=256)]


class Level(StrEnum):
    ENGINEER = "Engineer"
    SENIOR = "Senior"


class Responder(Model):
    """Somebody who works on the incident."""

    who: Who = Field(description="Name or address of the person.")
    level: Level = Field(
        default=Level.ENGINEER,
        description="`Engineer` or `Senior`; a P2 wants a Senior. Default Engineer.",
    )


class Roles(Model):
    """Who runs the incident."""

    commander: Who | None = Field(
        default=None, description="Who decides and coordinates. No default."
    )
    comms_lead: Who | None = Field(default=None, description="Who speaks to others. No default.")
    technical_lead: Who | None = Field(
        default=None, description="Who leads the search for the cause. No default."
    )
    responders: list[Responder] = Field(
        default_factory=list,
        max_length=16,
        description="Who works on it; the first one meets the clock `engineer`.",
        json_schema_extra=keyed_by("who"),
    )


class Channel(Model):
    """Where people talk about it; the room is opened by people."""

    provider: DnsLabel = Field(
        description="Name of a channel that the administrator configured, for messages."
    )
    id: Shortly | None = Field(
        default=None, description="Name of the room, for example `#inc-chat`. No default."
    )


class DataExposure(StrEnum):
    UNKNOWN = "Unknown"
    NONE = "None"
    CONFIRMED = "Confirmed"


class Harm(StrEnum):
    MONEY = "Money"
    SAFETY = "Safety"
    REGULATORY = "Regulatory"
    CUSTOMERS = "Customers"


class Impact(Model):
    """What it does to people and business, in their words and not in those of metrics."""

    users: Text | None = Field(default=None, description="Which users, how many. No default.")
    business: Text | None = Field(
        default=None,
        description="What it costs or breaks, in plain words; wanted before anything external.",
    )
    data_exposure: DataExposure = Field(
        default=DataExposure.UNKNOWN,
        description="Whether data of people got out; `Unknown` until a person said otherwise, and "
        "messages say so. Default Unknown.",
    )
    customer_facing: bool | None = Field(
        default=None, description="Whether customers see it. No default."
    )
    harm: Harm | None = Field(
        default=None, description="The kind of significant harm, which makes it a P1. No default."
    )
    advice: Line | None = Field(
        default=None,
        description="What those who use it should do now, in messages; change it when it is over. "
        "No default.",
    )
    expected_resolution: Line | None = Field(
        default=None, description="When it should be over, as people promise it. No default."
    )


class TriageOutcome(StrEnum):
    KEEP_WATCHING = "KeepWatching"
    INVESTIGATE = "Investigate"
    EMERGENCY = "Emergency"


class TriageScope(StrEnum):
    ALL_USERS = "AllUsers"
    SUBSET = "Subset"


class TriageKind(StrEnum):
    DATA = "Data"
    LOGIC = "Logic"


class TriageAnswers(Model):
    """Eight questions; `status.triageFacts` has what the operator knows of each."""

    which_alert: Line | None = Field(default=None, description="Which alert, and when.")
    predicting: Line | None = Field(default=None, description="Whether it still answers.")
    in_range: Line | None = Field(default=None, description="Whether answers are in their range.")
    inputs_changed: Line | None = Field(default=None, description="Whether inputs changed.")
    recently_updated: Line | None = Field(default=None, description="Whether anything was updated.")
    upstream_healthy: Line | None = Field(
        default=None, description="Whether what feeds it is healthy."
    )
    business_impact: Line | None = Field(
        default=None, description="What it does to the business now; only people know."
    )
    trend: Line | None = Field(default=None, description="Whether it gets worse or better.")


class Triage(Model):
    """The first look."""

    outcome: TriageOutcome | None = Field(
        default=None,
        description="`KeepWatching`, `Investigate` or `Emergency`; the incident is classified "
        "with it. No default.",
    )
    scope: TriageScope | None = Field(
        default=None, description="`AllUsers` or `Subset`. No default."
    )
    kind: TriageKind | None = Field(default=None, description="`Data` or `Logic`. No default.")
    answers: TriageAnswers = Field(
        default_factory=TriageAnswers, description="Where people know better than the facts."
    )


class CheckVerdict(StrEnum):
    CAUSE = "Cause"
    CONTRIBUTES = "Contributes"
    CLEARED = "Cleared"
    OPEN = "Open"


class Check(Model):
    """What people found on one path."""

    verdict: CheckVerdict = Field(description="`Cause`, `Contributes`, `Cleared` or `Open`.")
    note: Line | None = Field(default=None, description="What was seen. No default.")


class Checks(Model):
    """The paths of a diagnosis, in the order in which they are looked at."""

    deployment: Check | None = Field(default=None, description="A change of ours.")
    input: Check | None = Field(default=None, description="Another mix of users or inputs.")
    retrieval: Check | None = Field(default=None, description="Index, embeddings, context.")
    upstream_data: Check | None = Field(default=None, description="Stale, empty or odd data.")
    provider: Check | None = Field(default=None, description="A third party's model or service.")
    seam: Check | None = Field(default=None, description="A format or a step between systems.")
    model: Check | None = Field(default=None, description="The model itself, known issues.")
    environment: Check | None = Field(default=None, description="Libraries, infrastructure.")
    business: Check | None = Field(default=None, description="Season, market, policy.")
    adversarial: Check | None = Field(default=None, description="People who trick the model.")

    def found(self) -> dict[str, Check]:
        """Those that people looked at, by their name on the wire."""
        return {
            info.alias or name: check
            for name, info in type(self).model_fields.items()
            if (check := getattr(self, name)) is not None
        }


class Diagnosis(Model):
    """The search for the cause."""

    started_at: Timestamp | None = Field(
        default=None,
        description="When it began; default: when the first check or note of it was written.",
    )
    checks: Checks = Field(default_factory=Checks, description="What people found, by path.")


class ContainmentAction(StrEnum):
    KILL_SWITCH = "KillSwitch"
    ROLLBACK = "Rollback"
    THROTTLE = "Throttle"
    FILTER = "Filter"
    FALLBACK = "Fallback"
    THRESHOLD_ADJUST = "ThresholdAdjust"
    NONE = "None"


TO_FALLBACK = frozenset({ContainmentAction.FALLBACK, ContainmentAction.KILL_SWITCH})
"""Everybody gets the fallback; no release is blamed by that alone."""

EXPIRING = "['Filter', 'ThresholdAdjust']"


class ContainmentRequest(Model):
    """What should be lowered while the incident is open. It can lower only."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "self.action != 'None' || has(self.reason)",
                "action None needs a reason: say why nothing has to be contained",
            ),
            cel(
                "(self.action == 'Throttle') == has(self.percent)",
                "percent goes with action Throttle, and with no other: say how much the candidate "
                "may keep",
            ),
            cel(
                f"(self.action in {EXPIRING}) == has(self.expiresAt)",
                "expiresAt goes with action Filter or ThresholdAdjust, and with no other: what is "
                "too narrow breaks on legitimate input later, so say when it ends",
            ),
            cel(
                "(self.action == 'Filter') == has(self.filter)",
                "filter goes with action Filter, and with no other: name the filter of the app",
            ),
            cel(
                "(self.action == 'ThresholdAdjust') == has(self.signal) && "
                "has(self.signal) == has(self.max)",
                "signal and max go with action ThresholdAdjust, and with no other: say which "
                "signal gets which tighter bound",
            ),
        )
    )

    action: ContainmentAction = Field(
        description="`Rollback` takes the candidate off users; `Throttle` leaves it at most "
        "percent; `Fallback` and `KillSwitch` serve the fallback to everybody; `Filter` switches "
        "a filter of the app on; `ThresholdAdjust` tightens the bound of a signal; `None` needs a "
        "reason."
    )
    reason: Line | None = Field(default=None, description="Why. No default.")
    percent: Percent | None = Field(
        default=None, description="Throttle: most percent of users on the candidate. No default."
    )
    filter: DnsLabel | None = Field(
        default=None,
        description="Filter: its name, published with the flag; the app knows what it stops.",
    )
    signal: DnsLabel | None = Field(default=None, description="ThresholdAdjust: which signal.")
    max: Share | None = Field(
        default=None,
        description="ThresholdAdjust: its bound meanwhile; counts where it is tighter than spec.",
    )
    expires_at: Timestamp | None = Field(
        default=None, description="Filter, ThresholdAdjust: when it ends by itself. No default."
    )

    @property
    def is_asking(self) -> bool:
        """Whether anything is to be lowered."""
        return self.action is not ContainmentAction.NONE
