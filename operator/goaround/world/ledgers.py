"""Where the change ledger of a feature is kept: a ConfigMap, written on the version that was read.

Decides whether a ConfigMap of that name is a ledger. Refuses to write over one that is not, and to
write what another operator has not been read for.
"""

from dataclasses import dataclass, field

from goaround.api.base import Json
from goaround.api.kinds import CONFIG_MAPS
from goaround.api.names import FEATURE_LABEL, ledger_name
from goaround.ledger.book import LINES_KEY, Book, read, written
from goaround.world.kube import Api, NotFound


class NotALedger(Exception):
    """Somebody else has a ConfigMap of that name; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A ledger, and the version of its ConfigMap; None where there is none yet."""

    book: Book = field(default_factory=Book)
    version: str | None = None


async def fetch(api: Api, namespace: str, feature: str) -> Stored:
    """The ledger of a feature; an empty one before its first look. Raises KubeError, NotALedger."""
    name = ledger_name(feature)
    try:
        body = await api.get(CONFIG_MAPS, namespace, name)
    except NotFound:
        return Stored()
    data, labels = body.get("data") or {}, body["metadata"].get("labels") or {}
    if labels.get(FEATURE_LABEL) != feature or LINES_KEY not in data:
        told = f"ConfigMap {name} is not the change ledger of {feature}: rename it, or the feature"
        raise NotALedger(told)
    return Stored(read(data), body["metadata"]["resourceVersion"])


async def keep(api: Api, namespace: str, feature: str, stored: Stored, book: Book) -> Stored:
    """`book` written in the place of `stored`. Raises Conflict, NotFound or AlreadyExists where
    somebody wrote in between: fetch it and look again."""
    name, data = ledger_name(feature), written(book)
    if stored.version is None:
        body = await api.create(CONFIG_MAPS, namespace, _body(name, feature, data))
    else:
        patch: Json = {"metadata": {"resourceVersion": stored.version}, "data": data}
        body = await api.patch(CONFIG_MAPS, namespace, name, patch)
    return Stored(book, body["metadata"]["resourceVersion"])


def _body(name: str, feature: str, data: dict[str, str]) -> Json:
    return {
        "apiVersion": CONFIG_MAPS.api_version,
        "kind": CONFIG_MAPS.kind,
        "metadata": {"name": name, "labels": {FEATURE_LABEL: feature}},
        "data": data,
    }
