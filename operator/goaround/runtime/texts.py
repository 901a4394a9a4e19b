"""Texts of an incident in ConfigMaps: notes, messages, figures; each is written whole.

Not in Git and without owner reference: they stay when the feature goes.
"""

import contextlib

from goaround.api import names
from goaround.api.base import Json
from goaround.api.kinds import CONFIG_MAPS, AIIncident
from goaround.incident.comms_told import stale
from goaround.incident.planned import KeepTexts, WriteText
from goaround.world.kube import AlreadyExists, Api, NotFound


async def write_text(api: Api, incident: AIIncident, effect: WriteText) -> None:
    """Create it, or make it hold exactly this. Raises KubeError."""
    namespace = incident.metadata.namespace
    if effect.again:
        with contextlib.suppress(NotFound):
            await api.patch(CONFIG_MAPS, namespace, effect.name, {"data": dict(effect.data)})
            return
    body = config_map(incident, effect)
    try:
        await api.create(CONFIG_MAPS, namespace, body)
    except AlreadyExists:
        stored = await api.get(CONFIG_MAPS, namespace, effect.name)
        known: Json = stored.get("data") or {}
        if known != effect.data:
            patch: Json = {"data": dict.fromkeys(known) | dict(effect.data)}
            await api.patch(CONFIG_MAPS, namespace, effect.name, patch)


async def keep_texts(api: Api, incident: AIIncident, effect: KeepTexts) -> None:
    """Create it, or add what it has not, and take out what nothing speaks of any more. Raises
    KubeError."""
    namespace = incident.metadata.namespace
    try:
        body = config_map(incident, WriteText(effect.name, effect.add))
        await api.create(CONFIG_MAPS, namespace, body)
    except AlreadyExists:
        known: Json = (await api.get(CONFIG_MAPS, namespace, effect.name)).get("data") or {}
        gone = dict.fromkeys(stale(effect, known))
        new = {key: text for key, text in effect.add.items() if known.get(key) != text}
        if gone or new:
            await api.patch(CONFIG_MAPS, namespace, effect.name, {"data": gone | new})


def config_map(incident: AIIncident, effect: WriteText) -> Json:
    """As it is created."""
    labels = {
        names.FEATURE_LABEL: incident.spec.affects[0].name,
        names.INCIDENT_LABEL: names.incident_label(incident.metadata.name),
    }
    return {
        "apiVersion": CONFIG_MAPS.api_version,
        "kind": CONFIG_MAPS.kind,
        "metadata": {"name": effect.name, "labels": labels},
        "data": dict(effect.data),
    }
