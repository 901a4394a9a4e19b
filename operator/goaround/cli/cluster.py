"""One feature from the API server as a model, or why it cannot be had.

Decides what is read, and in which order. Writes nothing.
"""

from pydantic import ValidationError

from goaround.api.kinds import FEATURES, INCIDENTS, RECORDS, AIFeature, AIIncident
from goaround.api.names import EVIDENCE_LABEL, FEATURE_LABEL
from goaround.cli.command import CommandError
from goaround.cli.connection import Ask, Where
from goaround.cli.lookup import found
from goaround.world.kube import Api, Body, NotFound, NotServed


def read_feature(where: Where, name: str, ask: Ask) -> AIFeature:
    """The feature as it stands. Raises CommandError."""

    async def do(api: Api, namespace: str) -> AIFeature:
        return _parsed(await found(api, FEATURES, namespace, name))

    return ask(where, do)


def read_binder(where: Where, name: str, ask: Ask) -> tuple[str, AIFeature | None, list[Body]]:
    """The namespace, the feature if it exists, and the segments of its evidence binder. Raises
    CommandError."""
    label = f"{FEATURE_LABEL}={name},{EVIDENCE_LABEL}"

    async def do(api: Api, namespace: str) -> tuple[str, AIFeature | None, list[Body]]:
        # the feature first: a flight that ends in between is then newer than status, never missing
        feature = await _if_there(api, namespace, name)
        return namespace, feature, await api.list(RECORDS, namespace=namespace, label=label)

    return ask(where, do)


def read_troubles(where: Where, name: str, ask: Ask) -> tuple[AIFeature, list[AIIncident]]:
    """The feature, and every incident that names it. Raises CommandError: an incident that cannot
    be understood may be one that freezes."""

    async def do(api: Api, namespace: str) -> tuple[AIFeature, list[AIIncident]]:
        body = await found(api, FEATURES, namespace, name)
        incidents = [_understood(b) for b in await api.list(INCIDENTS, namespace=namespace)]
        mine = [i for i in incidents if name in {ref.name for ref in i.spec.affects}]
        return _parsed(body), mine

    return ask(where, do)


def _understood(body: Body) -> AIIncident:
    try:
        return AIIncident.model_validate(body)
    except ValidationError as err:
        named = (body.get("metadata") or {}).get("name")
        raise CommandError(f"this version does not understand AIIncident {named}") from err


async def _if_there(api: Api, namespace: str, name: str) -> AIFeature | None:
    try:
        return _parsed(await api.get(FEATURES, namespace, name))
    except NotServed:
        raise
    except NotFound:
        return None


def _parsed(body: Body) -> AIFeature:
    try:
        return AIFeature.model_validate(body)
    except ValidationError as err:
        raise CommandError(
            f"this version does not understand the feature ({err.error_count()} faults): is the "
            "installed GoAround newer than this command? (goaround version)"
        ) from err
