"""The four kinds, whole: metadata, spec and status together, and how they are served."""

from dataclasses import dataclass, field

from pydantic import Field

from goaround.api import API_VERSION
from goaround.api.base import Json, Model, ObjectMeta
from goaround.api.feature import AIFeatureSpec
from goaround.api.incident import AIIncidentSpec, AIIncidentStatus
from goaround.api.killswitch import AIKillSwitchSpec, AIKillSwitchStatus
from goaround.api.names import MAX_FEATURE_NAME
from goaround.api.resources import (
    ACCESS_REVIEWS,
    CONFIG_MAPS,
    CRDS,
    DAEMON_SETS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    EVENTS,
    FEATURES,
    INCIDENTS,
    KILL_SWITCHES,
    LEASES,
    PODS,
    POLICY_BINDINGS,
    RECORDS,
    SECRETS,
    SELF_REVIEWS,
    SERVICES,
    SIGN_OFFS,
    STATEFUL_SETS,
    VALIDATING_POLICIES,
    Kind,
)
from goaround.api.schema import cel
from goaround.api.signoff import AISignOffSpec
from goaround.api.status import AIFeatureStatus, DrillResult

__all__ = [
    "ACCESS_REVIEWS",
    "AGE",
    "CONFIG_MAPS",
    "CRDS",
    "DAEMON_SETS",
    "DEPLOYMENTS",
    "ENDPOINT_SLICES",
    "EVENTS",
    "FEATURES",
    "INCIDENTS",
    "KILL_SWITCHES",
    "LEASES",
    "OURS",
    "PODS",
    "POLICY_BINDINGS",
    "READY",
    "RECORDS",
    "SECRETS",
    "SELF_REVIEWS",
    "SERVED",
    "SERVICES",
    "SIGN_OFFS",
    "STATEFUL_SETS",
    "VALIDATING_POLICIES",
    "AIFeature",
    "AIIncident",
    "AIKillSwitch",
    "AISignOff",
    "Kind",
    "Resource",
    "Served",
]


class Resource(Model):
    """What all our objects have."""

    api_version: str = API_VERSION
    kind: str = ""
    metadata: ObjectMeta = Field(default_factory=ObjectMeta)

    @property
    def key(self) -> tuple[str, str]:
        return (self.metadata.namespace, self.metadata.name)


class AIFeature(Resource):
    spec: AIFeatureSpec
    status: AIFeatureStatus = Field(default_factory=AIFeatureStatus)


class AIIncident(Resource):
    spec: AIIncidentSpec
    status: AIIncidentStatus = Field(default_factory=AIIncidentStatus)


class AIKillSwitch(Resource):
    spec: AIKillSwitchSpec
    status: AIKillSwitchStatus = Field(default_factory=AIKillSwitchStatus)

    def matches(self, feature: ObjectMeta) -> bool:
        """Whether this switch kills the feature."""
        if feature.namespace != self.metadata.namespace:
            return False
        if self.spec.feature_ref is not None:
            return self.spec.feature_ref.name == feature.name
        wanted = self.spec.selector.match_labels if self.spec.selector else {}
        return bool(wanted) and wanted.items() <= feature.labels.items()

    def held(self, last: DrillResult | None) -> bool:
        """Whether that drill was of this very switch, and not of an earlier one of its name."""
        if last is None or last.switch != self.metadata.name:
            return False
        made = self.metadata.creation_timestamp
        return made is None or last.began_at >= made


class AISignOff(Resource):
    spec: AISignOffSpec


@dataclass(frozen=True, slots=True)
class Served:
    """How one of our kinds is served: names, columns, models."""

    kind: Kind
    singular: str
    short: str
    spec: type[Model]
    status: type[Model] | None
    columns: tuple[Json, ...]
    object_rules: tuple[Json, ...] = ()
    selectable: tuple[str, ...] = field(default=())
    description: str = ""


OURS = (FEATURES, INCIDENTS, KILL_SWITCHES, SIGN_OFFS)


def _column(name: str, path: str, kind: str = "string", *, wide: bool = False) -> Json:
    column: Json = {"name": name, "jsonPath": path, "type": kind}
    return column | ({"priority": 1} if wide else {})


AGE = _column("Age", ".metadata.creationTimestamp", "date")
READY = _column("Ready", ".status.conditions[?(@.type=='Ready')].status")

SERVED = (
    Served(
        FEATURES,
        "aifeature",
        "aif",
        AIFeatureSpec,
        AIFeatureStatus,
        (
            _column("Stage", ".status.stage"),
            _column("Weight", ".status.weight"),
            _column("Live", ".status.live"),
            READY,
            _column("Summary", ".status.summary", wide=True),
            AGE,
        ),
        (
            cel(
                f"self.metadata.name.size() <= {MAX_FEATURE_NAME}",
                f"the name of a feature may have at most {MAX_FEATURE_NAME} characters, because "
                "its records and incidents are named after it: choose a shorter one",
                path=".metadata.name",
            ),
        ),
        (".status.stage",),
        "An AI feature: the release that should serve, and the flight plan it must survive.",
    ),
    Served(
        INCIDENTS,
        "aiincident",
        "aii",
        AIIncidentSpec,
        AIIncidentStatus,
        (
            _column("Sev", ".status.severity"),
            _column("Phase", ".status.phase"),
            _column("Feature", ".status.feature"),
            _column("Next-Due", ".status.nextDue"),
            _column("Commander", ".spec.roles.commander"),
            _column("Action", ".status.containment.action", wide=True),
            _column("Updated", ".status.updatedAt", "date", wide=True),
            _column("Exposed", ".status.exposedRequests", "integer", wide=True),
            _column("Bin", ".spec.rootCause.bin", wide=True),
            _column("Missed", ".status.missed", wide=True),
            _column("Review", ".status.milestones.reviewedAt", wide=True),
            _column("Channel", ".spec.channel.id", wide=True),
            _column("Drill", ".spec.drill", wide=True),
            _column("Trigger", ".spec.trigger.key", wide=True),
            AGE,
        ),
        (),
        (".spec.severity", ".status.phase", ".status.feature"),
        "The record of one failure, from the first bad sample on.",
    ),
    Served(
        KILL_SWITCHES,
        "aikillswitch",
        "aiks",
        AIKillSwitchSpec,
        AIKillSwitchStatus,
        (
            _column("Feature", ".spec.featureRef.name"),
            _column("Reason", ".spec.reason"),
            _column("Latched", ".status.latchedAt", "date"),
            AGE,
        ),
        description="Presence kills: while it exists, the fallback serves.",
    ),
    Served(
        SIGN_OFFS,
        "aisignoff",
        "aiso",
        AISignOffSpec,
        None,
        (
            _column("Feature", ".spec.featureRef.name"),
            _column("Decision", ".spec.decision"),
            _column("Approver", ".spec.approver"),
            _column("Attempt", ".spec.attempt", "integer"),
            AGE,
        ),
        description="One immutable human decision on one digest and attempt.",
    ),
)
