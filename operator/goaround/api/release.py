"""The release: what is flown as one unit. Its parts are versions that can be gone back to."""

from typing import Annotated

from pydantic import Field

from goaround.api.base import Line, Model
from goaround.api.schema import cel, rules

Version = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._:@/+-]*[A-Za-z0-9])?$", max_length=128)
]
ComponentName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$", max_length=128)
]
ParameterName = Annotated[str, Field(min_length=1, max_length=64)]


class Component(Model):
    """One versioned part of a release."""

    name: ComponentName = Field(description="Name of the artefact, for example `chat-7b`.")
    version: Version = Field(
        description="Immutable version of the artefact; `latest` is refused, because it cannot be "
        "gone back to.",
        json_schema_extra=rules(
            cel(
                "!self.lowerAscii().matches('(^|[^a-z0-9])latest$')",
                "a version must be immutable, since `latest` cannot be gone back to: name the "
                "version that `latest` stands for",
            )
        ),
    )


class Release(Model):
    """What is flown as one unit; its digest is its identity."""

    model: Component = Field(description="The model; every release has one.")
    prompt: Component | None = Field(
        default=None, description="The prompt; classical models have none."
    )
    index: Component | None = Field(
        default=None, description="The retrieval index, where the feature retrieves."
    )
    features: Component | None = Field(
        default=None, description="The feature pipeline of a classical model."
    )
    parameters: dict[ParameterName, Line] = Field(
        default_factory=dict,
        max_length=32,
        description="Settings that belong to the release (temperature, tools, token limits, "
        "thresholds), as text; a change of one is a new release. Names and values may have 1024 "
        "characters together.",
        json_schema_extra=rules(
            cel(
                "self.map(key, key.size() + self[key].size()).sum() <= 1024",
                "parameters may have at most 1024 characters together, because status shows every "
                "release in full: keep long ones in a file with a version, and name that version",
            )
        ),
    )

    @property
    def title(self) -> str:
        """The release in one line: its parts with their versions."""
        parts = [self.model, self.prompt, self.index, self.features]
        return " ".join(f"{p.name}@{p.version}" for p in parts if p is not None)
