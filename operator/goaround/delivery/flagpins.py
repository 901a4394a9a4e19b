"""How pinned traffic is told from users in a flag: by its targeting key, before any split.

Decides nothing of releases; it refuses to match anything but a whole pin.
"""

from dataclasses import dataclass, field

from goaround.api.base import Json

GOLDEN, GOLDEN_STABLE = "golden", "goldenStable"
"""Variants; apps label both `golden`."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """Targeting keys that select one release each, for golden runs."""

    candidate: str = field(repr=False)
    stable: str = field(repr=False)


def rules(pinned: Pinned, variants: Json) -> list[object]:
    """Conditions and variants, as the head of a flagd `if`; only for the variants that exist."""
    who = {"var": "targetingKey"}
    words = {GOLDEN: pinned.candidate, GOLDEN_STABLE: pinned.stable}
    return [part for v, word in words.items() if v in variants for part in ({"==": [who, word]}, v)]
