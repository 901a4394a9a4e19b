"""`values.schema.json`: what may be set, closed at every level, so that a typo is refused.

The type of a value is that of its default, unless a shape is told here. Open are only maps that
people name (labels, annotations, node selectors) and objects that Kubernetes itself checks.
"""

from collections.abc import Iterable
from typing import Any

from goaround.runtime.config import Config
from hack.chart.values import Value

Json = dict[str, Any]

STRINGS: Json = {"type": "object", "additionalProperties": {"type": "string"}}
OBJECT: Json = {"type": "object"}
QUANTITY: Json = {"type": ["string", "number"]}


def _closed(required: tuple[str, ...] = (), **properties: Json) -> Json:
    found: Json = {"type": "object", "additionalProperties": False, "properties": properties}
    return found | ({"required": list(required)} if required else {})


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


def _string(*, pattern: str = "", among: tuple[str, ...] = ()) -> Json:
    found: Json = {"type": "string"}
    if pattern:
        found["pattern"] = pattern
    return found | ({"enum": list(among)} if among else {})


def _number(least: int, most: int) -> Json:
    return {"type": "integer", "minimum": least, "maximum": most}


NAME = _string(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
MAYBE_NAME = _string(pattern=r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$")
AMOUNTS: Json = {"type": "object", "additionalProperties": QUANTITY}
PEER = _closed(podSelector=OBJECT, namespaceSelector=OBJECT, ipBlock=OBJECT)
TOLERATION = _closed(
    key=_string(),
    operator=_string(among=("Exists", "Equal", "Lt", "Gt")),
    value=_string(),
    effect=_string(among=("", "NoSchedule", "PreferNoSchedule", "NoExecute")),
    tolerationSeconds={"type": "integer"},
)
SPREAD = _closed(
    ("maxSkew", "topologyKey", "whenUnsatisfiable"),
    maxSkew=_number(1, 1000),
    topologyKey=_string(),
    whenUnsatisfiable=_string(among=("DoNotSchedule", "ScheduleAnyway")),
    labelSelector=OBJECT,
    matchLabelKeys=_list(_string()),
    minDomains=_number(1, 1000),
    nodeAffinityPolicy=_string(among=("Honor", "Ignore")),
    nodeTaintsPolicy=_string(among=("Honor", "Ignore")),
)
ENV = _closed(("name",), name=_string(pattern="^.+$"), value=_string(), valueFrom=OBJECT)
DURATION = _string(pattern="^[0-9]+(ms|s|m|h)$")

# by path, or by the last key of it
SHAPES: dict[str, Json] = {
    "watchNamespace": MAYBE_NAME,
    "nameOverride": MAYBE_NAME,
    "fullnameOverride": MAYBE_NAME,
    "logLevel": _string(among=("debug", "info", "warning", "error")),
    "image.repository": _string(pattern=r"^[a-zA-Z0-9][-a-zA-Z0-9._:/]*$"),
    "image.tag": _string(pattern=r"^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$"),
    "image.digest": _string(pattern="^(sha256:[0-9a-f]{64})?$"),
    "image.pullPolicy": _string(among=("IfNotPresent", "Always", "Never")),
    "image.pullSecrets": _list(NAME),
    "controlToken.existingSecret": MAYBE_NAME,
    "flags.tls.existingSecret": MAYBE_NAME,
    "controlToken.key": _string(pattern=r"^[-._a-zA-Z0-9]+$"),
    "operator.terminationGracePeriodSeconds": _number(30, 3600),
    "flags.terminationGracePeriodSeconds": _number(25, 3600),
    "flags.maxStreams": _number(1, 100_000),
    "replicas": _number(1, 50),
    "maxUnavailable": _number(0, 50),
    "priorityClassName": MAYBE_NAME,
    "resources": _closed(requests=AMOUNTS, limits=AMOUNTS, claims=_list(OBJECT)),
    "extraArgs": _list(_string()),
    "extraEnv": _list(ENV),
    "extraVolumes": _list(OBJECT | {"required": ["name"]}),
    "extraVolumeMounts": _list(OBJECT | {"required": ["name", "mountPath"]}),
    "nodeSelector": STRINGS,
    "tolerations": _list(TOLERATION),
    "affinity": _closed(nodeAffinity=OBJECT, podAffinity=OBJECT, podAntiAffinity=OBJECT),
    "topologySpreadConstraints": _list(SPREAD),
    "networkPolicy.apiServerPorts": {"minItems": 1} | _list(_number(1, 65535)),
    "networkPolicy.apiServerCidrs": _list(_string(pattern="^[0-9a-fA-F:.]+/[0-9]+$")),
    "networkPolicy.metricsFrom": _list(PEER),
    "networkPolicy.flagsFrom": _list(PEER),
    "networkPolicy.operatorEgress": _list(
        _closed(to=_list(PEER), ports=_list(_closed(protocol=_string(), port=QUANTITY,
                                                    endPort=_number(1, 65535))))
    ),
    "serviceMonitor.interval": DURATION,
    "prometheusRule.runbooks": _string(pattern=r"^[^\s'\"{}]*$"),
}  # fmt: skip


def of(described: Iterable[Value]) -> Json:
    """The schema of these values."""
    config = Config.model_json_schema(by_alias=True)
    definitions = config.pop("$defs", {})
    root = _closed()
    for value in described:
        at = root
        for key in value.path[:-1]:
            at = at["properties"].setdefault(key, _closed())
        shape = config if value.name == "config" else _shape(value)
        at["properties"][value.path[-1]] = shape | {"description": value.text}
    # Helm hands it to every chart that is part of another
    root["properties"]["global"] = OBJECT
    return {"$schema": "http://json-schema.org/draft-07/schema#", "$defs": definitions} | root


def _shape(value: Value) -> Json:
    last = value.path[-1]
    if found := SHAPES.get(value.name) or SHAPES.get(last):
        return found
    if last.lower().endswith(("labels", "annotations")):
        return STRINGS
    if isinstance(value.default, bool):
        return {"type": "boolean"}
    raise ValueError(f"hack/chart/schema.py tells no shape of {value.name}")
