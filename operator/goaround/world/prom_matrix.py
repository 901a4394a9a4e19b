"""The shape of a matrix answer of the Prometheus HTTP API, whatever was asked.

Decides whether a body is such an answer, and a whole one. Refuses to understand its numbers: what
they count is for whoever asked.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from goaround.world.prom_types import Unreadable, UnreadableReason


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Row(_Strict):
    """One series: its labels, and (unix seconds, number as text) pairs."""

    metric: dict[str, str]
    # Missing in a row of native histograms, which must not cost other features their reading.
    values: list[tuple[float, str]] = []


class _Matrix(_Strict):
    result_type: Annotated[Literal["matrix"], Field(alias="resultType")]
    result: list[Row]


class _Answer(_Strict):
    status: Literal["success"]
    data: _Matrix
    warnings: list[str] = []


def rows(body: bytes) -> list[Row] | Unreadable:
    """The rows of an answer, or why it cannot be relied upon as a whole."""
    try:
        answer = _Answer.model_validate_json(body)
    except ValidationError:
        return Unreadable(
            UnreadableReason.BAD_ANSWER,
            "the answer is not a matrix in the Prometheus HTTP API's JSON: "
            "check that the provider's url leads to a Prometheus-compatible query API",
        )
    if answer.warnings:
        return Unreadable(
            UnreadableReason.PARTIAL,
            f"the answer came with {len(answer.warnings)} warning(s), so it may be partial; "
            "none is allowed: run the query by hand to read them, and mend the store or the metric",
        )
    return answer.data.result
