"""One incident from the API server with its timeline, who asks for it, and what they write on it.

Decides where it is looked for, as kubectl would. Writes only what it is told to write.
"""

from dataclasses import dataclass

from pydantic import ValidationError

from goaround.api.base import Json
from goaround.api.kinds import INCIDENTS, SELF_REVIEWS, AIIncident
from goaround.cli.cluster import asked, client, usual_namespace
from goaround.cli.command import CommandError
from goaround.world.kube import KubeApi, NotFound
from goaround.world.timelines import Parts, stored_parts


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of one incident."""

    incident: AIIncident
    parts: Parts


async def read_timeline(namespace: str | None, name: str, kubeconfig: str | None) -> Read:
    """The incident and its timeline. Raises CommandError."""
    namespace = namespace or usual_namespace(kubeconfig)
    async with client(kubeconfig) as api:
        # the incident first: what is entered in between is then newer than status, never missing
        incident = await _incident(api, namespace, name)
        anchor = incident.status.timeline_anchor
        parts = await asked(stored_parts(api, namespace, name, anchor), "its timeline")
        return Read(incident, parts)


async def annotate(
    namespace: str | None, name: str, kubeconfig: str | None, annotations: Json
) -> str:
    """The namespace in which it was done. Raises CommandError."""
    namespace = namespace or usual_namespace(kubeconfig)
    async with client(kubeconfig) as api:
        patch: Json = {"metadata": {"annotations": annotations}}
        try:
            await asked(api.patch(INCIDENTS, namespace, name, patch), f"{namespace}/{name}")
        except NotFound as err:
            raise _missing(namespace, name) from err
    return namespace


async def who_am_i(kubeconfig: str | None) -> str | None:
    """As whom the API server knows the caller; None where it does not say."""
    body: Json = {"apiVersion": SELF_REVIEWS.api_version, "kind": SELF_REVIEWS.kind}
    try:
        async with client(kubeconfig) as api:
            found = await asked(api.create(SELF_REVIEWS, "", body), "who you are")
    except (CommandError, NotFound):
        return None
    name = ((found.get("status") or {}).get("userInfo") or {}).get("username")
    return str(name) if name else None


async def _incident(api: KubeApi, namespace: str, name: str) -> AIIncident:
    try:
        body = await asked(api.get(INCIDENTS, namespace, name), f"{namespace}/{name}")
        return AIIncident.model_validate(body)
    except NotFound as err:
        raise _missing(namespace, name) from err
    except ValidationError as err:
        raise CommandError(
            f"this version does not understand the incident ({err.error_count()} faults)"
        ) from err


def _missing(namespace: str, name: str) -> CommandError:
    return CommandError(
        f"there is no AIIncident {name} in namespace {namespace}: "
        f"kubectl get aiincidents -n {namespace}"
    )
