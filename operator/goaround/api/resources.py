"""Resource types on the API server: ours, and those of others that we touch.

Names only, so that a command can ask for an object without loading the models (`kinds.py` has them,
and all of these names, too). Decides nothing.
"""

from dataclasses import dataclass

from goaround.api import GROUP, VERSION


@dataclass(frozen=True, slots=True)
class Kind:
    """A resource type on the API server."""

    group: str
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


FEATURES = Kind(GROUP, VERSION, "aifeatures", "AIFeature")
INCIDENTS = Kind(GROUP, VERSION, "aiincidents", "AIIncident")
KILL_SWITCHES = Kind(GROUP, VERSION, "aikillswitches", "AIKillSwitch")
SIGN_OFFS = Kind(GROUP, VERSION, "aisignoffs", "AISignOff")
RECORDS = Kind("apps", "v1", "controllerrevisions", "ControllerRevision")
CONFIG_MAPS = Kind("", "v1", "configmaps", "ConfigMap")
SECRETS = Kind("", "v1", "secrets", "Secret")
SERVICES = Kind("", "v1", "services", "Service")
PODS = Kind("", "v1", "pods", "Pod")
ENDPOINT_SLICES = Kind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
EVENTS = Kind("", "v1", "events", "Event")
VALIDATING_POLICIES = Kind(
    "admissionregistration.k8s.io",
    "v1",
    "validatingadmissionpolicies",
    "ValidatingAdmissionPolicy",
)
POLICY_BINDINGS = Kind(
    "admissionregistration.k8s.io",
    "v1",
    "validatingadmissionpolicybindings",
    "ValidatingAdmissionPolicyBinding",
)
CRDS = Kind("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition")
LEASES = Kind("coordination.k8s.io", "v1", "leases", "Lease")
DEPLOYMENTS = Kind("apps", "v1", "deployments", "Deployment")
STATEFUL_SETS = Kind("apps", "v1", "statefulsets", "StatefulSet")
DAEMON_SETS = Kind("apps", "v1", "daemonsets", "DaemonSet")
ACCESS_REVIEWS = Kind(
    "authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview"
)
SELF_REVIEWS = Kind("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview")
