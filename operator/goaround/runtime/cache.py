"""What the API server was last heard to hold, by kind, namespace and name.

A body is never replaced by an older one: resourceVersions of one kind compare as integers. A
removal is believed for the version it names; what was deleted unheard goes when a whole list
lacks it.
"""

from collections.abc import Iterable, Iterator

from goaround.api.kinds import Kind
from goaround.world.kube import Body

ObjectKey = tuple[str, str]


def version(body: Body) -> int:
    """resourceVersion as an integer; 0 if there is none."""
    return int(body.get("metadata", {}).get("resourceVersion") or 0)


def key_of(body: Body) -> ObjectKey:
    meta = body.get("metadata", {})
    return (meta.get("namespace", ""), meta.get("name", ""))


class Cache:
    """Bodies as last heard."""

    def __init__(self) -> None:
        self._kinds: dict[str, dict[ObjectKey, Body]] = {}
        self._removed: dict[tuple[str, ObjectKey], int] = {}

    def store(self, kind: Kind, body: Body) -> bool:
        """Keep `body` unless a newer one, or its removal, is known. True if it was news."""
        key, bodies = key_of(body), self._kinds.setdefault(kind.plural, {})
        known = bodies.get(key)
        newest = max(
            version(known) if known is not None else -1,
            self._removed.get((kind.plural, key), -1),
        )
        if version(body) <= newest:
            return False
        bodies[key] = body
        self._removed.pop((kind.plural, key), None)
        return True

    def remove(self, kind: Kind, body: Body) -> bool:
        """Forget the object, unless it was heard of in a newer version. True if it was known."""
        key, bodies = key_of(body), self._kinds.setdefault(kind.plural, {})
        known = bodies.get(key)
        if known is not None and version(known) > version(body):
            return False
        self._removed[(kind.plural, key)] = version(body)
        return bodies.pop(key, None) is not None

    def drop(self, kind: Kind, key: ObjectKey) -> bool:
        """Forget the object: a live read did not find it."""
        return self._kinds.setdefault(kind.plural, {}).pop(key, None) is not None

    def replace(self, kind: Kind, listed: Iterable[Body], asked_at: int) -> set[ObjectKey]:
        """A whole list: store all of it, prune what it lacks. Returns the keys that changed.

        `asked_at` is the newest version known when the list was asked for: an object heard of later
        than that may rightly be missing from the list.
        """
        bodies = list(listed)
        changed = {key_of(b) for b in bodies if self.store(kind, b)}
        present = {key_of(b) for b in bodies}
        known = self._kinds.setdefault(kind.plural, {})
        gone = {k for k, b in known.items() if k not in present and version(b) <= asked_at}
        for key in gone:
            del known[key]
        self._removed = {
            (p, k): v for (p, k), v in self._removed.items() if p != kind.plural or v > asked_at
        }
        return changed | gone

    def newest(self, kind: Kind) -> int:
        """The newest version heard of this kind."""
        return max((version(b) for b in self._kinds.get(kind.plural, {}).values()), default=0)

    def get(self, kind: Kind, namespace: str, name: str) -> Body | None:
        return self._kinds.get(kind.plural, {}).get((namespace, name))

    def all(self, kind: Kind, namespace: str | None = None) -> Iterator[Body]:
        """Every body of a kind, or those of one namespace."""
        for (where, _), body in self._kinds.get(kind.plural, {}).items():
            if namespace is None or where == namespace:
                yield body
