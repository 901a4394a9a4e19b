"""AIFeature.spec.watch and status.baselines: how a release is watched after it has landed.

It says how often evidence is read in Live, how many false alarms people accept, and what a release
is held against. Which bounds are watched stands in acceptance: `max`, `min` and `vsBaseline`. It
also names the objects of others whose changes are kept, so that people look there first.
"""

from pydantic import Field

from goaround.api.base import Digest, DnsLabel, Model, Timestamp
from goaround.api.changes import MOST_OBJECTS, WatchedObject
from goaround.api.schema import cel, keyed_by, rules


class Watch(Model):
    """The watch over what is live: for ever, apart from the budget of the ramp."""

    false_fallbacks_per_year: int = Field(
        default=1,
        ge=1,
        le=365,
        description="How many times a year a healthy live release may be sent back by mere chance, "
        "on average at most, over all signals with `max` or `min` and those whose `vsBaseline` "
        "sends back; fewer prove harm later. Those that only alert may do so by chance as often.",
    )
    interval_seconds: int = Field(
        default=60,
        ge=1,
        le=300,
        description="Length of an evidence window in Live, in seconds; it must divide 300.",
        json_schema_extra=rules(
            cel(
                "self > 0 && 300 % self == 0",
                "watch.intervalSeconds must divide 300, so that features share queries: take for "
                "example 10, 30 or 60",
            )
        ),
    )
    baseline_max_age_seconds: int = Field(
        default=7_948_800,
        ge=86_400,
        le=63_072_000,
        description="From which age on a baseline is called stale, in seconds; nobody is moved for "
        "it. Default: 92 days.",
    )
    objects: list[WatchedObject] = Field(
        default_factory=list,
        max_length=MOST_OBJECTS,
        description="Workloads and ConfigMaps of this namespace whose changes are kept for 7 days "
        "or more, in ConfigMap `<feature>-changes`: what else changed is looked at first.",
        json_schema_extra=keyed_by("kind", "name"),
    )


class SignalBaseline(Model):
    """What `vsBaseline` of one signal is held against; the release's record keeps it, too."""

    name: DnsLabel = Field(description="Name of the signal.")
    digest: Digest = Field(description="The release that was counted.")
    began_at: Timestamp = Field(description="Start of the time in which it was counted.")
    established_at: Timestamp = Field(description="End of that time.")
    total: str = Field(max_length=32, description="Requests in that time.")
    bad: str = Field(max_length=32, description="Bad ones among them.")
    worse_since: Timestamp | None = Field(
        default=None,
        description="Since when the live release is proven to be worse than that allows.",
    )
