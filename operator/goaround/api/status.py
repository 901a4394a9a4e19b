"""AIFeature.status: what the operator knows and decided.

Facts with timestamps, never counters of time.
Only the operator writes it. Nothing that a restore must not lose lives here alone: releases and
their marks stand in release records.
"""

from typing import Annotated

from pydantic import Field

from goaround.api.approval import SignOffStatus
from goaround.api.base import Digest, Line, Model, Text, Timestamp
from goaround.api.changes import ChangesStatus
from goaround.api.conditions import Condition
from goaround.api.control import Remembered
from goaround.api.drift import DriftStatus
from goaround.api.evidence_log import EvidenceLog
from goaround.api.flight import ALL_CANDIDATE as ALL_CANDIDATE
from goaround.api.flight import ALL_FALLBACK as ALL_FALLBACK
from goaround.api.flight import ALL_STABLE as ALL_STABLE
from goaround.api.flight import Candidate as Candidate
from goaround.api.flight import KnownRelease as KnownRelease
from goaround.api.flight import Split as Split
from goaround.api.flight import Step as Step
from goaround.api.flight import WayBack as WayBack
from goaround.api.kills import MOST_SOURCES as MOST_SOURCES
from goaround.api.kills import Drill as Drill
from goaround.api.kills import DrillResult as DrillResult
from goaround.api.kills import GateRule as GateRule
from goaround.api.kills import KillSource as KillSource
from goaround.api.kills import KillState as KillState
from goaround.api.kills import KillSwitchStatus as KillSwitchStatus
from goaround.api.latches import HARM as HARM
from goaround.api.latches import Latch as Latch
from goaround.api.latches import LatchCause as LatchCause
from goaround.api.latches import SignalStatus as SignalStatus
from goaround.api.preflight import PreflightStatus
from goaround.api.reasons import Stage
from goaround.api.restraints import MOST_RESTRAINTS
from goaround.api.restraints import BreakGlass as BreakGlass
from goaround.api.restraints import Reproducing as Reproducing
from goaround.api.restraints import Restraint as Restraint
from goaround.api.schema import atomic, keyed_by
from goaround.api.watch import SignalBaseline

Short = Annotated[str, Field(max_length=128)]


MOST_STATES, LONGEST_STATE = 60, 1280


class EvidenceState(Model):
    """One test's packed state; opaque."""

    name: Short = Field(description="The test.")
    state: str = Field(
        max_length=LONGEST_STATE, description="Packed state, up to about 1 KiB; opaque to people."
    )


class DeliveryStatus(Model):
    """How far the decision has reached."""

    revision: int = Field(ge=0, description="Newest revision that every ready replica streams.")
    replicas: int = Field(ge=0, description="Flag replicas that answered.")
    streams: int = Field(ge=0, description="Apps connected to them for this feature.")
    message: Line = Field(description="In words.")


class Transition(Model):
    """One change of state, as an event tells it."""

    at: Timestamp = Field(description="When.")
    reason: Short = Field(description="Reason of the event, from the published list.")
    type: str = Field(max_length=8, description="`Normal` or `Warning`.")
    message: Text = Field(description="What happened, in one line.")


