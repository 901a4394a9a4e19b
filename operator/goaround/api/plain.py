"""How times and digests are spelt, for those who need no models.

Spells only; what a digest is of, `digest.py` decides. Loads nothing, so that a command may
import it before it knows whether anything else is needed.
"""

from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

SHORT = 12
PREFIX = "sha256:"


def rfc3339(at: datetime) -> str:
    """UTC with milliseconds only where there are any, so that a round trip is exact."""
    at = at.astimezone(UTC)
    if at.microsecond // 1000:
        return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def short(digest: str) -> str:
    """The 12 hex digits by which people and record names call a digest."""
    return digest.removeprefix(PREFIX)[:SHORT]
