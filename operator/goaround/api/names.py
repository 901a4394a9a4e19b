"""Deterministic names, so that effects happen once.

A retry collides with itself: 409 means done.
"""

import hashlib
from datetime import UTC, datetime

from goaround.api import GROUP
from goaround.api.base import rfc3339
from goaround.api.digest import short

MAX_FEATURE_NAME = 50

FIELD_MANAGER = "goaround"
COMPONENT = "goaround"

FEATURE_LABEL = f"{GROUP}/feature"
EVIDENCE_LABEL = f"{GROUP}/evidence"
INCIDENT_LABEL = f"{GROUP}/incident"
PIN_OF = f"{GROUP}/pin-of"
PIN_HEADER = "x-goaround-pin"
RELEASE_HEADER = "x-aifeature-release"
ATTEMPTS = f"{GROUP}/attempts"
OUTCOME = f"{GROUP}/outcome"
QUARANTINED = f"{GROUP}/quarantined"
GOOD_SINCE = f"{GROUP}/good-since"
BASELINE = f"{GROUP}/drift-baseline"
AUTHOR = f"{GROUP}/author"
HOLD = f"{GROUP}/hold"
ABORT = f"{GROUP}/abort"
BREAK_GLASS = f"{GROUP}/breakglass"
SIGNAL_BASELINE = f"{GROUP}/signal-baseline"


def _hex(length: int, *parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:length]


def record_name(feature: str, digest: str) -> str:
    """Name of the release record: `<feature>-<12 hex of digest>`."""
    return f"{feature}-{short(digest)}"


def segment_name(feature: str, number: int) -> str:
    """Name of a segment of the evidence binder: the second of one number collides."""
    return f"{feature}-evidence-{number}"


def flight_id(*about: str) -> str:
    """What a segment tells of: the same for every retry."""
    return _hex(16, *about)


def pin_name(feature: str) -> str:
    """Name of the Secret with the pin of a golden run."""
    return f"{feature}-golden-pin"


def report_name(feature: str) -> str:
    """Name of the ConfigMap with the report of the last pre-flight."""
    return f"{feature}-preflight-report"


def pin_of(uid: str, digest: str, attempt: int) -> str:
    """Whose pin it is: one attempt of one object, never another of the same name."""
    return salt(uid, digest, attempt)


def evidence_name(incident: str) -> str:
    """Name of the ConfigMap with what was frozen when an incident was opened."""
    return f"{incident}-evidence"


def incident_name(feature: str, at: datetime, *, uid: str, attempt: str, cause: str) -> str:
    """`<feature>-<date of latch>-<6 hex of uid, attempt, cause>`."""
    return f"{feature}-{at.astimezone(UTC):%Y%m%d}-{_hex(6, uid, attempt, cause)}"


def event_name(feature: str, uid: str, at: datetime, reason: str) -> str:
    """One name per transition: its time is stored in status, so a replay gives the same name."""
    return f"{feature}.{_hex(16, uid, rfc3339(at), reason)}"


def salt(uid: str, digest: str, attempt: int) -> str:
    """Salt of the split: other users for every digest and attempt."""
    return f"{uid}/{short(digest)}/{attempt}"


def flag_key(feature: str, declared: str | None) -> str:
    return declared or f"{feature}.release"


def bucket_key(feature: str) -> str:
    return f"{feature}.bucket"
