"""One incident from the API server with its timeline, who asks for it, and what they write on it.

Decides what is read, and in which order. Writes only what it is told to write.
"""

from dataclasses import dataclass

from pydantic import ValidationError

from goaround.api.base import Json
from goaround.api.kinds import INCIDENTS, AIIncident
from goaround.cli.command import CommandError
from goaround.cli.connection import Ask, Where
from goaround.cli.lookup import found, missing
from goaround.cli.whoami import review, user_of
from goaround.world.kube import Api, NotFound, NotServed
from goaround.world.timelines import Parts, stored_parts


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of one incident."""

    incident: AIIncident
    parts: Parts


def read_timeline(where: Where, name: str, ask: Ask) -> Read:
    """The incident and its timeline. Raises CommandError."""

    async def do(api: Api, namespace: str) -> Read:
        # the incident first: what is entered in between is then newer than status, never missing
        incident = _parsed(await found(api, INCIDENTS, namespace, name))
        anchor = incident.status.timeline_anchor
        return Read(incident, await stored_parts(api, namespace, name, anchor))

    return ask(where, do)


async def annotate(api: Api, namespace: str, name: str, annotations: Json) -> None:
    """Raises CommandError where there is no such incident."""
    try:
        await api.patch(INCIDENTS, namespace, name, {"metadata": {"annotations": annotations}})
    except NotServed:
        raise
    except NotFound as err:
        raise CommandError(await missing(api, INCIDENTS, namespace, name)) from err


async def who_am_i(api: Api) -> str | None:
    """As whom the API server knows the caller; None where it does not say."""
    name = user_of(await review(api)).get("username")
    return str(name) if name else None


def _parsed(body: Json) -> AIIncident:
    try:
        return AIIncident.model_validate(body)
    except ValidationError as err:
        raise CommandError(
            f"this version does not understand the incident ({err.error_count()} faults)"
        ) from err
