"""Content by reference: texts in ConfigMaps that fly as part of a release, called by their hash.

A reference names a ConfigMap and a key; its hash says which text is meant. Bodies stand in release
records only: spec names them, status has their hashes.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from pydantic import Field

from goaround.api.base import Digest, Model, ObjectName

MOST_PROMPT_BYTES: Final = 256 * 1024
MOST_SCHEMA_BYTES: Final = 32 * 1024


class ContentRef(Model):
    """A text in a ConfigMap of this namespace."""

    name: ObjectName = Field(description="Name of the ConfigMap.")
    key: str = Field(
        pattern="^[-._a-zA-Z0-9]+$", max_length=253, description="Its key with the text."
    )
    hash: Digest | None = Field(
        default=None,
        description="SHA-256 of the text. In spec: only this very text may fly. In status: which "
        "text it is. No default.",
    )

    @property
    def place(self) -> tuple[str, str]:
        """ConfigMap and key."""
        return self.name, self.key

    @property
    def where(self) -> str:
        """The place, in words."""
        return f"ConfigMap {self.name}, key {self.key}"


class ReleaseContract(Model):
    """The schemas that a release was flown with; the operator takes them from `spec.contract`."""

    input: ContentRef | None = Field(default=None, description="Schema of what comes in.")
    output: ContentRef | None = Field(default=None, description="Schema of what goes out.")

    @property
    def refs(self) -> Iterator[ContentRef]:
        """Whatever is stated."""
        yield from (ref for ref in (self.input, self.output) if ref is not None)


def hash_of(text: str) -> str:
    """`sha256:<64 hex>` over the text in UTF-8."""
    return "sha256:" + sha256(text.encode()).hexdigest()
