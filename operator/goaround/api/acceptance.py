"""AIFeature.spec.acceptance: the signals with their bounds, and how much error they may make.

It says what is measured against which limit. How evidence becomes a verdict is not its business.
"""

from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue

from goaround.api.base import SHARE, DnsLabel, Model
from goaround.api.bounds import IS_SHARE, OnBreach, VsBaseline, VsStable
from goaround.api.presets import PRESETS, Kind
from goaround.api.schema import cel, keyed_by, rules
from goaround.api.signals import (
    NUMBER,
    Arms,
    EventCount,
    Latency,
    Layer,
    Mean,
    Number,
    Query,
    Ratio,
    Slices,
)

__all__ = [
    "Acceptance",
    "Layer",
    "OnBreach",
    "Ratio",
    "Signal",
    "VsBaseline",
    "VsStable",
]

LEVEL = "^0[.]0*[1-9][0-9]*$"
IS_LEVEL = cel(
    f"self.matches('{LEVEL}')",
    "a chance is a decimal above 0 and below 1 in quotes, with at most 6 decimals, for example "
    '"0.01"',
)

SignificanceLevel = Annotated[
    str, Field(pattern=LEVEL, max_length=8, json_schema_extra=rules(IS_LEVEL))
]


KINDS = "[has(self.ratio), has(self.latency), has(self.mean), has(self.count), has(self.query)]"
OF_SHARES = "(has(self.ratio) || has(self.latency) || has(self.count))"
IS_SHARE_TEXT = str(IS_SHARE["message"])
BELOW = "double(self.mean.lowest) < double(self.{0}) && double(self.{0}) < "
ENDS = f"self.mean.lowest.matches('{NUMBER}') && self.mean.highest.matches('{NUMBER}')"


def _share(name: str) -> str:
    """CEL: where the bound is a share, it is written as one."""
    return f"!has(self.{name}) || !{OF_SHARES} || self.{name}.matches('{SHARE}')"


def _on_scale(name: str) -> str:
    """CEL: the bound of a mean lies on the score's scale, ends excluded."""
    return (
        f"!has(self.mean) || !has(self.{name}) || !({ENDS} && self.{name}.matches('{NUMBER}')) || "
        f"({BELOW.format(name)}double(self.mean.highest))"
    )


SIGNAL_RULES = (
    cel(
        f"({KINDS} + [has(self.preset)]).filter(k, k).size() == 1",
        "a signal has exactly one kind: set one of ratio, latency, mean, count, query or preset, "
        "and take the others out",
    ),
    cel(
        "!(has(self.max) && has(self.min))",
        "a signal takes one absolute bound: set either max (bad above it) or min (bad below it), "
        "not both",
    ),
    cel(
        "has(self.max) || has(self.min) || has(self.vsStable) || has(self.preset)",
        "a signal needs a bound: set max (bad above it), min (bad below it) or vsStable",
    ),
    cel(
        "!(has(self.min) && has(self.vsStable)) || has(self.mean) || has(self.preset)",
        "vsStable compares shares of bad events and does not go with min: make two signals",
    ),
    cel(_share("max"), IS_SHARE_TEXT, path=".max"),
    cel(_share("min"), IS_SHARE_TEXT, path=".min"),
    cel(
        f"!has(self.max) || !{OF_SHARES} || !self.max.startsWith('1')",
        "max must be below 1, since a share never exceeds 1",
        path=".max",
    ),
    cel(
        f"!has(self.min) || !{OF_SHARES} || !self.min.matches('^0[.0]*$')",
        "min must be above 0, since nothing falls below 0",
        path=".min",
    ),
    cel(
        "!has(self.mean) || !(self.mean.worse == 'Lower' ? has(self.max) : has(self.min))",
        "a mean that is worse when it is lower takes min, one that is worse when higher takes max",
    ),
    cel(
        f"({_on_scale('max')}) && ({_on_scale('min')})",
        "the bound of a mean must lie between its lowest and its highest, both excluded",
    ),
    cel(
        "!(has(self.count) && has(self.min))",
        "a count takes max: to ask for at least some events, make it a ratio with min",
    ),
    cel(
        "!has(self.query) || !(has(self.vsStable) || has(self.vsBaseline) || has(self.slices))",
        "a query is held against max or min only: vsStable, vsBaseline and slices need counters",
    ),
    cel(
        "!(has(self.arms) && has(self.vsStable)) || has(self.arms.stable)",
        "vsStable compares with the stable arm: set arms.stable, too",
    ),
)


