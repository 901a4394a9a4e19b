"""AIFeature.spec.drift and status.drift: which inputs are watched for drift, and what they say.

It says what is compared with what, and what happens out of band: an alert or a hold, never a
rollback. How far two samples lie apart is decided in `evidence/`.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from goaround.api.base import Digest, DnsLabel, Line, Model, ObjectName, Timestamp
from goaround.api.schema import cel, keyed_by, rules
from goaround.api.signals import Selector

LIMIT = "^(0[.]0{0,6}[1-9][0-9]{0,6}|[1-9][0-9]?([.][0-9]{1,6})?)$"
IS_LIMIT = cel(
    f"self.matches('{LIMIT}')",
    'a drift limit is a decimal above 0 and below 100 in quotes, for example "0.2"',
)
LABEL = "^[a-zA-Z_][a-zA-Z0-9_]*$"
MOST_INPUTS = 10

Limit = Annotated[str, Field(pattern=LIMIT, max_length=9, json_schema_extra=rules(IS_LIMIT))]
Shown = Annotated[str, Field(max_length=32)]


class Statistic(StrEnum):
    PSI = "PSI"
    KS = "KS"


class DriftAction(StrEnum):
    ALERT = "Alert"
    HOLD = "Hold"


class DriftIncident(StrEnum):
    NEVER = "Never"
    ON_DRIFT = "OnDrift"


class DriftReference(StrEnum):
    LAST_KNOWN_GOOD = "LastKnownGood"
    BASELINE = "Baseline"
    TRAINING = "Training"


class Category(Model):
    """A class per request: language, intent, or whether a key field is present."""

    counter: Selector = Field(
        description="One selector of a counter with one series per class, with `$match`: "
        "`ai_request_language_total{$match}`."
    )
    label: str = Field(
        pattern=LABEL, max_length=64, description="The label that names the class: `language`."
    )


class Similarity(Model):
    """Cosine of each request's embedding to a pinned centroid, which the app computes."""

    sum: Selector = Field(
        description="One selector of the sum of all cosines, with `$match`: "
        "`ai_embedding_cosine_sum{$match}`."
    )
    count: Selector = Field(
        description="One selector of how many there were, with `$match`: "
        "`ai_embedding_cosine_count{$match}`."
    )


class Centroid(Model):
    """Direction of the mean embedding, from sums by dimension, which the app exports."""

    sum: Selector = Field(
        description="One selector of the running sums of all embeddings' components, one series "
        "per dimension and each series from the first request on, with `$match`: "
        "`ai_embedding_sum{$match}`. Components may be negative, so take a summary or a gauge."
    )
    count: Selector = Field(
        description="One selector of how many embeddings there were, with `$match`; it also tells "
        "restarts: `ai_embeddings_total{$match}`, or of a summary "
        '`ai_embedding_count{$match,dim="0"}`.'
    )
    dimension: str = Field(
        pattern=LABEL,
        max_length=64,
        description="The label that numbers the dimensions, from 0 without a gap, at most 64 (of a "
        "larger encoder: a random projection that never changes): `dim`.",
    )


