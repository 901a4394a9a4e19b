"""`spec.delivery`: the planes by which a split reaches the app."""

from enum import StrEnum

from pydantic import Field

from goaround.api.base import DnsLabel, Model


class BucketBy(StrEnum):
    REQUEST = "Request"
    SESSION = "Session"
    USER = "User"


class Role(StrEnum):
    SPLIT = "Split"


class FlagDelivery(Model):
    """The flag plane: a flagd sync stream carries the whole release."""

    key: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9]([-a-z0-9._]*[a-z0-9])?$",
        max_length=100,
        description="Flag key that apps evaluate; unique in the namespace. Default: "
        "`<feature>.release`.",
    )
    bucket_by: BucketBy = Field(
        default=BucketBy.SESSION,
        description="The unit that sticks to an arm, which apps use as targeting key.",
    )


class Delivery(Model):
    """One plane by which the split reaches the app."""

    name: DnsLabel = Field(description="Name of the plane in this feature.")
    role: Role = Field(description="`Split`: this plane divides users between the releases.")
    flag: FlagDelivery = Field(description="Deliver through the flag stream.")
