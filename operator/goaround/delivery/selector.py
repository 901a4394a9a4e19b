"""Which flags a stream asks for: one feature, or a whole namespace.

An empty or malformed selector is refused with a sentence that says what to write.
"""

import re
from dataclasses import dataclass
from typing import Self

NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
HOW = "write <namespace>/<feature> (for example shop/support-chat), or <namespace>"


class BadSelector(ValueError):
    """What was asked for cannot be a selector; the message says what to write."""


@dataclass(frozen=True, slots=True)
class Selector:
    """`<namespace>/<feature>`, or `<namespace>` when `name` is empty."""

    namespace: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.name else self.namespace

    def takes(self, feature: tuple[str, str]) -> bool:
        return feature[0] == self.namespace and self.name in ("", feature[1])

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises BadSelector. `flagSetId=` in front is taken too, as flagd writes it."""
        wanted = text.strip().removeprefix("flagSetId=")
        if not wanted:
            raise BadSelector(f"an empty selector is refused: {HOW}")
        namespace, slash, name = wanted.partition("/")
        good = NAMESPACE.fullmatch(namespace) and (not slash or NAME.fullmatch(name))
        if not good:
            raise BadSelector(f"selector {wanted[:300]!r} is not understood: {HOW}")
        return cls(namespace, name)