class DriftInput(Model):
    """One input that is watched, for example prompt length, language, or a model's feature."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "[has(self.histogram), has(self.category), has(self.similarity), "
                "has(self.centroid)]"
                ".filter(kind, kind).size() == 1",
                "an input is one of histogram, category, similarity and centroid: set exactly one",
            ),
            cel(
                "self.statistic != 'KS' || has(self.histogram)",
                "statistic KS needs an order among the classes: use it with histogram, or take PSI",
            ),
            cel(
                "self.reference != 'Training' || has(self.histogram) || has(self.category)",
                "training data comes as counts, and similarity and centroid have none: take "
                "another reference",
            ),
        )
    )

    name: DnsLabel = Field(description="Name of the input, unique in the feature.")
    histogram: Selector | None = Field(
        default=None,
        description="One selector of a histogram's buckets, with `$match`: "
        "`ai_prompt_tokens_bucket{$match}`. No default.",
    )
    category: Category | None = Field(
        default=None, description="Requests by class, from a counter. No default."
    )
    similarity: Similarity | None = Field(
        default=None,
        description="Mean cosine to a pinned centroid; its distance is compared, and `statistic` "
        "has no say. No default.",
    )
    centroid: Centroid | None = Field(
        default=None,
        description="Cosine distance (1 - cosine) of mean embeddings; 0.03 is a turn by 14 "
        "degrees, and `statistic` has no say. No default.",
    )
    statistic: Statistic = Field(
        default=Statistic.PSI,
        description="`PSI`: population stability index, for all classes. `KS`: largest distance of "
        "the cumulative shares, for histograms.",
    )
    limit: Limit = Field(
        default="0.2",
        description="Largest harmless drift, without the part that chance makes, as a decimal in "
        "the unit of its statistic (PSI, KS and cosine have none).",
    )
    action: DriftAction = Field(
        default=DriftAction.ALERT,
        description="Out of band: `Alert` tells people, `Hold` also stops the climb. Neither rolls "
        "back.",
    )
    reference: DriftReference = Field(
        default=DriftReference.LAST_KNOWN_GOOD,
        description="Compared with: what `LastKnownGood` gets in the same window (in Live: got at "
        "the same time of an earlier day), the `Baseline` of before the first step, or the "
        "`Training` data's counts.",
    )
    for_seconds: int = Field(
        default=0,
        ge=0,
        le=604800,
        description="How long it must be out of band before anything is done, in seconds.",
    )
    cluster_size: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="Requests that resemble each other (one session); they count as one.",
    )


class TrainingReference(Model):
    """Bucket counts of the training data, in a ConfigMap of this namespace."""

    name: ObjectName = Field(description="Name of the ConfigMap.")
    key: str = Field(
        default="training.json",
        pattern="^[-._a-zA-Z0-9]+$",
        max_length=253,
        description="Its key, with JSON of at most 4 KiB: bounds `e` and one more count `c` per "
        "histogram, counts by class `k` per category, unix seconds of the data: "
        '`{"v":1,"from":0,"to":1,"inputs":{"age":{"e":[30,60],"c":[5,9,2]},'
        '"sex":{"k":{"f":8,"m":8}}}}`.',
    )


class Drift(Model):
    """The drift watch."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "has(self.training) || !self.inputs.exists(i, i.reference == 'Training')",
                "reference Training needs drift.training: name the ConfigMap with its counts",
            )
        )
    )

    window_seconds: int = Field(
        default=3600,
        ge=3600,
        le=604800,
        description="Length of the windows that are compared, in seconds; whole hours.",
        json_schema_extra=rules(
            cel("self % 3600 == 0", "windowSeconds must be whole hours, for example 3600 or 86400")
        ),
    )
    training: TrainingReference | None = Field(
        default=None, description="Counts of the training data. No default."
    )
    incident: DriftIncident = Field(
        default=DriftIncident.NEVER,
        description="`OnDrift`: an input out of band opens a P4 incident, unless one of drift is "
        "open or was in the day before; people end it. `Never`: none.",
    )
    inputs: list[DriftInput] = Field(
        min_length=1,
        max_length=MOST_INPUTS,
        description="The inputs under watch.",
        json_schema_extra=keyed_by("name"),
    )


class DriftInputStatus(Model):
    """What one input says, with the numbers that say why."""

    name: DnsLabel = Field(description="Name of the input.")
    verdict: str = Field(
        max_length=16, description="`Alert`, `Hold`, `Quiet` or `Unknown` (nothing to compare)."
    )
    message: Line = Field(description="The verdict explained in one line.")
    value: Shown | None = Field(
        default=None, description="The drift, without the part that chance makes."
    )
    noise: Shown | None = Field(
        default=None, description="What chance alone reaches once in a thousand looks."
    )
    moved: Shown | None = Field(
        default=None, description="The drift in multiples of its limit, where chance is ruled out."
    )
    out_since: Timestamp | None = Field(default=None, description="Since when it is out of band.")


class BaselineStatus(Model):
    """When the inputs were looked at before the first step; the counts are in the release's
    record."""

    established_at: Timestamp = Field(description="End of the window that it was taken from.")
    began_at: Timestamp = Field(description="Start of that window.")


class DriftStatus(Model):
    """What the drift watch says."""

    digest: Digest | None = Field(
        default=None, description="The release whose inputs were compared."
    )
    verdict: str = Field(max_length=16, description="The gravest verdict of all inputs.")
    observed_at: Timestamp = Field(description="End of the window that was compared last.")
    baseline: BaselineStatus | None = Field(
        default=None, description="The baseline, once it is established."
    )
    inputs: list[DriftInputStatus] = Field(
        default_factory=list,
        max_length=MOST_INPUTS,
        description="What each input says.",
        json_schema_extra=keyed_by("name"),
    )
