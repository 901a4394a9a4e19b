"""Who uses what a feature returns, and what the feature itself rests on.

Names for people, and for one rule: a consumer that is an AIFeature is told when this one fails
(`rollout/upstream.py`). Nothing is called, and nobody else's object is changed.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from goaround.api.base import DnsLabel, Model

MOST_CONSUMERS, MOST_DEPENDENCIES = 32, 16

Party = Annotated[str, Field(min_length=1, max_length=128)]


class ConsumerReference(Model):
    """An AIFeature of the same namespace."""

    name: str = Field(
        pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
        max_length=50,
        description="Name of an AIFeature in this namespace.",
    )


class Consumer(Model):
    """A process that goes on with what this feature returns."""

    name: DnsLabel = Field(description="Name of the process, unique in the list.")
    feature_ref: ConsumerReference | None = Field(
        default=None,
        description="The AIFeature that it is: it shows `UpstreamIncident` while this one fails, "
        "and its release is not blamed for that. No default.",
    )
    owner: Party = Field(description="Whom to tell: a team, a person or a channel.")


class DependencyKind(StrEnum):
    MODEL_PROVIDER = "ModelProvider"
    EMBEDDING_PROVIDER = "EmbeddingProvider"
    VECTOR_STORE = "VectorStore"
    DATA_SOURCE = "DataSource"
    TOOL = "Tool"
    OTHER = "Other"


class Dependency(Model):
    """Something of others that changes without us."""

    name: Party = Field(description="Who or what, for example the name of a provider.")
    kind: DependencyKind = Field(description="What it is to this feature.")
