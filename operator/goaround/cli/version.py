"""`goaround version`: of this command, and of what is installed where it points.

Decides by the labels that the chart puts on the CRDs and the operator's Deployment. A server that
cannot be asked is told, and is no failure: the own version is what most people want.
"""

import argparse
import platform
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from goaround import __version__
from goaround.cli.command import OK, CommandError, Parser, harmless, run, say
from goaround.cli.connection import Ask, add_connection, ask_cluster, where
from goaround.cli.output import add_output, say_as

if TYPE_CHECKING:
    from goaround.world.kube import Api

LABEL: Final = "app.kubernetes.io/version"
OPERATOR: Final = "app.kubernetes.io/name=goaround,app.kubernetes.io/component=operator"
HOME: Final = "goaround-system"


def main(argv: Sequence[str], ask: Ask = ask_cluster) -> int:
    """The exit code."""
    parser = Parser(prog="goaround version", description="of this command, and of the operator")
    parser.add_argument("--client", action="store_true", help="of this command only")
    parser.add_argument(
        "--operator-namespace", default=HOME, metavar="NS", help=f"where it runs ({HOME})"
    )
    add_connection(parser)
    add_output(parser)
    return run(parser, argv, lambda args: _version(args, ask))


def _version(args: argparse.Namespace, ask: Ask) -> int:
    found: dict[str, Any] = {"client": __version__, "python": platform.python_version()}
    if not args.client:
        try:
            found |= ask(where(args), _reader(args.operator_namespace))
        except CommandError as err:
            found["unknown"] = str(err)
    if not say_as(args.output, found):
        say(harmless("\n".join(f"{key}: {value}" for key, value in found.items())))
    return OK


def _reader(home: str) -> Any:
    async def do(api: "Api", namespace: str) -> dict[str, str]:
        return await installed(api, home)

    return do


async def installed(api: "Api", home: str) -> dict[str, str]:
    """`operator` and `crds`, as far as they are there and may be read. Raises KubeError."""
    from goaround.api.resources import CRDS, DEPLOYMENTS, FEATURES
    from goaround.world.kube import NotFound, Refused, Unauthenticated

    found: dict[str, str] = {}
    try:
        for body in await api.list(DEPLOYMENTS, namespace=home, label=OPERATOR):
            found["operator"] = body["metadata"].get("labels", {}).get(LABEL, "not labelled")
    except Unauthenticated:
        raise
    except Refused:
        found["operator"] = f"Deployments of {home} may not be read"
    try:
        crd = await api.get(CRDS, "", f"{FEATURES.plural}.{FEATURES.group}")
        labels = crd["metadata"].get("labels", {})
        found["crds"] = labels.get(LABEL, "installed, not labelled (not by Helm)")
    except NotFound:
        found["crds"] = "not installed"
    except Refused:
        found["crds"] = "may not be read"
    found.setdefault("operator", f"no Deployment of it in {home} (--operator-namespace)")
    return found
