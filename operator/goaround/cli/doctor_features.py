"""What `goaround doctor` says of features, and the form in which every check is told.

Decides which conditions a person should know of: those that need somebody, not those that decided.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from goaround.api.resources import FEATURES
from goaround.world.kube import Api, Body, Refused

OK: Final = "ok"
LOOK: Final = "look"
WRONG: Final = "wrong"
BY_DECISION: Final = frozenset({"RolledBack", "Rejected", "Inconclusive", "Killed"})
"""Stalled because it did its work: people decide what is next."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check. do: what a person does about it, if anything."""

    check: str
    state: str
    message: str
    do: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """namespace: of the features (None: all); home: the operator's; now: on this machine."""

    namespace: str | None
    home: str
    now: datetime


async def features(api: Api, place: Place) -> AsyncIterator[Finding]:
    """One finding for each that needs somebody, and one for all others."""
    try:
        bodies = await api.list(FEATURES, namespace=place.namespace)
    except Refused:
        yield Finding("features", LOOK, "you may not list them")
        return
    well = 0
    for body in bodies:
        if (finding := feature(body)) is None:
            well += 1
        else:
            yield finding
    yield Finding("features", OK, f"{well} of {len(bodies)} have nothing to say")


def feature(body: Body) -> Finding | None:
    """What a person should know of one feature; None where nothing."""
    meta, status = body["metadata"], body.get("status", {})
    conditions = {c["type"]: c for c in status.get("conditions", [])}
    tell: Callable[..., Finding] = _about(f"{meta.get('namespace')}/{meta['name']}")
    if status.get("observedGeneration", -1) < meta.get("generation", 0):
        todo = "see the operator above; it looks within seconds when it runs"
        return tell(LOOK, "the operator has not looked at its newest spec yet", todo)
    stalled = conditions.get("Stalled", {})
    if stalled.get("status") == "True":
        state = LOOK if stalled["reason"] in BY_DECISION else WRONG
        todo = f"goaround status {meta['name']} -n {meta.get('namespace')}"
        return tell(state, f"{stalled['reason']}: {stalled['message']}", todo)
    blind = [c for c in conditions.values() if c["reason"] == "ProviderUnavailable"]
    if blind:
        todo = "is Prometheus up, and its URL in the administrator's file right?"
        return tell(WRONG, f"ProviderUnavailable: {blind[0]['message']}", todo)
    return None


def _about(name: str) -> Callable[..., Finding]:
    def tell(state: str, message: str, todo: str) -> Finding:
        return Finding(f"feature {name}", state, message, todo)

    return tell
