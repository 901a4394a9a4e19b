"""What is odd in a message to customers: warnings for people, never a reason to hold one up.

An honest message names that AI is involved, and says what we do, not whose fault it is. Looks at
words only.
"""

import re
from collections.abc import Iterator
from typing import Final

from goaround.incident.audiences import AUDIENCES, Audience, MessageKind
from goaround.incident.seen import Seen

NAMES_AI: Final = re.compile(r"\bAI\b|artificial intelligence", re.IGNORECASE)
BLAMES: Final = re.compile(
    r"\b(blam\w+|faults?|vendors?|suppliers?|third[- ]part(?:y|ies)|let us down|their mistake)\b",
    re.IGNORECASE,
)


def warnings(kind: MessageKind, text: str, seen: Seen) -> Iterator[str]:
    """What people should look at before they approve it."""
    if AUDIENCES[kind] is not Audience.EXTERNAL:
        return
    if NAMES_AI.search(text) is None:
        yield "it does not say that AI is involved"
    words = text.lower()
    others = [d.name for f in seen.features for d in f.spec.dependencies if d.name.lower() in words]
    found = BLAMES.search(text)
    if found is not None or others:
        named = found.group(0) if found is not None else others[0]
        yield f"it names {named}: say what we do, not whose fault it is"
