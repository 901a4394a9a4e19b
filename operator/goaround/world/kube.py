"""The port to the Kubernetes API: four calls, and the few answers that matter.

`Api` is all that anything of ours may do to the API server, so that an in-memory store can stand in
for it when crash points are enumerated. `KubeApi` is the servers' one, on `kubernetes.aio`;
`world/direct.py` has that of the commands, which must start at once.
It retries nothing: whoever calls knows whether a repeat is safe.
"""

import contextlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from goaround.api.names import FIELD_MANAGER
from goaround.api.resources import Kind

if TYPE_CHECKING:
    from kubernetes.aio.client import ApiClient

Body = dict[str, Any]

PAGE = 500
TIMEOUT_SECONDS = 30.0


class KubeError(Exception):
    """The API server did not do it; the subclasses say why."""


class NotFound(KubeError):
    """404: the object does not exist."""


class NotServed(NotFound):
    """404 that speaks of no object: the API server does not know this kind at all."""


class Conflict(KubeError):
    """409 on a write: somebody else wrote in between, read again and decide again."""


class AlreadyExists(KubeError):
    """409 on a create: the name is taken, which for a deterministic name means done."""


class Refused(KubeError):
    """Another 4xx: the request itself is not acceptable; a repeat will not help by itself."""


class Unauthenticated(Refused):
    """401: the API server does not know who asks."""


class Unavailable(KubeError):
    """5xx, 429, 410, time-out or no connection: it may or may not have been done."""


class Api(Protocol):
    """What we do to the API server."""

    async def list(
        self, kind: Kind, *, namespace: str | None = None, label: str | None = None
    ) -> list[Body]:
        """All objects of a kind; every body carries `kind` and `apiVersion`."""

    async def get(self, kind: Kind, namespace: str, name: str) -> Body:
        """One object. Raises NotFound."""

    async def create(self, kind: Kind, namespace: str, body: Body) -> Body:
        """Create it. Raises AlreadyExists."""

    async def patch(
        self, kind: Kind, namespace: str, name: str, patch: Body, *, status: bool = False
    ) -> Body:
        """Merge-patch it, or its status. With `metadata.resourceVersion` in the patch the write
        happens only on that very version. Raises Conflict, NotFound."""

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        """Delete it; one that does not exist is deleted already."""


def path(kind: Kind, namespace: str | None, name: str | None = None) -> str:
    """Where a resource lives on the API server."""
    base = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    scope = f"/namespaces/{namespace}" if namespace else ""
    return f"{base}{scope}/{kind.plural}" + (f"/{name}" if name else "")


def failure(status: int, message: str, *, creating: bool) -> KubeError:
    """The error of an HTTP status."""
    match status:
        case 401:
            return Unauthenticated(message)
        case 404:
            return NotFound(message)
        case 409 if creating:
            return AlreadyExists(message)
        case 409:
            return Conflict(message)
        case 410 | 429:
            # 410: a list whose pages came too slowly, which has to begin anew
            return Unavailable(message)
        case _ if status >= 500 or status == 0:
            return Unavailable(message)
        case _:
            return Refused(message)


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `body` is JSON still to be written, or text as it is to be sent."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Body | str | None = None


