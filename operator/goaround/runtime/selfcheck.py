"""What the operator must be allowed to do, asked of the API server before anything is begun.

`NEEDS` is the one table of rights: asked here, and what the roles of the chart grant. A missing
right is told at once and by name; found out in flight, it would look like a slow API server.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from goaround.api.base import Json
from goaround.api.kinds import (
    ACCESS_REVIEWS,
    CONFIG_MAPS,
    DAEMON_SETS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    EVENTS,
    FEATURES,
    INCIDENTS,
    KILL_SWITCHES,
    LEASES,
    PODS,
    RECORDS,
    SECRETS,
    SERVICES,
    SIGN_OFFS,
    STATEFUL_SETS,
    Kind,
)
from goaround.runtime.config import ConfigError
from goaround.runtime.lease import NAME
from goaround.runtime.live import BRAKE
from goaround.world import policies
from goaround.world.kube import Api, Refused, Unavailable

log = logging.getLogger("goaround.selfcheck")

PATIENCE_SECONDS = 20.0
PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Need:
    """Verbs on one resource. `at_home`: only in the operator's own namespace; `everywhere`: it has
    no namespace, so that only a cluster role can grant it; else wherever there are features.
    `name`: only this object, for verbs that can be limited to one. `optional`: without it the
    operator does its work, and one field of spec does nothing."""

    kind: Kind
    verbs: tuple[str, ...]
    subresource: str = ""
    at_home: bool = False
    name: str = ""
    everywhere: bool = False
    optional: bool = False

    @property
    def resource(self) -> str:
        return f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural


WATCHED = ("get", "list", "watch")
NEEDS = (
    Need(FEATURES, WATCHED),
    Need(INCIDENTS, (*WATCHED, "create", "patch")),  # takes notes out of annotations
    Need(KILL_SWITCHES, WATCHED),
    Need(SIGN_OFFS, ("list", "watch")),  # never written, hence never read live after a conflict
    Need(FEATURES, ("operate",)),  # without it, policy goaround-status refuses every status
    Need(FEATURES, ("patch",), subresource="status"),
    Need(INCIDENTS, ("patch",), subresource="status"),
    Need(KILL_SWITCHES, ("patch",), subresource="status"),
    Need(RECORDS, ("get", "list", "create", "patch", "delete")),
    Need(EVENTS, ("create",)),
    Need(CONFIG_MAPS, ("get", "create", "patch")),  # named by spec; reports of pre-flights
    Need(SECRETS, ("get", "create", "delete")),  # pins of golden runs
    Need(SERVICES, ("get",)),
    Need(ENDPOINT_SLICES, ("list",)),
    Need(PODS, ("get",)),
    *(
        Need(kind, ("get",), optional=True)  # named by watch.objects
        for kind in (DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS)
    ),
    Need(CONFIG_MAPS, ("get",), at_home=True, name=BRAKE),
    *(Need(kind, ("get",), name=name, everywhere=True) for kind, name in policies.needs()),
    Need(LEASES, ("create",), at_home=True),
    Need(LEASES, ("get", "patch"), at_home=True, name=NAME),
)


@dataclass(frozen=True, slots=True)
class Right:
    """One verb of a need, in one place; `namespace` is "" for all namespaces."""

    need: Need
    verb: str
    namespace: str

    def __str__(self) -> str:
        need, group = self.need, self.need.kind.group
        which = f" {need.name}" if need.name else ""
        where = f"in namespace {self.namespace}" if self.namespace else "in all namespaces"
        role = "role" if self.namespace else "cluster role"
        return (
            f"may not {self.verb} {need.resource}{which} {where}: add verb {self.verb} on "
            f'{need.resource} (apiGroup "{group}") to the {role}'
        )


class NotPermitted(ConfigError):
    """Rights are missing; the text names each, and what to add."""


async def check(
    api: Api,
    *,
    namespace: str | None,
    home: str,
    lease: str | None,
    patience: float = PATIENCE_SECONDS,
) -> None:
    """Ask for every right. Raises NotPermitted; goes on when nobody answers for `patience` seconds.

    `namespace` is where features are (None: everywhere), `home` the operator's own; `lease` is the
    name of its lease, None without one.
    """
    wanted = [
        Right(need, verb, _place(need, namespace, home))
        for need in needs(lease)
        for verb in need.verbs
    ]
    try:
        async with asyncio.timeout(patience):
            refused = await _refused(api, wanted)
    except TimeoutError:
        # no reason to stay away: what follows waits for the API server in its own way
        log.warning("the API server does not tell what this operator may do")
        return
    for right in refused:
        if right.need.optional:
            log.warning("watch.objects goes without a right", extra={"missing": str(right)})
    refused = [right for right in refused if not right.need.optional]
    if refused:
        lines = "\n".join(f"  {right}" for right in refused)
        raise NotPermitted(f"missing permissions: {len(refused)}\n{lines}")


def _place(need: Need, namespace: str | None, home: str) -> str:
    if need.everywhere:
        return ""
    return home if need.at_home else namespace or ""


def needs(lease: str | None) -> Iterator[Need]:
    """The table for a lease of this name, or without any."""
    for need in NEEDS:
        if need.kind is not LEASES:
            yield need
        elif lease is not None:
            yield Need(LEASES, need.verbs, at_home=True, name=need.name and lease)


def rules(wanted: Sequence[Need]) -> list[Json]:
    """RBAC rules that grant exactly this."""
    return [
        {"apiGroups": [need.kind.group], "resources": [need.resource], "verbs": list(need.verbs)}
        | ({"resourceNames": [need.name]} if need.name else {})
        for need in wanted
    ]


async def _refused(api: Api, wanted: Sequence[Right]) -> list[Right]:
    while True:
        try:
            answers = await asyncio.gather(*(_is_allowed(api, right) for right in wanted))
        except Unavailable as err:
            log.warning("rights are not told yet", extra={"error": str(err)})
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return [right for right, yes in zip(wanted, answers, strict=True) if not yes]


async def _is_allowed(api: Api, right: Right) -> bool:
    try:
        answer = await api.create(ACCESS_REVIEWS, "", _review(right))
    except Refused as err:
        # every user may ask by default; where that was taken away, the first call will tell
        log.warning("may not ask for own rights", extra={"error": str(err)})
        return True
    return bool((answer.get("status") or {}).get("allowed"))


def _review(right: Right) -> Json:
    need = right.need
    attributes = {
        "group": need.kind.group,
        "version": need.kind.version,
        "resource": need.kind.plural,
        "subresource": need.subresource,
        "verb": right.verb,
        "namespace": right.namespace,
        "name": need.name,
    }
    return {
        "apiVersion": ACCESS_REVIEWS.api_version,
        "kind": ACCESS_REVIEWS.kind,
        "spec": {"resourceAttributes": {k: v for k, v in attributes.items() if v}},
    }
