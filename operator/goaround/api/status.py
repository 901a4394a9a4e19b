"""AIFeature.status: what the operator knows and decided.

Facts with timestamps, never counters of time.
Only the operator writes it. Nothing that a restore must not lose lives here alone: releases and
their marks stand in release records.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from goaround.api.approval import SignOffStatus
from goaround.api.base import Digest, DnsLabel, Line, Model, ObjectName, Percent, Text, Timestamp
from goaround.api.conditions import Condition
from goaround.api.drift import DriftStatus
from goaround.api.feature import Release
from goaround.api.kills import MOST_SOURCES as MOST_SOURCES
from goaround.api.kills import GateRule as GateRule
from goaround.api.kills import KillSource as KillSource
from goaround.api.kills import KillState as KillState
from goaround.api.preflight import PreflightStatus
from goaround.api.reasons import Stage
from goaround.api.schema import atomic, cel, keyed_by, rules
from goaround.api.watch import SignalBaseline

Number = Annotated[str, Field(max_length=32)]
Short = Annotated[str, Field(max_length=128)]


class Split(Model):
    """How users are divided, in whole percents that add up to 100."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel("self.stable + self.candidate + self.fallback == 100", "the split must sum to 100")
        )
    )

    stable: Percent = Field(default=0, description="Percent of users on last-known-good.")
    candidate: Percent = Field(default=0, description="Percent of users on the candidate.")
    fallback: Percent = Field(default=0, description="Percent of users on the fallback.")


ALL_STABLE = Split(stable=100)
ALL_CANDIDATE = Split(candidate=100)
ALL_FALLBACK = Split(fallback=100)


class KnownRelease(Model):
    """A release with its identity."""

    digest: Digest = Field(description="Digest of the release's content.")
    release: Release = Field(description="The content itself.")
    since: Timestamp = Field(description="When it took this place.")


class Candidate(KnownRelease):
    """The release in flight, or the last one that flew."""

    plan_digest: Digest = Field(description="Digest of release, steps and signals.")
    attempt: int = Field(ge=1, description="How often this digest has been tried.")
    adopted: bool = Field(
        default=False, description="true: taken over while it already served; no traffic moved."
    )
    deadline_at: Timestamp = Field(description="When the ramp ends without proof.")


class Step(Model):
    """The step in force."""

    index: int = Field(ge=0, le=9, description="Which step of the ramp, from 0.")
    since: Timestamp = Field(description="When the step began; hold time counts from here.")
    deadline_at: Timestamp = Field(description="When the step ends without proof.")


class SignalStatus(Model):
    """What one signal says, with the numbers that say why."""

    name: DnsLabel = Field(description="Name of the signal.")
    verdict: str = Field(
        max_length=16, description="`Good`, `Bad`, `Undecided` or `Unknown` (never a pass)."
    )
    message: Line = Field(description="The verdict explained in one line.")
    e_value: Number | None = Field(
        default=None, description="Evidence of harm; at 1/alpha the release goes around."
    )
    accept_e_value: Number | None = Field(
        default=None, description="Evidence of health; climbs when it reaches its level."
    )
    total: Number | None = Field(
        default=None, description="Requests of the judged arm since the rollout began."
    )
    bad: Number | None = Field(default=None, description="Bad ones among them.")


MOST_STATES, LONGEST_STATE = 60, 1280


class EvidenceState(Model):
    """One test's packed state; opaque."""

    name: Short = Field(description="The test.")
    state: str = Field(
        max_length=LONGEST_STATE, description="Packed state, up to about 1 KiB; opaque to people."
    )


class LatchCause(StrEnum):
    SIGNAL = "Signal"
    REJECTED = "Rejected"
    KILL = "Kill"
    NO_PROOF = "NoProof"
    OUTAGE = "Outage"
    REFUSED = "Refused"


HARM = frozenset({LatchCause.SIGNAL, LatchCause.REJECTED})
"""Proven: the digest is quarantined."""


class Latch(Model):
    """Why a release was sent back, frozen when it was decided. It does not change afterwards,
    except for what is learnt about its effect."""

    cause: LatchCause = Field(description="What made it go around.")
    at: Timestamp = Field(description="When it was decided.")
    digest: Digest | None = Field(default=None, description="The release that was sent back.")
    release: Release | None = Field(default=None, description="Its content.")
    attempt: int = Field(ge=0, description="The attempt that failed.")
    back_to: KnownRelease | None = Field(
        default=None, description="What serves instead; absent: the fallback."
    )
    signal: DnsLabel | None = Field(default=None, description="The signal that proved harm.")
    message: Line = Field(description="The proof in one line.")
    weight: Percent = Field(description="Percent of users on the release when it was sent back.")
    stage: str = Field(max_length=16, description="The stage it was in.")
    layer: Short | None = Field(default=None, description="The layer of that signal.")
    proven_at: Timestamp | None = Field(
        default=None,
        description="End of the window that crossed the bound, plus the provider's lag.",
    )
    started_at: Timestamp | None = Field(
        default=None, description="Start of the first window with bad events of this flight."
    )
    exposed_requests: int | None = Field(
        default=None, ge=0, description="Requests the release served since then, as far as seen."
    )
    signals: list[SignalStatus] = Field(
        default_factory=list,
        max_length=20,
        description="The signals as they stood.",
        json_schema_extra=keyed_by("name"),
    )
    revision: int = Field(ge=0, description="`status.revision` that carries the decision.")
    delivered_at: Timestamp | None = Field(
        default=None, description="When every ready flag replica streamed it."
    )
    contained_at: Timestamp | None = Field(
        default=None, description="When the release was seen to get no more requests."
    )
    incident: ObjectName | None = Field(
        default=None, description="The incident that it opened or joined."
    )
    incident_opened_at: Timestamp | None = Field(
        default=None, description="When that incident was seen to exist."
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
    candidate: Candidate | None = Field(
        default=None, description="The release in flight, or the last one that flew."
    )
    step: Step | None = Field(default=None, description="The step in force.")
    hold: Line | None = Field(default=None, description="Why nothing goes up just now.")
    clock_stopped_at: Timestamp | None = Field(
        default=None,
        description="Since when people stopped the flight; deadlines move by that time.",
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
        max_length=16,
        description="Conditions by kstatus, and of this domain.",
        json_schema_extra=keyed_by("type"),
    )
