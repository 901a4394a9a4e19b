"""What the API server was last heard to hold, by kind, namespace and name.

A body is never replaced by an older one: resourceVersions of one kind compare as integers. A
removal is believed for the version it names; what was deleted unheard goes when a whole list
lacks it.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from goaround.api.kinds import Kind
from goaround.world.kube import Body

ObjectKey = tuple[str, str]

T = TypeVar("T")


def version(body: Body) -> int:
    """resourceVersion as an integer; 0 if there is none."""
    return int(body.get("metadata", {}).get("resourceVersion") or 0)


def key_of(body: Body) -> ObjectKey:
    meta = body.get("metadata", {})
    return (meta.get("namespace", ""), meta.get("name", ""))


class Index:
    """Which objects of one kind say a value, by namespace, in the order in which they first did."""

    def __init__(self, values: Callable[[Body], Iterable[str]]) -> None:
        self._values = values
        self._names: dict[ObjectKey, dict[str, None]] = {}
        self._said: dict[ObjectKey, frozenset[str]] = {}

    def names(self, namespace: str, value: str) -> list[str]:
        """Names of the objects that say it."""
        return list(self._names.get((namespace, value), ()))

    def put(self, key: ObjectKey, body: Body | None) -> None:
        """Take note of a new body; None where the object is gone."""
        namespace, name = key
        before = self._said.pop(key, frozenset())
        after = frozenset(self._values(body)) if body is not None else frozenset()
        if after:
            self._said[key] = after
        for value in before - after:
            names = self._names[namespace, value]
            del names[name]
            if not names:
                del self._names[namespace, value]
        for value in after - before:
            self._names.setdefault((namespace, value), {})[name] = None


class Cache:
    """Bodies as last heard, and what was made of them."""

    def __init__(self) -> None:
        self._kinds: dict[str, dict[str, dict[str, Body]]] = {}
        self._removed: dict[tuple[str, ObjectKey], int] = {}
        self._indexes: dict[str, list[Index]] = {}
        self._parsed: dict[tuple[str, ObjectKey], Any] = {}

    def index(self, kind: Kind, values: Callable[[Body], Iterable[str]]) -> Index:
        """An index over all bodies of a kind, kept up to date from now on."""
        made = Index(values)
        self._indexes.setdefault(kind.plural, []).append(made)
        for body in self.all(kind):
            made.put(key_of(body), body)
        return made

    def store(self, kind: Kind, body: Body) -> bool:
        """Keep `body` unless a newer one, or its removal, is known. True if it was news."""
        key = key_of(body)
        known = self.get(kind, *key)
        newest = max(
            version(known) if known is not None else -1,
            self._removed.get((kind.plural, key), -1),
        )
        if version(body) <= newest:
            return False
        self._keep(kind, key, body)
        self._removed.pop((kind.plural, key), None)
        return True

    def remove(self, kind: Kind, body: Body) -> bool:
        """Forget the object, unless it was heard of in a newer version. True if it was known."""
        key = key_of(body)
        known = self.get(kind, *key)
        if known is not None and version(known) > version(body):
            return False
        self._removed[(kind.plural, key)] = version(body)
        return self.drop(kind, key)

    def drop(self, kind: Kind, key: ObjectKey) -> bool:
        """Forget the object: a live read did not find it."""
        return self._keep(kind, key, None) is not None

    def replace(self, kind: Kind, listed: Iterable[Body], asked_at: int) -> set[ObjectKey]:
        """A whole list: store all of it, prune what it lacks. Returns the keys that changed.

        `asked_at` is the newest version known when the list was asked for: an object heard of later
        than that may rightly be missing from the list.
        """
        bodies = list(listed)
        changed = {key_of(b) for b in bodies if self.store(kind, b)}
        present = {key_of(b) for b in bodies}
        known = {key_of(b): version(b) for b in self.all(kind)}
        gone = {key for key, v in known.items() if key not in present and v <= asked_at}
        for key in gone:
            self._keep(kind, key, None)
        self._removed = {
            (p, k): v for (p, k), v in self._removed.items() if p != kind.plural or v > asked_at
        }
        return changed | gone

    def newest(self, kind: Kind) -> int:
        """The newest version heard of this kind."""
        return max((version(b) for b in self.all(kind)), default=0)

    def get(self, kind: Kind, namespace: str, name: str) -> Body | None:
        return self._kinds.get(kind.plural, {}).get(namespace, {}).get(name)

    def parsed(self, kind: Kind, key: ObjectKey, parse: Callable[[Body], T]) -> T | None:
        """What `parse`, which must be the same one for all of a kind, makes of the body; it is
        asked once per body. None where there is none."""
        body, where = self.get(kind, *key), (kind.plural, key)
        if body is None:
            return None
        if where not in self._parsed:
            self._parsed[where] = parse(body)
        found: T = self._parsed[where]
        return found

    def all(self, kind: Kind, namespace: str | None = None) -> Iterator[Body]:
        """Every body of a kind, or those of one namespace."""
        spaces = self._kinds.get(kind.plural, {})
        for bodies in spaces.values() if namespace is None else (spaces.get(namespace, {}),):
            yield from bodies.values()

    def _keep(self, kind: Kind, key: ObjectKey, body: Body | None) -> Body | None:
        """The one place where a body comes or goes (None). Returns the one before."""
        namespace, name = key
        bodies = self._kinds.setdefault(kind.plural, {}).setdefault(namespace, {})
        before = bodies.pop(name, None) if body is None else bodies.get(name)
        if body is not None:
            bodies[name] = body
        self._parsed.pop((kind.plural, key), None)
        for index in self._indexes.get(kind.plural, ()):
            index.put(key, body)
        return before
