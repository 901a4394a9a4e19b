"""How a name that a tenant chose appears in a line of ours: cut, on one line, never interpreted."""

from typing import Final

LONGEST: Final = 40


def quoted_name(name: str) -> str:
    """At most `LONGEST` printable characters."""
    clean = "".join(c if c.isprintable() else " " for c in name[: LONGEST + 1])
    return clean if len(clean) <= LONGEST else clean[: LONGEST - 1] + "…"
