"""A person at a keyboard, on the API server in memory."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from goaround.api.base import Json, rfc3339
from goaround.api.kinds import ACCESS_REVIEWS, FEATURES, INCIDENTS, SELF_REVIEWS, Kind
from goaround.cli import session
from goaround.cli.connection import Where
from goaround.world.kube import Api, Body
from tests.crash.store import Store
from tests.unit.cli.kit import a_manifest

T = TypeVar("T")
NOW = datetime(2026, 11, 21, 9, 48, 8, tzinfo=UTC)
NAME = "chat-20261121-0a1b2c"


class Desk:
    """What people see and do; `meddle` is what somebody else does before each write."""

    def __init__(self) -> None:
        self.store = Store(lambda: NOW)
        self.meddle: list[Callable[[], object]] = []
        self.where = Where()
        self.rights = {"list", "create", "patch"}

    def ask(self, where: Where, do: Callable[[Api, str], Awaitable[T]]) -> T:
        self.where = where
        return asyncio.run(session.told(do(self, where.namespace or "shop")))

    async def list(
        self, kind: Kind, *, namespace: str | None = None, label: str | None = None
    ) -> list[Body]:
        return self.store.list(kind, namespace, label)

    async def get(self, kind: Kind, namespace: str, name: str) -> Body:
        return self.store.get(kind, namespace, name)

    async def create(self, kind: Kind, namespace: str, body: Body) -> Body:
        if kind in (SELF_REVIEWS, ACCESS_REVIEWS):
            return self.reviews(kind, body)
        if self.where.dry_run:
            return body
        if "generateName" in body["metadata"]:
            known = len(self.store.list(kind, namespace, None))
            body = body | {"metadata": {"name": f"{body['metadata']['generateName']}{known}"}}
        return self.store.create(kind, namespace, body, "people")

    async def patch(
        self, kind: Kind, namespace: str, name: str, patch: Body, *, status: bool = False
    ) -> Body:
        if self.meddle:
            self.meddle.pop()()
        if self.where.dry_run:
            return self.store.get(kind, namespace, name)
        return self.store.patch(kind, namespace, name, patch=patch, status=status, author="people")

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        if not self.where.dry_run:
            self.store.delete(kind, namespace, name, "people")

    def reviews(self, kind: Kind, body: Body) -> Body:
        """Ana may do what is in `rights`."""
        if kind is SELF_REVIEWS:
            user = {"username": "ana", "groups": ["on-call"]}
            return {"metadata": {"creationTimestamp": rfc3339(NOW)}, "status": {"userInfo": user}}
        return {"status": {"allowed": body["spec"]["resourceAttributes"]["verb"] in self.rights}}

    # -- what is there ---------------------------------------------------------------------------

    def feature(self, name: str = "chat", **spec: Any) -> "Desk":
        self.store.create(FEATURES, "shop", a_manifest(name=name, **spec), "pipeline")
        return self

    def incident(self, severity: str = "P2", **spec: Any) -> "Desk":
        body: Json = {
            "apiVersion": INCIDENTS.api_version,
            "kind": INCIDENTS.kind,
            "metadata": {"name": NAME},
            "spec": {
                "affects": [{"name": "chat"}],
                "trigger": {"source": "Manual", "key": "support heard of it"},
                "severity": severity,
                "severityReason": "customers wrote in",
            }
            | spec,
        }
        self.store.create(INCIDENTS, "shop", body, "people")
        return self

    def other(self, patch: Json) -> None:
        """Somebody else writes the incident."""
        self.store.patch(INCIDENTS, "shop", NAME, patch=patch, status=False, author="others")

    @property
    def spec(self) -> Json:
        found: Json = self.store.get(INCIDENTS, "shop", NAME)["spec"]
        return found
