"""The pin of a golden run: two random words in a Secret, one per release, for one attempt.

Decides that a pin of another attempt is never used again. Refuses to keep one anywhere else, and to
show it.
"""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable
from dataclasses import dataclass, field

from goaround.api import names
from goaround.api.base import Json
from goaround.api.kinds import SECRETS
from goaround.world.kube import AlreadyExists, Api, NotFound

CANDIDATE, STABLE = "candidate", "stable"


@dataclass(frozen=True, slots=True)
class Pins:
    """Targeting keys that select the candidate, and last-known-good, as variants of their own."""

    candidate: str = field(repr=False)
    stable: str = field(repr=False)


async def keep(
    api: Api, namespace: str, feature: str, *, owner: str, draw: Callable[[], str]
) -> Pins:
    """The pins of this attempt: those that exist, else new ones. `owner`: `names.pin_of`.

    Raises KubeError. Doing it again gives the same pins, also after a crash.
    """
    name = names.pin_name(feature)
    new = Pins(draw(), draw())
    body = _body(name, feature, owner, new)
    try:
        await api.create(SECRETS, namespace, body)
        return new
    except AlreadyExists:
        pins = await found(api, namespace, name, owner=owner)
    if pins is None:
        await drop(api, namespace, feature)  # left behind by an attempt that died
        await api.create(SECRETS, namespace, body)
    return pins or new


async def drop(api: Api, namespace: str, feature: str) -> None:
    """Delete the Secret; one that does not exist is deleted already. Raises KubeError."""
    await api.delete(SECRETS, namespace, names.pin_name(feature))


async def found(api: Api, namespace: str, name: str, *, owner: str) -> Pins | None:
    """The pins of this attempt, if they exist. Raises KubeError."""
    try:
        return read(await api.get(SECRETS, namespace, name), owner)
    except NotFound:
        return None


def read(body: Json, owner: str) -> Pins | None:
    """The pins in a Secret; None where it is not of this attempt, or cannot be read."""
    marks = (body.get("metadata") or {}).get("annotations") or {}
    data = body.get("data") or {}
    if marks.get(names.PIN_OF) != owner:
        return None
    try:
        pins = Pins(*(b64decode(data[arm], validate=True).decode() for arm in (CANDIDATE, STABLE)))
    except (KeyError, ValueError, NotBase64):
        return None
    return pins if pins.candidate and pins.stable and pins.candidate != pins.stable else None


def _body(name: str, feature: str, owner: str, pins: Pins) -> Json:
    words = {CANDIDATE: pins.candidate, STABLE: pins.stable}
    return {
        "apiVersion": SECRETS.api_version,
        "kind": SECRETS.kind,
        "metadata": {
            "name": name,
            "labels": {names.FEATURE_LABEL: feature},
            "annotations": {names.PIN_OF: owner},
        },
        "immutable": True,
        "type": "Opaque",
        "data": {arm: b64encode(word.encode()).decode() for arm, word in words.items()},
    }
