"""`spec.contract`: what goes into the feature and what may come out of it, as JSON Schemas.

It is published with the flag and honoured by the app, in the request path. The schemas fly with the
release, so that going back brings back the schemas it was written for.
"""

from enum import StrEnum

from pydantic import ConfigDict, Field

from goaround.api.base import Model
from goaround.api.content import ContentRef, ReleaseContract
from goaround.api.schema import cel, rules


class OnViolation(StrEnum):
    FALLBACK = "Fallback"


class InputContract(Model):
    """What may go in: the rest is refused before the model sees it."""

    schema_ref: ContentRef = Field(
        description="JSON Schema (draft 2020-12) of a request, as JSON text of at most 32 KiB."
    )


class OutputContract(Model):
    """What may come out: the rest is a failure."""

    schema_ref: ContentRef = Field(
        description="JSON Schema (draft 2020-12) of an answer, as JSON text of at most 32 KiB."
    )
    retries: int = Field(
        default=1, ge=0, le=1, description="How often the app asks again after a violation."
    )
    on_violation: OnViolation = Field(
        default=OnViolation.FALLBACK,
        description="What it does then: `Fallback` walks the fallback chain.",
    )
    violation_log_days: int = Field(
        default=14, ge=7, le=14, description="How long each violation stays in the app's log, days."
    )


class FeatureContract(Model):
    """What goes in and what comes out."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "has(self.input) || has(self.output)",
                "a contract says nothing: give it an input or an output, or take it out",
            )
        )
    )

    input: InputContract | None = Field(default=None, description="What may go in. No default.")
    output: OutputContract | None = Field(
        default=None, description="What may come out. No default."
    )

    @property
    def schemas(self) -> ReleaseContract:
        """The part that flies with the release."""
        return ReleaseContract(
            input=self.input.schema_ref if self.input is not None else None,
            output=self.output.schema_ref if self.output is not None else None,
        )
