"""Where a command finds its objects, and in whose name it acts: the options of kubectl.

Decides nothing about credentials. Loads the client of the cluster only when something is asked of
it, so that help and usage errors come at once.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from goaround.cli.command import Parser

if TYPE_CHECKING:
    from goaround.world.kube import Api

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Where:
    """None: as kubectl would choose."""

    namespace: str | None = None
    kubeconfig: str | None = None
    context: str | None = None
    acting_as: str | None = None


class Ask(Protocol):
    """Whoever lends a command the API server and the namespace that it works in."""

    def __call__(self, where: Where, do: "Callable[[Api, str], Awaitable[T]]") -> T:
        """What `do` returns. Raises CommandError."""


def ask_cluster(where: Where, do: "Callable[[Api, str], Awaitable[T]]") -> T:
    """On the real API server. Raises CommandError, Refusal."""
    from goaround.cli import session

    return asyncio.run(session.run(where, do))


def add_connection(parser: Parser) -> None:
    """The options of every command that talks to the API server."""
    parser.add_argument("-n", "--namespace", help="default: that of the kubeconfig")
    parser.add_argument("--kubeconfig", help="default: the pod's account, $KUBECONFIG, ~/.kube")
    parser.add_argument("--context", help="context of the kubeconfig (the current one)")
    parser.add_argument("--as", dest="acting_as", metavar="USER", help="act as this user")


def where(args: argparse.Namespace) -> Where:
    """What `add_connection` read."""
    return Where(args.namespace, args.kubeconfig, args.context, args.acting_as)
