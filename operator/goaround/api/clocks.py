"""The clocks of an incident by name, and what a feature says about its incidents: who is called,
when, and what was promised.

Names and times only. How long each clock runs where nobody says so stands in `incident/clocks.py`;
nobody is called from here.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from goaround.api.base import DnsLabel, Model
from goaround.api.bounds import ComparedShare
from goaround.api.severity import Severity

MOST_REGIMES = 4
"""Regulatory clocks of one feature; each is an entry of `status.deadlines`."""

YEAR = 366 * 86400
Called = Annotated[str, Field(min_length=1, max_length=128)]
Regime = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=40)]


class ClockName(StrEnum):
    ASSIGN = "assign"
    CLASSIFY = "classify"
    CONTAIN = "contain"
    CHANNEL = "channel"
    BRIEF = "brief"
    INTERNAL = "internal"
    LEADERSHIP = "leadership"
    CLIENT_TECHNICAL = "clientTechnical"
    CLIENT = "client"
    UPDATE_INTERNAL = "updateInternal"
    UPDATE_EXTERNAL = "updateExternal"
    SUMMARY = "summary"
    ENGINEER = "engineer"
    DIAGNOSIS_STARTED = "diagnosisStarted"
    ROOT_CAUSE_BIN = "rootCauseBin"
    FIX = "fix"
    REENABLE = "reenable"
    NOTE = "note"
    REVIEW = "review"
    REVIEW_LIMIT = "reviewLimit"
    CLIENT_FINDINGS = "clientFindings"


class ClockSetting(Model):
    """Another time for one clock at one severity."""

    name: ClockName = Field(description="Which clock, as in `status.deadlines`.")
    severity: Severity = Field(description="At which severity.")
    due_seconds: int = Field(
        ge=60,
        le=YEAR,
        description="How long after its start it is due, in seconds of calendar time.",
    )


class EscalationStep(Model):
    """One level up."""

    after_seconds: int = Field(
        ge=0,
        le=604_800,
        description="Seconds after the oldest clock of assign, contain and updates was missed.",
    )
    contact: Called = Field(description="Who is called then.")


class ContractualBound(Model):
    """What a contract promises of one signal."""

    signal: DnsLabel = Field(description="Name of a signal of the feature.")
    share: ComparedShare = Field(
        description='Most bad events that are promised, as a share: "0.05". More of them propose '
        "a P2 on an incident of less."
    )
