"""A feature as a replica knows it, and its flags as they go out.

Decides what of a flag is no reason to send it again. It keeps nothing and sends nothing.
"""

from dataclasses import dataclass

from goaround.api.base import Json
from goaround.api.kinds import AIFeature
from goaround.delivery.flagcheck import dumped
from goaround.delivery.flagset import FlagSet


@dataclass(frozen=True, slots=True)
class Known:
    """A feature as read; `facts` say whether a new body means anything new."""

    facts: Json
    feature: AIFeature
    problem: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A feature's flags as sent. `content` leaves out what is no reason to send again; `lowered`:
    a release gets less than status says."""

    uid: str
    revision: int
    part: str
    content: str
    problems: tuple[str, ...]
    lowered: bool = False


def rendered(known: Known, flags: FlagSet, *, lowered: bool) -> Shown:
    """The flags of `known` as text; `lowered`: a release gets less than status says."""
    problems = flags.problems
    if known.problem is not None:
        problems = (f"{flags.set_id}: {known.problem}", *problems)
    return Shown(
        uid=known.feature.metadata.uid,
        revision=known.feature.status.revision,
        part=dumped(flags.flags),
        content=dumped({key: _heard(flag) for key, flag in flags.flags.items()}),
        problems=problems,
        lowered=lowered,
    )


def _heard(flag: Json) -> Json:
    """The flag without its stage, which changes (`Ramping`, `Holding`) while nobody moves."""
    metadata = {k: v for k, v in flag.get("metadata", {}).items() if k != "stage"}
    return flag | {"metadata": metadata}
