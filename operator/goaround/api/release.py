"""The release: what is flown as one unit. Its parts are versions that can be gone back to."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import ConfigDict, Field

from goaround.api.base import Line, Model
from goaround.api.content import ContentRef, ReleaseContract
from goaround.api.schema import cel, rules

Version = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._:@/+-]*[A-Za-z0-9])?$", max_length=128)
]
ComponentName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$", max_length=128)
]
ParameterName = Annotated[str, Field(min_length=1, max_length=64)]


IMMUTABLE = rules(
    cel(
        "!self.lowerAscii().matches('(^|[^a-z0-9])latest$')",
        "a version must be immutable, since `latest` cannot be gone back to: name the "
        "version that `latest` stands for",
    )
)


class Component(Model):
    """One versioned part of a release."""

    name: ComponentName = Field(description="Name of the artefact, for example `chat-7b`.")
    version: Version = Field(
        description="Immutable version of the artefact; `latest` is refused, because it cannot be "
        "gone back to.",
        json_schema_extra=IMMUTABLE,
    )

    @property
    def title(self) -> str:
        """Which one it is, for people."""
        return f"{self.name}@{self.version}"


class Index(Component):
    """A retrieval index."""

    embedding: Version | None = Field(
        default=None,
        description="Embedding model it was built with, for example `e5-small@3`. An index is of "
        "no use to a release that embeds otherwise. No default.",
    )


class Prompt(Model):
    """A prompt: a version that the app has, or a text that the release brings along."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "has(self.configMapRef) ? !has(self.name) && !has(self.version) : "
                "has(self.name) && has(self.version)",
                "a prompt is a name and a version, or a configMapRef: set one or the other",
            )
        )
    )

    name: ComponentName | None = Field(
        default=None, description="Name of a prompt that the app has. No default."
    )
    version: Version | None = Field(
        default=None,
        description="Immutable version of it; `latest` is refused, because it cannot be gone back "
        "to. No default.",
        json_schema_extra=IMMUTABLE,
    )
    config_map_ref: ContentRef | None = Field(
        default=None,
        description="Text of at most 256 KiB that is copied into the release record at take-off "
        "and served from there. No default.",
    )

    @property
    def title(self) -> str:
        """Which one it is, for people."""
        if (ref := self.config_map_ref) is not None:
            return f"{ref.name}/{ref.key}"
        return f"{self.name}@{self.version}"


class Release(Model):
    """What is flown as one unit; its digest is its identity."""

    model: Component = Field(description="The model; every release has one.")
    prompt: Prompt | None = Field(
        default=None, description="The prompt; classical models have none."
    )
    index: Index | None = Field(
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

    contract: ReleaseContract | None = Field(
        default=None,
        description="The schemas it was flown with. Only the operator writes it, from "
        "`spec.contract`.",
    )

    @property
    def title(self) -> str:
        """The release in one line: its parts with their versions."""
        parts = [self.model, self.prompt, self.index, self.features]
        return " ".join(p.title for p in parts if p is not None)

    @property
    def refs(self) -> Iterator[ContentRef]:
        """Every text that it has by reference."""
        if self.prompt is not None and self.prompt.config_map_ref is not None:
            yield self.prompt.config_map_ref
        if self.contract is not None:
            yield from self.contract.refs
