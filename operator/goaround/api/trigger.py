"""Why an incident was opened: by what, with which key, and what was known of it then.

Words only: who opens one, and when, is decided elsewhere.
"""

from enum import StrEnum

from pydantic import Field

from goaround.api.base import Digest, Line, Model, Text, Timestamp


class TriggerSource(StrEnum):
    ROLLBACK = "Rollback"
    PREFLIGHT = "Preflight"
    KILL = "Kill"
    INCONCLUSIVE = "Inconclusive"
    OUTAGE = "Outage"
    REFUSED = "Refused"
    ABORTED = "Aborted"
    DRIFT = "Drift"
    BREAKER = "Breaker"
    MANUAL = "Manual"
    DRILL = "Drill"


class Trigger(Model):
    """What opened the incident."""

    source: TriggerSource = Field(description="What opened the incident.")
    key: Line = Field(description="The very cause, in words that stay the same on a retry.")
    digest: Digest | None = Field(default=None, description="The release it is about.")


class Summary(Model):
    """Exactly one plain-language paragraph, in four parts."""

    what_broke: Text | None = Field(default=None, description="What broke.")
    noticed_by: Line | None = Field(default=None, description="Who or what noticed it.")
    scope: Text | None = Field(default=None, description="Who was affected.")
    first_seen: Timestamp | None = Field(default=None, description="First bad window.")


class DrillKind(StrEnum):
    PRACTICE = "Practice"
    TABLETOP = "Tabletop"