class AIFeatureStatus(Model):
    """What the operator knows and decided."""

    observed_generation: int = Field(
        default=-1, description="Generation of the spec that was acted upon; -1: not seen yet."
    )
    stage: Stage | None = Field(
        default=None, description="Where the flight is, for people; conditions are the contract."
    )
    summary: Line | None = Field(
        default=None, description="The state in one line: what serves, why, what comes next."
    )
    weight: str | None = Field(
        default=None, max_length=32, description="Share of users on the candidate, for columns."
    )
    live: Short | None = Field(default=None, description="What serves, for columns.")
    split: Split = Field(default=ALL_FALLBACK, description="How users are divided.")
    revision: int = Field(
        default=0,
        ge=0,
        description="max(previous + 1, unix seconds), raised with every change of split or "
        "release; the newer decision has the higher one.",
    )
    release_digest: Digest | None = Field(
        default=None, description="Digest of the release in spec."
    )
    plan_digest: Digest | None = Field(default=None, description="Digest of release and plan.")
    last_known_good: KnownRelease | None = Field(
        default=None, description="The release that `stable` serves."
    )
    previous_good: KnownRelease | None = Field(
        default=None, description="The last-known-good before it."
    )
    way_back: WayBack | None = Field(
        default=None, description="Whether the good releases can be gone back to."
    )
    candidate: Candidate | None = Field(
        default=None, description="The release in flight, or the last one that flew."
    )
    step: Step | None = Field(default=None, description="The step in force.")
    hold: Line | None = Field(default=None, description="Why nothing goes up just now.")
    clock_stopped_at: Timestamp | None = Field(
        default=None,
        description="Since when people stopped the flight; deadlines move by that time.",
    )
    last_abort: Remembered | None = Field(
        default=None,
        description="Annotation `goaround.dev/abort` as it was last dealt with: acted upon, or "
        "ignored and said so. It is not looked at again until it changes.",
    )
    sign_off: SignOffStatus | None = Field(
        default=None,
        description="What people are asked about this step; absent where nobody is asked.",
    )
    would_have: Line | None = Field(
        default=None, description="What mode Observe would have done to the release in spec."
    )
    signals: list[SignalStatus] = Field(
        default_factory=list,
        max_length=20,
        description="What each signal says.",
        json_schema_extra=keyed_by("name"),
    )
    evidence: list[EvidenceState] = Field(
        default_factory=list,
        max_length=MOST_STATES,
        description="State of the tests; opaque.",
        json_schema_extra=keyed_by("name"),
    )
    latches: list[Latch] = Field(
        default_factory=list,
        max_length=4,
        description="Why releases were sent back, newest first.",
        json_schema_extra=atomic(),
    )
    kill: KillState | None = Field(default=None, description="The kill in force.")
    drill: Drill | None = Field(default=None, description="The drill in force.")
    kill_switch: KillSwitchStatus | None = Field(
        default=None, description="When the kill switch was last exercised, and how it went."
    )
    restraints: list[Restraint] = Field(
        default_factory=list,
        max_length=MOST_RESTRAINTS,
        description="What open incidents ask for by spec.containment, as far as it is obeyed.",
        json_schema_extra=atomic(),
    )
    reproducing: Reproducing | None = Field(
        default=None, description="The golden run that an incident waits for."
    )
    break_glass: BreakGlass | None = Field(
        default=None, description="The release that people let through the freeze."
    )
    gate: list[GateRule] = Field(
        default_factory=list,
        max_length=16,
        description="What must be true before anything goes up again.",
        json_schema_extra=keyed_by("name"),
    )
    preflight: PreflightStatus | None = Field(
        default=None, description="Pre-flight of the candidate."
    )
    drift: DriftStatus | None = Field(default=None, description="What the drift watch says.")
    baselines: list[SignalBaseline] = Field(
        default_factory=list,
        max_length=20,
        description="What `vsBaseline` bounds are held against.",
        json_schema_extra=keyed_by("name"),
    )
    changes: ChangesStatus | None = Field(
        default=None, description="What else changed, of the objects in `watch.objects`."
    )
    evidence_log: EvidenceLog | None = Field(
        default=None, description="Anchor of the evidence binder."
    )
    delivery: DeliveryStatus | None = Field(
        default=None, description="How far the decision has reached."
    )
    history: list[Transition] = Field(
        default_factory=list,
        max_length=10,
        description="The last transitions, oldest first.",
        json_schema_extra=atomic(),
    )
    announced_at: Timestamp | None = Field(
        default=None, description="Transitions up to this time have been posted as events."
    )
    conditions: list[Condition] = Field(
        default_factory=list,
        max_length=24,
        description="Conditions by kstatus, and of this domain.",
        json_schema_extra=keyed_by("type"),
    )
