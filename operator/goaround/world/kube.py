"""The port to the Kubernetes API: four calls, and the few answers that matter.

`Api` is all that anything of ours may do to the API server, so that an in-memory store can stand in
for it when crash points are enumerated. `KubeApi` is the real one, on `kubernetes.aio`.
It retries nothing: whoever calls knows whether a repeat is safe.
"""

import contextlib
import json
from collections.abc import Mapping
from typing import Any, Protocol

import aiohttp
from kubernetes.aio.client import ApiClient, ApiException

from goaround.api.kinds import Kind
from goaround.api.names import FIELD_MANAGER

Body = dict[str, Any]

PAGE = 500
TIMEOUT_SECONDS = 30.0


class KubeError(Exception):
    """The API server did not do it; the subclasses say why."""


class NotFound(KubeError):
    """404: the object does not exist."""


class Conflict(KubeError):
    """409 on a write: somebody else wrote in between, read again and decide again."""


class AlreadyExists(KubeError):
    """409 on a create: the name is taken, which for a deterministic name means done."""


class Refused(KubeError):
    """Another 4xx: the request itself is not acceptable; a repeat will not help by itself."""


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


class KubeApi:
    """`Api` on a real API server."""

    def __init__(
        self,
        client: ApiClient,
        *,
        timeout: float = TIMEOUT_SECONDS,
        manager: str = FIELD_MANAGER,
    ) -> None:
        self._client = client
        self._timeout = timeout
        self._manager = manager

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
        request = await self._client.param_serialize(
            method,
            resource,
            query_params=list(asked.items()),
            header_params=headers,
            body=sent,
            auth_settings=["BearerToken"],
        )
        try:
            answer = await self._client.call_api(*request, _request_timeout=self._timeout)
            raw: bytes = await answer.read()  # type: ignore[no-untyped-call]
        except ApiException as err:
            raise failure(err.status or 0, str(err.reason), creating=method == "POST") from err
        except (TimeoutError, aiohttp.ClientError, OSError) as err:
            raise Unavailable(f"{method} {resource}: {err or type(err).__name__}") from err
        return _decoded(answer.status, raw, method, resource)


def _decoded(status: int, raw: bytes, method: str, resource: str) -> Body:
    try:
        body = json.loads(raw)
    except ValueError:
        body = {}
    if not 200 <= status < 300:
        message = body.get("message") if isinstance(body, dict) else None
        told = f"{method} {resource}: {message or status}"
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
