"""Where a command finds its objects, and in whose name it acts: the options of kubectl.

Decides nothing about credentials. Loads the client of the cluster only when something is asked of
it, so that help and usage errors come at once.
"""

import argparse
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from goaround.cli.command import Parser

if TYPE_CHECKING:
    from goaround.api.resources import Kind
    from goaround.world.kube import Api, Body

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Where:
    """None: as kubectl would choose. dry_run: the API server checks what is written, and keeps
    nothing of it."""

    namespace: str | None = None
    kubeconfig: str | None = None
    context: str | None = None
    acting_as: str | None = None
    acting_groups: tuple[str, ...] = ()
    dry_run: bool = False


class Ask(Protocol):
    """Whoever lends a command the API server and the namespace that it works in."""

    def __call__(self, where: Where, do: "Callable[[Api, str], Awaitable[T]]") -> T:
        """What `do` returns. Raises CommandError."""


class Follow(Protocol):
    """Whoever shows a command objects, again and again."""

    def __call__(
        self, where: Where, kind: "Kind", name: str | None, *, every: bool = False
    ) -> "Iterator[list[Body]]":
        """That object (None: all of the namespace, or of every one) now and after each change,
        without end; what is gone is not among them. Raises CommandError."""


def ask_cluster(where: Where, do: "Callable[[Api, str], Awaitable[T]]") -> T:
    """On the real API server. Raises CommandError, Refusal."""
    from goaround.cli import session

    return session.run(where, do)


def follow_cluster(
    where: Where, kind: "Kind", name: str | None, *, every: bool = False
) -> "Iterator[list[Body]]":
    """On the real API server. Raises CommandError, Refusal."""
    from goaround.cli import session

    return session.followed(where, kind, name, every=every)


def add_connection(parser: Parser, *, writes: bool = False) -> None:
    """The options of every command that talks to the API server."""
    parser.add_argument("-n", "--namespace", help="default: that of the kubeconfig")
    parser.add_argument("--kubeconfig", help="default: $KUBECONFIG, ~/.kube, the pod's account")
    parser.add_argument("--context", help="context of the kubeconfig (the current one)")
    parser.add_argument("--as", dest="acting_as", metavar="USER", help="act as this user")
    parser.add_argument(
        "--as-group", action="append", metavar="GROUP", help="and as a member of it; repeatable"
    )
    if writes:
        parser.add_argument(
            "--dry-run", action="store_true", help="the API server checks it and keeps nothing"
        )


def where(args: argparse.Namespace) -> Where:
    """What `add_connection` read."""
    return Where(
        args.namespace,
        args.kubeconfig,
        args.context,
        args.acting_as,
        tuple(args.as_group or ()),
        getattr(args, "dry_run", False),
    )
