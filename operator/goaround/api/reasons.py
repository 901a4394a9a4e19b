"""Closed lists of condition types, condition reasons and event reasons. They are API."""

from enum import StrEnum


class Stage(StrEnum):
    """Where a feature's flight is; derived, for people and columns. Conditions are the contract."""

    PREFLIGHT = "Preflight"
    RAMPING = "Ramping"
    HOLDING = "Holding"
    CRUISING = "Cruising"
    LIVE = "Live"
    ROLLED_BACK = "RolledBack"
    REJECTED = "Rejected"
    INCONCLUSIVE = "Inconclusive"
    KILLED = "Killed"


class ConditionType(StrEnum):
    """The conditions an AIFeature may show."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    SIGNALS_HEALTHY = "SignalsHealthy"
    DELIVERED = "Delivered"
    KILLED = "Killed"
    CONTAINED = "Contained"
    WATCHED = "Watched"
    DRIFT_DETECTED = "DriftDetected"
    EVIDENCE_ASSUMPTIONS = "EvidenceAssumptions"
    PREFLIGHT_PASSED = "PreflightPassed"
    AWAITING_SIGN_OFF = "AwaitingSignOff"
    CANDIDATE_CHANGED = "CandidateChanged"
    FALLBACK_READY = "FallbackReady"


class Reason(StrEnum):
    """Why a condition has its status."""

    # kstatus conditions, by stage
    PREFLIGHT = "Preflight"
    RAMPING = "Ramping"
    HOLDING = "Holding"
    CRUISING = "Cruising"
    ROLLOUT_COMPLETE = "RolloutComplete"
    ROLLED_BACK = "RolledBack"
    REJECTED = "Rejected"
    INCONCLUSIVE = "Inconclusive"
    KILLED = "Killed"
    # why a feature holds
    PROVIDER_UNAVAILABLE = "ProviderUnavailable"
    NO_DATA = "NoData"
    CLOCK_SKEW = "ClockSkew"
    BRAKED = "Braked"
    OUTAGE = "Outage"
    OBSERVING = "Observing"
    SAMPLE_RATIO_MISMATCH = "SampleRatioMismatch"
    AWAITING_SIGN_OFF = "AwaitingSignOff"
    SIGN_OFF_POLICY_MISSING = "SignOffPolicyMissing"
    # what a person must change
    INVALID_SPEC = "InvalidSpec"
    UNKNOWN_PROVIDER = "UnknownProvider"
    FLAG_KEY_TAKEN = "FlagKeyTaken"
    CANDIDATE_CHANGED = "CandidateChanged"
    EDITED_IN_PLACE = "EditedInPlace"
    CONTENT_MISSING = "ContentMissing"
    CONTENT_INVALID = "ContentInvalid"
    # the way back
    AVAILABLE = "Available"
    NO_LAST_KNOWN_GOOD = "NoLastKnownGood"
    RECORD_INCOMPLETE = "RecordIncomplete"
    EMBEDDING_MISMATCH = "EmbeddingMismatch"
    INDEX_DELETED = "IndexDeleted"
    INDEX_NOT_CHECKED = "IndexNotChecked"
    # signals
    WITHIN_LIMITS = "WithinLimits"
    LIMIT_EXCEEDED = "LimitExceeded"
    UNDECIDED = "Undecided"
    WORSE_THAN_BEFORE = "WorseThanBefore"
    WORSE_THAN_BASELINE = "WorseThanBaseline"
    DRIFT_EXCEEDED = "DriftExceeded"
    # what evidence rests on
    MEASURED = "Measured"
    DECLARED_INDEPENDENT = "DeclaredIndependent"
    NO_BUCKETS = "NoBuckets"
    TOO_FEW_BUCKETS = "TooFewBuckets"
    BUCKETS_FOLLOW_ARM = "BucketsFollowArm"
    BUCKETS_CHANGED = "BucketsChanged"
    # pre-flight
    PASSED = "Passed"
    FAILED = "Failed"
    RUNNING = "Running"
    TOO_FEW = "TooFew"
    ENDPOINT_UNAVAILABLE = "EndpointUnavailable"
    GOLDEN_SET_INVALID = "GoldenSetInvalid"
    # delivery
    DELIVERED = "Delivered"
    DELIVERED_TO_NOBODY = "DeliveredToNobody"
    PENDING = "Pending"
    REPLICAS_UNREACHABLE = "ReplicasUnreachable"
    # kill
    KILL_SWITCH_ENGAGED = "KillSwitchEngaged"
    SPEC_KILL_SWITCH = "SpecKillSwitch"
    GATE_CLOSED = "GateClosed"
    # watch after landing
    WATCHED = "Watched"
    NOT_WATCHED = "NotWatched"
    NO_ABSOLUTE_BOUND = "NoAbsoluteBound"
    # incidents
    DETECTED = "Detected"
    CONTAINED = "Contained"
    EFFECT_NOT_OBSERVED = "EffectNotObserved"


class EventReason(StrEnum):
    """The reasons of the events we post; one event per transition, none per tick."""

    ROLLOUT_STARTED = "RolloutStarted"
    ADOPTED = "Adopted"
    STEP_STARTED = "StepStarted"
    CRUISING = "CruiseStarted"
    PROMOTED = "Promoted"
    HOLDING = "Holding"
    RESUMED = "Resumed"
    SIGN_OFF_REQUESTED = "SignOffRequested"
    SIGN_OFF_GRANTED = "SignOffGranted"
    SIGN_OFF_REJECTED = "SignOffRejected"
    STEPS_SKIPPED = "StepsSkipped"
    STATUS_TAMPERED = "StatusTampered"
    PREFLIGHT_PASSED = "PreflightPassed"
    REJECTED = "Rejected"
    ROLLED_BACK = "RolledBack"
    CONTAINED = "Contained"
    INCONCLUSIVE = "Inconclusive"
    SUPERSEDED = "Superseded"
    KILL_ENGAGED = "KillEngaged"
    KILL_RELEASED = "KillReleased"
    RESTORED = "LastKnownGoodRestored"
    INCIDENT_OPENED = "IncidentOpened"
    WOULD_HAVE_ROLLED_BACK = "WouldHaveRolledBack"
    WOULD_HAVE_KILLED = "WouldHaveKilled"
    WORSE_THAN_BEFORE = "WorseThanBefore"
    WORSE_THAN_BASELINE = "WorseThanBaseline"
    DRIFT_DETECTED = "DriftDetected"
    REBUILT = "RebuiltFromRecords"
    INVALID_SPEC = "InvalidSpec"
