"""Release records as ControllerRevisions: how one is written, and how it is read back."""

from datetime import datetime

from pydantic import ValidationError

from goaround.api import names
from goaround.api.base import Json
from goaround.api.content import hash_of
from goaround.api.feature import Release
from goaround.api.kinds import RECORDS
from goaround.rollout.observed import Record
from goaround.rollout.planned import WriteRecord


def body(feature: str, effect: WriteRecord) -> Json:
    """The record, as it is created: content once, marks as annotations."""
    return {
        "apiVersion": RECORDS.api_version,
        "kind": RECORDS.kind,
        "metadata": {
            "name": effect.name,
            "labels": {names.FEATURE_LABEL: feature},
            "annotations": {k: v for k, v in effect.marks.items() if v is not None},
        },
        "data": {
            "digest": effect.digest,
            "release": effect.release.wire(),
            **({"texts": dict(effect.texts)} if effect.texts else {}),
        },
        "revision": 1,
    }


def record(raw: Json) -> Record | None:
    """A record read back; None where it is not one of ours or cannot be read."""
    data, meta = raw.get("data") or {}, raw.get("metadata") or {}
    marks = meta.get("annotations") or {}
    try:
        return Record(
            name=meta["name"],
            digest=data["digest"],
            release=Release.model_validate(data["release"]),
            attempts=int(marks.get(names.ATTEMPTS, 0)),
            took_off_at=_optional_time(marks.get(names.TOOK_OFF_AT)),
            outcome=marks.get(names.OUTCOME),
            quarantined_attempt=_optional_int(marks.get(names.QUARANTINED)),
            good_since=_optional_time(marks.get(names.GOOD_SINCE)),
            baseline=marks.get(names.BASELINE),
            signal_baseline=marks.get(names.SIGNAL_BASELINE),
            created=_optional_time(meta.get("creationTimestamp")),
            holds=frozenset(texts(raw)),
        )
    except (KeyError, ValueError, TypeError, ValidationError):
        return None


def texts(raw: Json) -> dict[str, str]:
    """The texts of a record by hash; what does not have its hash is not there."""
    data = raw.get("data")
    known = data.get("texts") if isinstance(data, dict) else None
    found = known.items() if isinstance(known, dict) else ()
    return {h: text for h, text in found if isinstance(text, str) and hash_of(text) == h}


def _optional_int(value: str | None) -> int | None:
    return int(value) if value else None


def _optional_time(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
