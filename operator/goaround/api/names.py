"""Deterministic names, so that effects happen once.

A retry collides with itself: 409 means done.
"""

import hashlib
from datetime import UTC, datetime

from goaround.api import GROUP
from goaround.api.plain import rfc3339, short

MAX_FEATURE_NAME = 50
MAX_LABEL = 63
MAX_NAME = 253

FIELD_MANAGER = "goaround"
COMPONENT = "goaround"

FEATURE_LABEL = f"{GROUP}/feature"
EVIDENCE_LABEL = f"{GROUP}/evidence"
INCIDENT_LABEL = f"{GROUP}/incident"
TIMELINE_LABEL = f"{GROUP}/timeline"
NOTE = f"{GROUP}/note"
NOTED = f"{GROUP}/noted"
PIN_OF = f"{GROUP}/pin-of"
PIN_HEADER = "x-goaround-pin"
RELEASE_HEADER = "x-aifeature-release"
ATTEMPTS = f"{GROUP}/attempts"
TOOK_OFF_AT = f"{GROUP}/took-off-at"
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


def ledger_name(feature: str) -> str:
    """Name of the ConfigMap with the change ledger."""
    return f"{feature}-changes"


def change_key(*about: str) -> str:
    """What makes a line of the change ledger: a second one of the same change collides."""
    return _hex(16, *about)


def pin_of(uid: str, digest: str, attempt: int) -> str:
    """Whose pin it is: one attempt of one object, never another of the same name."""
    return salt(uid, digest, attempt)


def evidence_name(incident: str) -> str:
    """Name of the ConfigMap with what was frozen when an incident was opened."""
    return f"{incident}-evidence"


def incident_name(feature: str, at: datetime, *, uid: str, attempt: str, cause: str) -> str:
    """`<feature>-<date of latch>-<6 hex of uid, attempt, cause>`."""
    return f"{feature}-{at.astimezone(UTC):%Y%m%d}-{_hex(6, uid, attempt, cause)}"


def comms_name(incident: str) -> str:
    """Name of the ConfigMap with the texts of an incident's messages."""
    return f"{incident[:247].rstrip('-.')}-comms"


def message_id(kind: str, number: int) -> str:
    """Name of a message in its incident: kind and number, from 1."""
    return f"{kind}-{number}"


def message_key(message: str, digest: str) -> str:
    """Key of a message's text: two texts of one message never overwrite each other."""
    return f"{message}.{short(digest)}"


def incident_label(incident: str) -> str:
    """As the value of a label, which may be shorter than a name."""
    if len(incident) <= MAX_LABEL:
        return incident
    return f"{incident[: MAX_LABEL - 7].rstrip('-.')}-{_hex(6, incident)}"


def timeline_name(incident: str, segment: int | None = None) -> str:
    """Name of the open part of a timeline, or of a sealed one."""
    end = "-timeline" if segment is None else f"-timeline-{segment}"
    if len(incident) + len(end) <= MAX_NAME:
        return incident + end
    return f"{incident[: MAX_NAME - 40].rstrip('-.')}-{_hex(6, incident)}{end}"


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
