"""The API server in memory: what it refuses, what it versions, what it tells.

It follows the real one in versions, conflicts, the status subresource and no-op patches, and it
refuses what our schemas would refuse or prune. It has no clock of its own and no faults: those are
the port's (`port.py`).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from goaround.api.base import Json, rfc3339
from goaround.api.kinds import FEATURES, INCIDENTS, KILL_SWITCHES, RECORDS, Kind
from goaround.world.kube import AlreadyExists, Conflict, NotFound, Refused
from tests.crash.schema import Unacceptable, checked

WITH_STATUS: Final = (FEATURES, INCIDENTS, KILL_SWITCHES)
UNSEEN: Final[Json] = {"observedGeneration": -1}
RESTORE: Final = "restore"
PEOPLE: Final = "people"
FIRST_VERSION: Final = 1000

Address = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Commit:
    """One change that happened. `before` or `after` is absent where the object was."""

    kind: Kind
    before: Json | None
    after: Json | None
    author: str

    @property
    def body(self) -> Json:
        found = self.after if self.after is not None else self.before
        assert found is not None
        return found

    @property
    def name(self) -> str:
        found: str = self.body["metadata"]["name"]
        return found


class Store:
    """Objects by kind, namespace and name; `hearers` are told of every change, in order."""

    def __init__(self, wall: Callable[[], datetime]) -> None:
        self._wall = wall
        self._version = FIRST_VERSION
        self._objects: dict[Address, Json] = {}
        self._texts: dict[Address, str] = {}
        self._births: dict[str, int] = {}
        self.hearers: list[Callable[[Commit], None]] = []
        self.refusals: list[str] = []

    # -- reading ---------------------------------------------------------------------------------

    def list(self, kind: Kind, namespace: str | None, label: str | None) -> list[Json]:
        return [
            self._copy(address)
            for address in sorted(self._objects)
            if address[0] == kind.plural
            and namespace in (None, address[1])
            and _labelled(self._objects[address], label)
        ]

    def get(self, kind: Kind, namespace: str, name: str) -> Json:
        self._known(kind, namespace, name)
        return self._copy((kind.plural, namespace, name))

    def find(self, kind: Kind, namespace: str, name: str) -> Json | None:
        """The object, or None; for whoever watches the run."""
        return self._objects.get((kind.plural, namespace, name))

    # -- writing ---------------------------------------------------------------------------------

    def create(self, kind: Kind, namespace: str, body: Json, author: str) -> Json:
        name = body["metadata"]["name"]
        if (kind.plural, namespace, name) in self._objects:
            raise AlreadyExists(f"{kind.plural} {name}")
        born = copied(body)
        born.pop("status", None)
        if kind in WITH_STATUS:
            born["status"] = dict(UNSEEN)
        born["metadata"] |= {
            "namespace": namespace,
            "uid": self._uid(kind, namespace, name),
            "generation": 1,
            "creationTimestamp": rfc3339(self._wall().replace(microsecond=0)),
        }
        return self._commit(kind, None, born, author)

    def patch(
        self, kind: Kind, namespace: str, name: str, *, patch: Json, status: bool, author: str
    ) -> Json:
        before = self._known(kind, namespace, name)
        wanted = patch.get("metadata", {}).get("resourceVersion")
        if wanted is not None and wanted != before["metadata"]["resourceVersion"]:
            raise Conflict(f"{kind.plural} {name}: the object has been modified")
        if status and wanted is None:
            self.refusals.append(f"status of {kind.plural} {name} written without its version")
        after = _patched(before, patch, status=status)
        if kind is RECORDS and after.get("data") != before.get("data"):
            raise self._refusal(f"{kind.plural} {name}: data: field is immutable")
        return self._commit(kind, before, after, author)

    def delete(self, kind: Kind, namespace: str, name: str, author: str) -> None:
        before = self._known(kind, namespace, name)
        del self._objects[(kind.plural, namespace, name)]
        self._texts.pop((kind.plural, namespace, name), None)
        last = copied(before)
        last["metadata"]["resourceVersion"] = self._next()
        self._tell(Commit(kind, last, None, author))

    def touch(self, kind: Kind, namespace: str, name: str) -> None:
        """Somebody else changes the object, in a way that means nothing to us."""
        before = self._known(kind, namespace, name)
        touched = int(before["metadata"].get("labels", {}).get("touched", 0)) + 1
        patch: Json = {"metadata": {"labels": {"touched": str(touched)}}}
        self.patch(kind, namespace, name, patch=patch, status=False, author="somebody")

    def wipe_status(self, kind: Kind, namespace: str, name: str) -> None:
        """A restore without status."""
        before = self._known(kind, namespace, name)
        self._commit(kind, before, copied(before) | {"status": dict(UNSEEN)}, RESTORE)

    # -- whole -----------------------------------------------------------------------------------

    def image(self) -> str:
        """Everything that is stored, as text."""
        rows = [[*address, body] for address, body in self._objects.items()]
        return json.dumps({"version": self._version, "births": self._births, "rows": rows})

    def load(self, image: str) -> None:
        """Begin with what another store held."""
        held = json.loads(image)
        self._version, self._births = held["version"], held["births"]
        self._objects = {(plural, where, name): b for plural, where, name, b in held["rows"]}

    # -- inside ----------------------------------------------------------------------------------

    def _copy(self, address: Address) -> Json:
        """As `copied`; the text of what is read often is made once."""
        if address not in self._texts:
            self._texts[address] = json.dumps(self._objects[address])
        found: Json = json.loads(self._texts[address])
        return found

    def _known(self, kind: Kind, namespace: str, name: str) -> Json:
        found = self._objects.get((kind.plural, namespace, name))
        if found is None:
            raise NotFound(f"{kind.plural} {name}")
        return found

    def _commit(self, kind: Kind, before: Json | None, after: Json, author: str) -> Json:
        try:
            after = checked(kind, after, before)
        except Unacceptable as err:
            raise self._refusal(str(err)) from err
        if after == before:
            return copied(after)  # a patch without effect makes no version and no event
        if before is not None and after.get("spec") != before.get("spec"):
            after["metadata"]["generation"] += 1
        after["metadata"]["resourceVersion"] = self._next()
        meta = after["metadata"]
        address = (kind.plural, meta["namespace"], meta["name"])
        self._objects[address] = after
        self._texts.pop(address, None)
        self._tell(Commit(kind, before, after, author))
        return self._copy(address) if self._objects.get(address) is after else copied(after)

    def _refusal(self, told: str) -> Refused:
        self.refusals.append(told)
        return Refused(told)

    def _tell(self, commit: Commit) -> None:
        for hearer in self.hearers:
            hearer(commit)

    def _next(self) -> str:
        self._version += 1
        return str(self._version)

    def _uid(self, kind: Kind, namespace: str, name: str) -> str:
        """The same in every run, and another one for every birth under one name."""
        who = f"{kind.plural}/{namespace}/{name}"
        self._births[who] = self._births.get(who, 0) + 1
        digits = sha256(f"{who}/{self._births[who]}".encode()).hexdigest()
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"


def copied(body: Json) -> Json:
    """A deep copy, which also proves that it can travel as JSON."""
    found: Json = json.loads(json.dumps(body))
    return found


def merged(before: Any, patch: Any) -> Any:
    """RFC 7396. Changes neither; what both leave alone is shared."""
    if not isinstance(patch, dict):
        return patch
    after = dict(before) if isinstance(before, dict) else {}
    for name, value in patch.items():
        if value is None:
            after.pop(name, None)
        else:
            after[name] = merged(after.get(name), value)
    return after


def _patched(before: Json, patch: Json, *, status: bool) -> Json:
    """Shares with `before` what the patch leaves alone: what is stored is never changed in place,
    but for the version in `metadata`, which is made anew."""
    patch = copied(patch)
    if status:
        after: Json = merged(before, {"metadata": {}, "status": patch.get("status", {})})
        return after
    kept = {k: v for k, v in patch.items() if k not in ("status", "metadata")}
    marks = patch.get("metadata", {})
    meta = {k: marks[k] for k in ("labels", "annotations") if k in marks}
    found: Json = merged(before, kept | {"metadata": meta})
    return found


def _labelled(body: Json, label: str | None) -> bool:
    if label is None:
        return True
    name, _, value = label.partition("=")
    labels = body["metadata"].get("labels") or {}
    return name in labels and value in ("", labels[name])
