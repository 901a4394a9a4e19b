"""AIFeature.spec: the desired release and the flight plan, as a user writes them.

Cross-field rules stand here as CEL, so that the API server refuses a bad plan with a sentence.
"""

from enum import StrEnum

from pydantic import ConfigDict, Field

from goaround.api.acceptance import Acceptance, Layer, Ratio, Signal
from goaround.api.accountability import HumanReview, Regulatory, Runbook
from goaround.api.approval import HIGH_NEEDS_PEOPLE, RiskTier, SignOffMode, SignOffPolicy
from goaround.api.base import DnsLabel, Line, Model, ObjectName
from goaround.api.clocks import (
    MOST_REGIMES,
    ClockSetting,
    ContractualBound,
    EscalationStep,
    Regime,
)
from goaround.api.contacts import Contacts, ExternalFrom
from goaround.api.contract import FeatureContract
from goaround.api.control import DigestOrStart
from goaround.api.delivery import BucketBy, Delivery, FlagDelivery, Role
from goaround.api.drift import Drift
from goaround.api.fallback import HIGH_NEEDS_RULES, Fallback, FallbackType
from goaround.api.neighbours import MOST_CONSUMERS, MOST_DEPENDENCIES, Consumer, Dependency, Party
from goaround.api.preflight import Preflight
from goaround.api.ramp import ALLOWED_INTERVALS, Ramp, RampStep, default_steps
from goaround.api.release import Component, Release, Version
from goaround.api.risk import HIGH_NEEDS_WORDS, MOST_FAILURE_MODES, Explainability, FailureMode
from goaround.api.schema import atomic, cel, keyed_by, rules
from goaround.api.watch import Watch

__all__ = [
    "ALLOWED_INTERVALS",
    "AIFeatureSpec",
    "Acceptance",
    "BucketBy",
    "Component",
    "Delivery",
    "Drift",
    "Fallback",
    "FallbackType",
    "FeatureReference",
    "FirstRelease",
    "FlagDelivery",
    "IncidentPolicy",
    "KillSwitch",
    "Layer",
    "Ramp",
    "RampStep",
    "Ratio",
    "Release",
    "RiskTier",
    "Role",
    "SignOffMode",
    "SignOffPolicy",
    "Signal",
    "Version",
    "Watch",
    "default_steps",
]


class FirstRelease(StrEnum):
    ADOPT = "Adopt"
    RAMP = "Ramp"


class Mode(StrEnum):
    ENFORCE = "Enforce"
    OBSERVE = "Observe"


class KillSwitch(Model):
    """The durable switch on the Git side; `AIKillSwitch` objects are the fast one."""

    engaged: bool = Field(description="true: the fallback serves everybody.")
    reason: Line | None = Field(default=None, description="Why, for the people who find it.")


class IncidentPolicy(Model):
    """How incidents of this feature are graded, timed and escalated."""

    exposure_limit: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000_000,
        description="Requests served by a bad release from which its incident is a P2. No default.",
    )
    contacts: Contacts = Field(default_factory=Contacts, description="Who is told.")
    external_from: ExternalFrom = Field(
        default=ExternalFrom.P2,
        description="Least severity from which people outside are told: `P1`, `P2`, `P3`, or "
        "`Never`. Default P2.",
    )
    escalation: list[EscalationStep] = Field(
        default_factory=list,
        max_length=5,
        description="Who is called while a missed assign, contain or update is still not done; "
        "no two at the same time.",
        json_schema_extra=keyed_by("afterSeconds"),
    )
    clocks: list[ClockSetting] = Field(
        default_factory=list,
        max_length=32,
        description="Clocks that run shorter or longer here than elsewhere.",
        json_schema_extra=keyed_by("name", "severity"),
    )
    contractual: list[ContractualBound] = Field(
        default_factory=list,
        max_length=20,
        description="What contracts promise of signals; worse than that proposes a P2.",
        json_schema_extra=keyed_by("signal"),
    )
    regimes: list[Regime] = Field(
        default_factory=list,
        max_length=MOST_REGIMES,
        description="Regulatory clocks that run: `gdpr` (72 h), `cps-230` (72 h), `ndb` (30 d), "
        "`eu-ai-act` (15 d), `eu-ai-act-death` (10 d), `eu-ai-act-widespread` (2 d), or what the "
        "administrator named in incidents.regimes. Default none.",
        json_schema_extra=atomic(),
    )
    change_lookback_seconds: int = Field(
        default=86_400,
        ge=3600,
        le=604_800,
        description="How long before it began an incident looks for changes. Default 86400 (24 h).",
    )
    breaker_open_seconds: int | None = Field(
        default=None,
        ge=60,
        le=86_400,
        description="A breaker open in Live for so many seconds opens a P4 incident. No default.",
    )
    channels: list[DnsLabel] = Field(
        default_factory=list,
        max_length=8,
        description="Names of channels that the administrator configured, for messages about it; "
        "where none of an audience is named, all of that audience get them.",
        json_schema_extra=atomic(),
    )


