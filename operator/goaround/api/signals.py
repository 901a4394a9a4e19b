"""What a signal may count: the kinds of signals, and what narrows or splits them.

It says which series are read and how they are understood. Bounds and budget stand in
`acceptance.py`; whether a selector is acceptable is decided where it is parsed.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from goaround.api.base import Model
from goaround.api.schema import atomic, cel, rules

NUMBER = "^-?(0|[1-9][0-9]{0,11})([.][0-9]{1,9})?$"
IS_NUMBER = cel(
    f"self.matches('{NUMBER}')",
    'a bound is a decimal number in quotes, with at most 9 decimals, for example "0.02"',
)
DURATION = "^(0|[1-9][0-9]{0,5})([.][0-9]{1,6})?$"
IS_DURATION = cel(
    f"self.matches('{DURATION}') && self.matches('[1-9]')",
    'a duration is a decimal above 0 in quotes, with at most 6 decimals, for example "2.5"',
)

Selector = Annotated[str, Field(min_length=1, max_length=512)]
Matchers = Annotated[str, Field(min_length=1, max_length=256)]
Number = Annotated[str, Field(pattern=NUMBER, max_length=23, json_schema_extra=rules(IS_NUMBER))]


class Layer(StrEnum):
    INFRASTRUCTURE = "Infrastructure"
    OUTPUT_QUALITY = "OutputQuality"
    DATA_PIPELINE = "DataPipeline"
    SAFETY = "Safety"


class Ratio(Model):
    """A share of bad events, from two counters."""

    bad: Selector = Field(
        description="One selector of a counter of bad events, with `$match`: "
        '`ai_requests_total{$match,result="schema_error"}`.'
    )
    total: Selector = Field(
        description="One selector of the counter of all events, with `$match`: "
        "`ai_requests_total{$match}`."
    )


class TimeUnit(StrEnum):
    SECONDS = "Seconds"
    MILLISECONDS = "Milliseconds"


class Latency(Model):
    """The share of requests slower than a bound that the histogram has."""

    histogram: Selector = Field(
        description="One selector of the histogram's buckets, with `$match`: "
        "`ai_request_seconds_bucket{$match}`."
    )
    slower_than_seconds: Annotated[
        str, Field(pattern=DURATION, max_length=13, json_schema_extra=rules(IS_DURATION))
    ] = Field(
        description="Requests above this are slow, in seconds: the bound (`le`) of a bucket that "
        "exists; where it does not, the signal is unreadable and tells the bounds there are.",
    )
    unit: TimeUnit = Field(
        default=TimeUnit.SECONDS, description="Unit in which the histogram counts."
    )


class Worse(StrEnum):
    HIGHER = "Higher"
    LOWER = "Lower"


class Mean(Model):
    """The mean of a score that has a lowest and a highest value."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                f"!self.lowest.matches('{NUMBER}') || !self.highest.matches('{NUMBER}') || "
                "double(self.lowest) < double(self.highest)",
                "lowest must be below highest: they are the ends of the score's scale",
            )
        )
    )

    sum: Selector = Field(
        description="One selector of the sum of all scores, with `$match`: "
        "`ai_judge_score_sum{$match}`."
    )
    count: Selector = Field(
        description="One selector of how many scores there were, with `$match`: "
        "`ai_judge_score_count{$match}`."
    )
    buckets: Selector | None = Field(
        default=None,
        description="One selector of the buckets of the same histogram, with `$match`: "
        "`ai_judge_score_bucket{$match}`; their bounds must lie on the scale. They tell how little "
        "scores spread, so that a small fall of the mean is seen several times sooner. No default.",
    )
    lowest: Number = Field(default="0", description="Lowest score there can be, in its own unit.")
    highest: Number = Field(default="1", description="Highest score there can be, in its own unit.")
    worse: Worse = Field(
        description="`Lower`: a good answer scores high (quality). `Higher`: it scores low (cost)."
    )


class EventCount(Model):
    """Events for which requests are the exposure: incidents, complaints, filter hits."""

    events: Selector = Field(
        description="One selector of the counter of events, with `$match`: "
        "`ai_pii_in_output_total{$match}`."
    )
    total: Selector = Field(
        description="One selector of the counter of requests, with `$match`: "
        "`ai_requests_total{$match}`."
    )


class Query(Model):
    """Any PromQL, held against a plain threshold: no statistics, outside alpha."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "self.failures <= self.of",
                "failures may not be more than of: so many of the last evaluations must fail",
            )
        )
    )

    promql: Annotated[str, Field(min_length=1, max_length=1024)] = Field(
        description="An instant query, with `$match` in every selector: "
        "`max(vllm:kv_cache_usage_perc{$match})`. Of several results the worst one counts."
    )
    failures: int = Field(
        default=3,
        ge=1,
        le=30,
        description="So many of the last evaluations must be beyond the threshold to go around.",
    )
    of: int = Field(
        default=5, ge=1, le=30, description="How many of the last evaluations are looked at."
    )


class Slices(Model):
    """A label with few values, each of which is judged by itself as well."""

    label: str = Field(
        pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$",
        max_length=64,
        description="Name of the label, for example `language`.",
    )
    values: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=40)]] = (
        Field(
            min_length=1,
            max_length=10,
            description="Values that are judged by themselves; a breach of one goes around, but "
            "none is waited for in a climb.",
            json_schema_extra=atomic(),
        )
    )


class Arms(Model):
    """Matchers that tell the arms apart in metrics that know nothing of features."""

    candidate: Matchers = Field(
        description='Matchers of the candidate\'s series: `pod=~"assist-cand-.*"`. `$match` then '
        "stands for these and the namespace."
    )
    stable: Matchers | None = Field(
        default=None,
        description='Matchers of the stable series: `pod=~"assist-stable-.*"`; needed by '
        "`vsStable`. No default.",
    )
