"""Objects by name, for a command; and what was probably meant where there is none.

Decides which names are alike. Writes nothing.
"""

from typing import TYPE_CHECKING

from goaround.cli.command import CommandError

if TYPE_CHECKING:
    from goaround.api.resources import Kind
    from goaround.world.kube import Api, Body

MOST_NAMED = 5


async def found(api: "Api", kind: "Kind", namespace: str, name: str) -> "Body":
    """The object. Raises CommandError with similar names, KubeError."""
    from goaround.world.kube import NotFound, NotServed

    try:
        return await api.get(kind, namespace, name)
    except NotServed:
        raise
    except NotFound as err:
        raise CommandError(await missing(api, kind, namespace, name)) from err


async def missing(api: "Api", kind: "Kind", namespace: str, name: str) -> str:
    """That there is no such object, and what there is instead, as far as one may list it."""
    from goaround.world.kube import KubeError

    told = f"there is no {kind.kind} {name} in namespace {namespace}"
    try:
        names = sorted(b["metadata"]["name"] for b in await api.list(kind, namespace=namespace))
    except KubeError:
        names = []
    if not names:
        return f"{told}: look for the right -n (kubectl get {kind.plural} -A)"
    from difflib import get_close_matches

    alike = get_close_matches(name, names, MOST_NAMED, 0.5)
    if alike:
        return f"{told}; did you mean {' or '.join(alike)}?"
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{told}; there is {', '.join(names[:MOST_NAMED])}{more}"
