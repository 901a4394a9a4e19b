"""Parts of the operator on a bench: an API server in memory, a scripted reader, a clock that jumps.

The API server keeps what matters of the real one: versions that rise with every change, writes on
one version only, names that are taken, and events to whoever watches. It checks no schema.
"""

import asyncio
import pickle
from collections.abc import Callable, Collection, Coroutine
from datetime import UTC, datetime
from typing import Any

from goaround.api.base import Json
from goaround.api.kinds import FEATURES, AIFeature, Kind
from goaround.world.kube import AlreadyExists, Body, Conflict, NotFound
from goaround.world.prometheus import (
    Counts,
    FeatureKey,
    Provider,
    Read,
    Readings,
    Shape,
    WindowReading,
)
from tests.crash.clock import VirtualTimeLoop
from tests.unit.api.builders import SPEC

BEGIN = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
PROVIDER = Provider(name="default", url="http://nobody.test", lag_seconds=5, scrape_seconds=5)
Answer = Callable[[Shape, range], Read]


def in_virtual_time(test: Callable[[VirtualTimeLoop], Coroutine[Any, Any, None]]) -> None:
    """Run a test whose waits take no time."""
    loop = VirtualTimeLoop(BEGIN)
    try:
        loop.run_until_complete(test(loop))
    finally:
        loop.run_until_complete(_ended(asyncio.all_tasks(loop)))
        loop.close()


async def _ended(tasks: Collection[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _copied(body: Body) -> Body:
    """A deep copy; several times as quick as `copy.deepcopy`, which was half of many tests."""
    found: Body = pickle.loads(pickle.dumps(body, pickle.HIGHEST_PROTOCOL))
    return found


class MemoryApi:
    """`Api` on a dictionary. `calls` has a line per call; `fault` may put an error in the way."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fault: Callable[[str], Exception | None] = lambda _: None
        self.watch: Callable[[Kind, Body], None] = lambda _, __: None
        self._bodies: dict[tuple[str, str, str], Body] = {}
        self.version = 100

    def put(self, kind: Kind, body: Json) -> Body:
        """Somebody else's write, which no watch tells of."""
        self.version += 1
        stored = _copied(body)
        stored["metadata"] |= {"resourceVersion": str(self.version)}
        meta = stored["metadata"]
        self._bodies[kind.plural, meta["namespace"], meta["name"]] = stored
        return _copied(stored)

    def remove(self, kind: Kind, namespace: str, name: str) -> None:
        del self._bodies[kind.plural, namespace, name]

    def body(self, kind: Kind, namespace: str, name: str) -> Body:
        return _copied(self._bodies[kind.plural, namespace, name])

    async def list(
        self, kind: Kind, *, namespace: str | None = None, label: str | None = None
    ) -> list[Body]:
        await self._called(f"list {kind.plural}")
        return [
            _copied(body)
            for (plural, where, _), body in self._bodies.items()
            if plural == kind.plural
            and namespace in (None, where)
            and (label is None or _carries(body, label))
        ]

    async def get(self, kind: Kind, namespace: str, name: str) -> Body:
        await self._called(f"get {kind.plural}/{name}")
        return self._found(kind, namespace, name)

    async def create(self, kind: Kind, namespace: str, body: Body) -> Body:
        name = body["metadata"]["name"]
        await self._called(f"create {kind.plural}/{name}")
        if (kind.plural, namespace, name) in self._bodies:
            raise AlreadyExists(name)
        uid = f"uid-{kind.plural}-{name}"
        meta = {"uid": uid, "generation": 1} | body["metadata"] | {"namespace": namespace}
        return self._stored(kind, body | {"metadata": meta})

    async def patch(
        self, kind: Kind, namespace: str, name: str, patch: Body, *, status: bool = False
    ) -> Body:
        part = "/status" if status else ""
        await self._called(f"patch {kind.plural}/{name}{part}")
        known = self._found(kind, namespace, name)
        wanted = patch.get("metadata", {}).get("resourceVersion")
        if wanted not in (None, known["metadata"]["resourceVersion"]):
            raise Conflict(f"{name} is at {known['metadata']['resourceVersion']}, not {wanted}")
        changed = {"status": patch["status"]} if status else patch
        return self._stored(kind, patched(known, changed))

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        await self._called(f"delete {kind.plural}/{name}")
        self._found(kind, namespace, name)
        self.remove(kind, namespace, name)

    async def _called(self, call: str) -> None:
        self.calls.append(call)
        await asyncio.sleep(0.001)
        if (error := self.fault(call)) is not None:
            raise error

    def _found(self, kind: Kind, namespace: str, name: str) -> Body:
        body = self._bodies.get((kind.plural, namespace, name))
        if body is None:
            raise NotFound(name)
        return _copied(body)

    def _stored(self, kind: Kind, body: Body) -> Body:
        known = self._bodies.get((kind.plural, body["metadata"]["namespace"], _name(body)))
        if known == body:
            return _copied(body)
        stored = self.put(kind, body)
        self.watch(kind, stored)
        return stored


def _carries(body: Body, label: str) -> bool:
    name, _, value = label.partition("=")
    labels = body["metadata"].get("labels", {})
    return name in labels and value in ("", labels[name])


def _name(body: Body) -> str:
    return str(body["metadata"]["name"])


def patched(before: Any, patch: Any) -> Any:
    """A JSON merge patch applied, as RFC 7396 says it."""
    if not isinstance(patch, dict):
        return patch
    after = dict(before) if isinstance(before, dict) else {}
    for name, value in patch.items():
        if value is None:
            after.pop(name, None)
        else:
            after[name] = patched(after.get(name), value)
    return after


class ScriptedReader:
    """A reader that answers by script; `asked` has the ends of every read."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[range] = []
        self.under_way = 0
        self.most = 0
        self.seconds = 0.1

    async def read(self, feature: FeatureKey, shape: Shape, ends: range) -> Read:
        self.asked.append(ends)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(self.seconds)
            return self.answer(shape, ends)
        finally:
            self.under_way -= 1


def steady(bad: float, total: float = 100) -> Answer:
    """The same counts of the candidate in every window, and a healthy stable arm."""

    def answer(_: Shape, ends: range) -> Read:
        arms = {"candidate": Counts(total, bad), "stable": Counts(900, 0)}
        return Readings(tuple(WindowReading(end, arms) for end in ends))

    return answer


def feature_body(name: str = "chat", **status: Any) -> Json:
    """A feature as the API server would hold it; both signals count the same selectors."""
    (first, second) = _copied(SPEC)["acceptance"]["signals"]
    second |= {"ratio": first["ratio"], "max": "0.05"}
    del second["min"]
    acceptance = SPEC["acceptance"] | {"signals": [first, second]}
    return {
        "apiVersion": FEATURES.api_version,
        "kind": FEATURES.kind,
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": f"uid-{name}",
            "generation": 1,
            "creationTimestamp": "2026-11-21T08:00:00Z",
        },
        "spec": _copied(SPEC) | {"acceptance": acceptance},
        **({"status": status} if status else {}),
    }


def feature(name: str = "chat", **status: Any) -> AIFeature:
    return AIFeature.model_validate(feature_body(name, **status))