class RestApi(ABC):
    """`Api` in terms of HTTP; whoever inherits it sends the requests."""

    def __init__(self, *, manager: str = FIELD_MANAGER, dry_run: bool = False) -> None:
        self._manager = manager
        self._dry_run = dry_run

    @abstractmethod
    async def _sent(self, request: Request) -> tuple[int, bytes]:
        """Status and body of the answer. Raises Unavailable."""

    async def list(
        self, kind: Kind, *, namespace: str | None = None, label: str | None = None
    ) -> list[Body]:
        found: list[Body] = []
        query: dict[str, str] = {"limit": str(PAGE)}
        if label:
            query["labelSelector"] = label
        while True:
            page = await self._call("GET", path(kind, namespace), query=query)
            found += [
                {"apiVersion": kind.api_version, "kind": kind.kind, **item}
                for item in page.get("items") or []
            ]
            token = page.get("metadata", {}).get("continue")
            if not token:
                return found
            query["continue"] = token

    async def get(self, kind: Kind, namespace: str, name: str) -> Body:
        return await self._call("GET", path(kind, namespace, name))

    async def create(self, kind: Kind, namespace: str, body: Body) -> Body:
        return await self._call("POST", path(kind, namespace), body=body)

    async def patch(
        self, kind: Kind, namespace: str, name: str, patch: Body, *, status: bool = False
    ) -> Body:
        where = path(kind, namespace, name) + ("/status" if status else "")
        return await self._call("PATCH", where, body=patch)

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        with contextlib.suppress(NotFound):
            await self._call("DELETE", path(kind, namespace, name))

    async def _call(
        self,
        method: str,
        resource: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
    ) -> Body:
        asked = dict(query or {})
        headers = {"Accept": "application/json"}
        sent: Body | str | None = body
        if method == "PATCH":
            headers["Content-Type"] = "application/merge-patch+json"
        if method == "POST":
            # As YAML, which JSON is, the server stores `data` of a ControllerRevision in its own
            # spelling. Stored with our blanks, the first patch of an annotation would spell it
            # anew and be refused: "data: field is immutable".
            headers["Content-Type"] = "application/yaml"
            sent = json.dumps(body)
        if body is not None:
            asked["fieldManager"] = self._manager
        if self._dry_run and method != "GET":
            asked["dryRun"] = "All"
        status, raw = await self._sent(Request(method, resource, asked, headers, sent))
        return _decoded(status, raw, method, resource)


class KubeApi(RestApi):
    """`Api` on a real API server."""

    def __init__(
        self,
        client: "ApiClient",
        *,
        timeout: float = TIMEOUT_SECONDS,
        manager: str = FIELD_MANAGER,
    ) -> None:
        super().__init__(manager=manager)
        self._client = client
        self._timeout = timeout

    async def _sent(self, request: Request) -> tuple[int, bytes]:
        # whoever has a client has loaded these; whoever needs only the errors above must not wait
        from aiohttp import ClientError
        from kubernetes.aio.client import ApiException

        serialized = await self._client.param_serialize(
            request.method,
            request.path,
            query_params=list(request.query.items()),
            header_params=dict(request.headers),
            body=request.body,
            auth_settings=["BearerToken"],
        )
        try:
            answer = await self._client.call_api(*serialized, _request_timeout=self._timeout)
            raw: bytes = await answer.read()  # type: ignore[no-untyped-call]
        except ApiException as err:
            creating = request.method == "POST"
            raise failure(err.status or 0, str(err.reason), creating=creating) from err
        except (TimeoutError, ClientError, OSError) as err:
            what = f"{request.method} {request.path}"
            raise Unavailable(f"{what}: {err or type(err).__name__}") from err
        return answer.status, raw


def _decoded(status: int, raw: bytes, method: str, resource: str) -> Body:
    try:
        body = json.loads(raw)
    except ValueError:
        body = {}
    if not 200 <= status < 300:
        message = body.get("message") if isinstance(body, dict) else None
        told = f"{method} {resource}: {message or status}"
        if status == HTTPStatus.NOT_FOUND and not body:
            raise NotServed(told)  # an object that is missing is told as JSON
        raise failure(status, told, creating=method == "POST")
    if not isinstance(body, dict):
        raise Unavailable(f"{method} {resource}: the answer is not an object")
    return body


def merge_patch(before: Body, after: Body) -> Body:
    """The JSON merge patch (RFC 7396) that turns `before` into `after`; {} when they are equal."""
    patch: Body = {name: None for name in before if name not in after}
    for name, value in after.items():
        old = before.get(name)
        if isinstance(value, dict) and isinstance(old, dict):
            if inner := merge_patch(old, value):
                patch[name] = inner
        elif old != value:
            patch[name] = value
    return patch