class AIFeatureSpec(Model):
    """The desired release and the flight plan."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "self.firstRelease != 'Ramp' || "
                "self.acceptance.signals.exists(s, has(s.max) || has(s.min) || "
                "(has(s.preset) && !has(s.vsStable)))",
                "firstRelease Ramp needs a signal with max or min: the first release has no stable "
                "one to compare with",
            ),
            HIGH_NEEDS_PEOPLE,
            *HIGH_NEEDS_WORDS,
            HIGH_NEEDS_RULES,
            cel(
                "!has(self.release.contract)",
                "release.contract is filled in by the operator: state the schemas in contract",
            ),
        )
    )

    release: Release = Field(description="The release that should serve.")
    delivery: list[Delivery] = Field(
        min_length=1,
        max_length=8,
        description="Planes that carry the split; exactly one has role `Split`.",
        json_schema_extra=keyed_by("name")
        | rules(
            cel(
                "self.filter(p, p.role == 'Split').size() == 1",
                "exactly one plane divides the users: give one plane the role `Split` and "
                "take the others out",
            )
        ),
    )
    fallback: Fallback = Field(
        default_factory=Fallback, description="What serves when no release may."
    )
    contract: FeatureContract | None = Field(
        default=None,
        description="What goes in and what may come out; published with the flag. No default.",
    )
    acceptance: Acceptance = Field(description="The evidence a climb needs.")
    ramp: Ramp = Field(default_factory=Ramp, description="The flight plan.")
    preflight: Preflight | None = Field(
        default=None,
        description="What it must show before it takes off, at 0 % of users. No default.",
    )
    watch: Watch = Field(
        default_factory=Watch, description="How the release is watched after it has landed."
    )
    first_release: FirstRelease = Field(
        default=FirstRelease.ADOPT,
        description="`Adopt`: the first release already serves; take it over at 100 % without "
        "moving traffic. `Ramp`: start it at the first step, against the fallback.",
    )
    mode: Mode = Field(
        default=Mode.ENFORCE,
        description="`Observe`: decide and say, move nothing; what spec asks for serves everybody "
        "and kill switches do not act.",
    )
    drift: Drift | None = Field(
        default=None, description="Inputs watched for drift; it alerts or holds. No default."
    )
    kill_switch: KillSwitch | None = Field(
        default=None,
        description="Durable kill switch for Git; no default, so that Git has no opinion unless "
        "it states one.",
    )
    suspend: bool | None = Field(
        default=None,
        description="true: nothing goes up and deadlines stand still, until it is taken out; "
        "detection and every way down go on. No default, so that Git has no opinion unless it "
        "states one.",
    )
    rollback_to: DigestOrStart | None = Field(
        default=None,
        description="Digest of a release that was last-known-good here, in full or its first 12 "
        "hex digits or more: it serves everybody at once, and `release` does not fly, until this "
        "is taken out. No default.",
    )
    incident: IncidentPolicy = Field(
        default_factory=IncidentPolicy, description="How incidents are graded, timed, escalated."
    )
    risk_tier: RiskTier | None = Field(
        default=None,
        description="Risk of this use of AI, as people judged it. `Limited`: explainability and "
        "failureModes are asked for by conditions. `High`: both, a sign-off and a signal of what "
        "users get are mandatory. `Prohibited`: no release ever serves. No default.",
    )
    owner: Party | None = Field(
        default=None, description="Who answers for it: a team or a person. No default."
    )
    explainability: Explainability | None = Field(
        default=None, description="How it explains itself, in one paragraph. No default."
    )
    failure_modes: list[FailureMode] = Field(
        default_factory=list,
        max_length=MOST_FAILURE_MODES,
        description="Ways to fail that were thought of before launch.",
        json_schema_extra=keyed_by("class"),
    )
    regulatory: Regulatory | None = Field(
        default=None, description="Rules of its sector, and who talks to the regulator. No default."
    )
    human_review: HumanReview | None = Field(
        default=None, description="Where a person looks at each output. No default."
    )
    runbook: Runbook | None = Field(
        default=None, description="Where people read what to do. No default."
    )
    consumers: list[Consumer] = Field(
        default_factory=list,
        max_length=MOST_CONSUMERS,
        description="Who goes on with what this feature returns.",
        json_schema_extra=keyed_by("name"),
    )
    dependencies: list[Dependency] = Field(
        default_factory=list,
        max_length=MOST_DEPENDENCIES,
        description="What of others it rests on; people look there first.",
        json_schema_extra=keyed_by("name"),
    )
    sign_off: SignOffPolicy = Field(
        default_factory=SignOffPolicy, description="Where people must agree to go further up."
    )

    @property
    def sign_off_mode(self) -> SignOffMode:
        """Where people are asked, with the default of the risk tier."""
        if self.sign_off.mode is not None:
            return self.sign_off.mode
        high = self.risk_tier is RiskTier.HIGH
        return SignOffMode.BEFORE_FULL_TRAFFIC if high else SignOffMode.NEVER

    @property
    def content(self) -> Release:
        """The release with the schemas that fly with it, as far as spec says what they are."""
        if self.contract is None:
            return self.release
        return self.release.but(contract=self.contract.schemas)

    @property
    def flag(self) -> FlagDelivery:
        return self.delivery[0].flag

    def signal(self, name: str) -> Signal | None:
        return next((s for s in self.acceptance.signals if s.name == name), None)


class FeatureReference(Model):
    """A feature in the same namespace."""

    name: ObjectName = Field(description="Name of an AIFeature in this namespace.")
