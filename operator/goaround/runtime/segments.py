"""Segments of the evidence binder as ControllerRevisions: how one is written, and read back.

Their data is immutable at the API server. They carry a label of their own, so that nobody takes one
for a release record.
"""

from goaround.api import names
from goaround.api.base import Json
from goaround.api.kinds import RECORDS
from goaround.rollout.chain import Segment, segment
from goaround.rollout.observed import Record
from goaround.rollout.planned import WriteSegment
from goaround.runtime import records


def body(feature: str, effect: WriteSegment) -> Json:
    """The segment, as it is created."""
    labels = {names.FEATURE_LABEL: feature, names.EVIDENCE_LABEL: str(effect.number)}
    return {
        "apiVersion": RECORDS.api_version,
        "kind": RECORDS.kind,
        "metadata": {"name": effect.name, "labels": labels},
        "data": effect.data,
        "revision": effect.number,
    }


def read(raw: Json) -> Record | Segment | None:
    """Whichever of the two it is; None where it is neither."""
    labels = raw.get("metadata", {}).get("labels") or {}
    if names.EVIDENCE_LABEL in labels:
        return segment(raw["metadata"]["name"], raw.get("data"))
    return records.record(raw)
