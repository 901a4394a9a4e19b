"""AIFeature.spec.watch: how a release is watched after it has landed.

It says how often evidence is read in Live and how many false alarms people accept. Which bounds
are watched stands in acceptance: the absolute ones.
"""

from pydantic import Field

from goaround.api.base import Model
from goaround.api.schema import cel, rules


class Watch(Model):
    """The watch over what is live: for ever, apart from the budget of the ramp."""

    false_fallbacks_per_year: int = Field(
        default=1,
        ge=1,
        le=365,
        description="How many times a year a healthy live release may be sent back by mere chance, "
        "on average at most, over all signals with `max` or `min`; fewer prove harm later.",
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