class Signal(Model):
    """One acceptance signal with its bounds."""

    model_config = ConfigDict(json_schema_extra=rules(*SIGNAL_RULES))

    name: DnsLabel = Field(description="Name of the signal, unique in the feature.")
    layer: Layer | None = Field(
        default=None,
        description="What the signal watches; a breach of a `Safety` signal opens a P1 incident. "
        "Default: that of the preset, else `OutputQuality`.",
    )
    ratio: Ratio | None = Field(
        default=None, description="A share of bad events, from two counters."
    )
    latency: Latency | None = Field(
        default=None, description="The share of requests slower than a bucket's bound."
    )
    mean: Mean | None = Field(
        default=None, description="The mean of a score between a lowest and a highest value."
    )
    count: EventCount | None = Field(
        default=None, description="Events per request, for what should be rare or never happen."
    )
    query: Query | None = Field(
        default=None,
        description="Any PromQL with a plain threshold, judged outside alpha.",
    )
    preset: str | None = Field(
        default=None,
        max_length=63,
        description="A signal by name; whatever is set beside it wins.",
        json_schema_extra={"enum": list[JsonValue](sorted(PRESETS))},
    )
    max: Number | None = Field(
        default=None,
        description="Highest acceptable value: a share as a decimal between 0 and 1, for a mean or "
        'a query in their own unit. Roll back on proof above it, climb on proof below it; "0" for '
        "a share means that the first bad event goes around.",
    )
    min: Number | None = Field(
        default=None,
        description="Lowest acceptable value, as for max. Roll back on proof below it, climb on "
        "proof above it.",
    )
    vs_stable: VsStable | None = Field(
        default=None,
        description="Bound against last-known-good while a candidate flies beside it; does not "
        "apply where there is none. For a mean, shares are of its scale.",
    )
    vs_baseline: VsBaseline | None = Field(
        default=None,
        description="Bound against the baseline of before the first step, while it is `Live`; of "
        "the whole signal, not of its slices.",
    )
    slices: Slices | None = Field(
        default=None, description="Values of one label that are judged by themselves as well."
    )
    arms: Arms | None = Field(
        default=None,
        description="What tells the arms apart in metrics without the feature's labels.",
    )
    label_delay_seconds: int = Field(
        default=0,
        ge=0,
        le=2_592_000,
        description="How late the truth is, in seconds: counts are final so long after their "
        "window. The signal then gates no step that holds shorter.",
    )
    cluster_size: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="Requests that fail together (retries, bursts); evidence is divided by it.",
    )
    budget_weight: int = Field(
        default=1,
        ge=1,
        le=100,
        description="Relative weight of this signal in the false-rollback budget alpha, its slices "
        "included.",
    )

    @property
    def kind(self) -> Kind | None:
        """What is read; None for a preset that this operator does not know."""
        own = self.ratio or self.latency or self.mean or self.count or self.query
        known = PRESETS.get(self.preset or "")
        return own or (known.kind if known is not None else None)

    @property
    def watches(self) -> Layer:
        """The layer: the author's, the preset's, or `OutputQuality`."""
        known = PRESETS.get(self.preset or "")
        return self.layer or (known.layer if known is not None else Layer.OUTPUT_QUALITY)

    @property
    def bounds(self) -> tuple[str | None, str | None]:
        """Absolute bounds (max, min): the author's, or the preset's where no bound is stated."""
        known = PRESETS.get(self.preset or "")
        if known is None or self.max or self.min or self.vs_stable:
            return self.max, self.min
        return known.max, known.min


class Acceptance(Model):
    """What must be true before more users get the candidate."""

    provider: DnsLabel = Field(
        default="default",
        description="Metrics provider, by the name an administrator gave it.",
    )
    scope: str = Field(
        min_length=1,
        max_length=1024,
        description="The inputs this release is accepted for, in one sentence.",
    )
    signals: list[Signal] = Field(
        min_length=2,
        max_length=20,
        description="At least two signals; every one must be good before a climb.",
        json_schema_extra=keyed_by("name")
        | rules(
            cel(
                "self.size() >= 2",
                "at least two signals are needed, since one number alone misses most harm: add "
                "another",
            ),
            cel(
                "self.all(s, self.exists_one(t, t.name == s.name))",
                "two signals have the same name: rename one",
            ),
            cel(
                "self.size() + self.map(s, has(s.slices) ? s.slices.values.size() : 0).sum() <= 32",
                "signals and their slice values may be at most 32 together: leave some out",
            ),
        ),
    )
    max_blind_seconds: int = Field(
        default=120,
        ge=5,
        le=86400,
        description="Longest time the candidate may be silent while stable reports, in seconds; "
        "then it goes around.",
    )
    alpha: SignificanceLevel = Field(
        default="0.01",
        description="Largest chance of a false rollback per rollout, over all signals.",
    )
    beta: SignificanceLevel = Field(
        default="0.05",
        description="Largest chance per signal of accepting a release that is at its bound.",
    )
