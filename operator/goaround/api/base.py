"""The base of every model, and the bounded scalar types they share.

Field names are snake_case here and camelCase on the wire. Unknown fields are ignored on reading
(the API server prunes them; an older operator must survive a newer status), never written.
"""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from goaround.api.plain import Json as Json
from goaround.api.plain import rfc3339 as rfc3339


class Model(BaseModel):
    """A frozen value with camelCase names on the wire."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )

    def wire(self) -> Json:
        """The object as the API server stores it: camelCase, no nulls, no empty lists or maps.

        Empty lists are left out because `kubectl describe` shows them as blank lines.
        """
        return _without_nothing(self.model_dump(mode="json", by_alias=True))

    def but(self, **changes: object) -> Self:
        """A copy with `changes`; values are trusted, as with `model_copy`, of which this is the
        part that a model without extra and private members needs: a pass makes dozens."""
        made = self.__class__.__new__(self.__class__)
        object.__setattr__(made, "__dict__", self.__dict__ | changes)
        named = self.__pydantic_fields_set__ | changes.keys()
        object.__setattr__(made, "__pydantic_fields_set__", named)
        object.__setattr__(made, "__pydantic_extra__", None)
        object.__setattr__(made, "__pydantic_private__", None)
        return made


def _without_nothing(value: Json) -> Json:
    return {k: kept for k, v in value.items() if (kept := _kept(v)) is not None}


def _kept(value: Any) -> Any:
    if isinstance(value, dict):
        return _without_nothing(value) or None
    if isinstance(value, list):
        return [_without_nothing(v) if isinstance(v, dict) else v for v in value] or None
    return value


Timestamp = Annotated[datetime, PlainSerializer(rfc3339, return_type=str, when_used="json")]

Percent = Annotated[int, Field(ge=0, le=100)]
DnsLabel = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
ObjectName = Annotated[
    str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", min_length=1, max_length=253)
]
SHARE = r"^(0([.][0-9]{1,9})?|1([.]0{1,9})?)$"
Share = Annotated[str, Field(pattern=SHARE, max_length=11)]
Text = Annotated[str, Field(max_length=1024)]
Line = Annotated[str, Field(max_length=512)]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$", max_length=71)]


class ObjectMeta(Model):
    """The part of `metadata` that we read."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = "0"
    creation_timestamp: Timestamp | None = None
    deletion_timestamp: Timestamp | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
