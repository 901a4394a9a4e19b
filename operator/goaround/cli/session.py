"""One conversation with the API server, for a command.

Decides how a failure is told: what the API server refuses is no fault of ours, and leaves with
another code than what could not be reached. Every message says what to do.
"""

import os
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import closing
from typing import Final, NoReturn, TypeVar

from goaround.api.resources import Kind
from goaround.cli.command import CommandError, Refusal
from goaround.cli.connection import Where
from goaround.cli.lookup import found
from goaround.world.credentials import CredentialsError
from goaround.world.direct import DirectApi
from goaround.world.kube import (
    Api,
    Body,
    KubeError,
    NotFound,
    NotServed,
    Refused,
    Unauthenticated,
    Unavailable,
)
from goaround.world.kubeconfig import Choice, access

MANAGER: Final = "kubectl-goaround"
"""Who wrote a field, in managedFields: a person, and not the operator."""

FORBIDDEN: Final = re.compile(
    r"User \"(?P<user>[^\"]*)\" cannot (?P<verb>\S+) resource \"(?P<resource>[^\"]*)\""
    r" in API group \"(?P<group>[^\"]*)\""
    r"(?: in the namespace \"(?P<namespace>[^\"]*)\"| at the cluster scope)"
)
NOT_INSTALLED: Final = (
    "this cluster does not know GoAround's kinds: its CRDs are not installed, or this is another "
    "cluster than you mean. Look at --context; install with Helm, or `kubectl apply --server-side "
    "-k crds`"
)

T = TypeVar("T")


def run(where: Where, do: Callable[[Api, str], Awaitable[T]]) -> T:
    """What `do` returns. Raises CommandError, Refusal."""
    api, namespace = _opened(where)
    with closing(api):
        return driven(told(do(api, namespace)))


def followed(
    where: Where, kind: Kind, name: str | None, *, every: bool = False
) -> Iterator[list[Body]]:
    """What is there now and after every change, without end. Raises CommandError, Refusal."""
    api, namespace = _opened(where)
    place = None if every else namespace
    with closing(api):
        while True:
            there = driven(told(_there(api, kind, place, name)))
            yield list(there.values())
            version = str(max((_version(body) for body in there.values()), default=0))
            try:
                for event, body in api.watch(kind, place, name=name, version=version):
                    there.pop(_key(body), None)
                    if event != "DELETED":
                        there[_key(body)] = body
                    yield list(there.values())
            except Unavailable:
                continue  # what is there now is read again, or it is told why that cannot be done
            except KubeError as err:
                _explain(err)


async def _there(
    api: Api, kind: Kind, namespace: str | None, name: str | None
) -> dict[tuple[str, str], Body]:
    if name is not None and namespace is not None:
        bodies = [await found(api, kind, namespace, name)]
    else:
        bodies = await api.list(kind, namespace=namespace)
    return {_key(body): body for body in bodies}


def _key(body: Body) -> tuple[str, str]:
    return (str(body["metadata"].get("namespace", "")), str(body["metadata"]["name"]))


def _version(body: Body) -> int:
    return int(body["metadata"]["resourceVersion"])


def driven(work: Coroutine[object, object, T]) -> T:
    """What `work` returns. Every call of a command waits for its own answer, so that nothing here
    ever has to give way to anything else, and an event loop need not be loaded."""
    try:
        work.send(None)
    except StopIteration as done:
        answer: T = done.value
        return answer
    work.close()
    raise RuntimeError("a command waits for something that is not an answer")


async def told(answer: Awaitable[T]) -> T:
    """The answer; a failure in words. Raises CommandError, Refusal."""
    try:
        return await answer
    except KubeError as err:
        _explain(err)


def _opened(where: Where) -> tuple[DirectApi, str]:
    choice = Choice(
        where.kubeconfig, where.context, where.namespace, where.acting_as, where.acting_groups
    )
    try:
        chosen = access(choice, os.environ)
        api = DirectApi(chosen, os.environ, manager=MANAGER, dry_run=where.dry_run)
    except CredentialsError as err:
        raise CommandError(f"no way into a cluster: {err}") from err
    return api, chosen.namespace


def _explain(err: KubeError) -> NoReturn:
    match err:
        case Unauthenticated():
            raise Refusal(
                "the API server does not know you (401): the token or certificate of this context "
                "is wrong or has expired; log in again, or choose another --context"
            ) from err
        case Refused():
            raise Refusal(f"the API server refuses it: {err}{_missing_right(str(err))}") from err
        case NotServed():
            raise CommandError(NOT_INSTALLED) from err
        case NotFound():
            raise CommandError(f"it is not there: {err}") from err
        case Unavailable():
            raise CommandError(
                f"the API server did not do it: {err}. Is this the right --context, and is it "
                "reachable from here?"
            ) from err
        case _:
            raise CommandError(f"the API server did not do it: {err}") from err


def _missing_right(message: str) -> str:
    """Which right is missing, where that is why."""
    if (named := FORBIDDEN.search(message)) is None:
        return ""
    verb, resource, namespace = named["verb"], named["resource"], named["namespace"]
    at, ask = (f" in namespace {namespace}", f" -n {namespace}") if namespace else ("", "")
    group = f".{named['group']}" if named["group"] else ""
    return (
        f"\n  missing right: {verb} on {resource}{group}{at} for {named['user']}. Who may give it: "
        f"docs/rbac.md has the roles; ask with: kubectl auth can-i {verb} {resource}{group}{ask}"
    )
