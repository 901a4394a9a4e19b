"""Whether there is a baseline to hold signals and inputs against, and whether it is too old to.

It tells; whether a first step waits for a baseline is decided in `baselines.py` and `drifts.py`. An
old baseline is still held against: it moves nobody to call it old.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from goaround.api.base import rfc3339
from goaround.api.conditions import Wanted, condition, some
from goaround.api.drift import DriftReference
from goaround.api.reasons import ConditionType, Reason
from goaround.api.status import AIFeatureStatus
from goaround.rollout.moves import in_flight, is_watched
from goaround.rollout.observed import Observed


def established(o: Observed, after: AIFeatureStatus, now: datetime) -> Wanted | None:
    """`BaselineEstablished` of what flies or serves; absent where nothing asks for a baseline."""
    kind, wanted = ConditionType.BASELINE_ESTABLISHED, set(_wanted(o))
    if not wanted or not (in_flight(after) or is_watched(after)):
        return None
    known = dict(_known(after))
    if missing := sorted(wanted - known.keys()):
        told = f"nothing to hold {some(missing, 3)} against yet"
        return condition(kind, "False", Reason.NO_BASELINE, told)
    oldest = min(known, key=lambda name: known[name])
    limit = o.feature.spec.watch.baseline_max_age_seconds
    since = f"{oldest} is of {rfc3339(known[oldest])}"
    if now - known[oldest] > timedelta(seconds=limit):
        told = (
            f"the baseline of {since}, older than {limit} s; traffic may have changed since. A new "
            "release takes a new one; or set watch.baselineMaxAgeSeconds"
        )
        return condition(kind, "False", Reason.BASELINE_STALE, told)
    return condition(kind, "True", Reason.ESTABLISHED, f"the oldest one, {since}")


def _wanted(o: Observed) -> Iterator[str]:
    spec = o.feature.spec
    yield from (f"signal {s.name}" for s in spec.acceptance.signals if s.vs_baseline is not None)
    if spec.drift is not None and any(
        i.reference is DriftReference.BASELINE for i in spec.drift.inputs
    ):
        yield "inputs"


def _known(after: AIFeatureStatus) -> Iterator[tuple[str, datetime]]:
    yield from ((f"signal {row.name}", row.established_at) for row in after.baselines)
    if after.drift is not None and after.drift.baseline is not None:
        yield "inputs", after.drift.baseline.established_at
