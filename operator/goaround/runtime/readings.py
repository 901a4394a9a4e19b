"""Between the signals of a feature and what a provider is asked: shapes, and what answers mean.

Decides which shape reads a signal or a slice, and which counts of an answer belong to whom. Refuses
to take for requests what counts none, and to book to a release what was before it. Reads no clock.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from enum import Enum, auto

from goaround.api.acceptance import Signal
from goaround.api.kinds import AIFeature
from goaround.api.signals import EventCount, Latency, Mean, Query, Ratio, TimeUnit, Worse
from goaround.evidence.judge import CANDIDATE, STABLE
from goaround.evidence.plan import EVALUATED, owner_of, slice_of
from goaround.evidence.thresholds import evaluated
from goaround.world.prometheus import Counts, Kind, Read, Readings, Shape, WindowReading

MILLISECONDS = 1000


class Purpose(Enum):
    """What windows are read for: to judge a candidate, to watch what is live, or to see traffic
    end after a way down."""

    FLIGHT = auto()
    LIVE = auto()
    AFTERMATH = auto()


def shape_of(feature: AIFeature, reading: str, interval: int) -> Shape:
    """What to ask for a signal, or for a slice of it. interval: seconds of a window.

    Raises KeyError where spec has nothing of that name, or a preset that nobody knows.
    """
    signal = _signal(feature, reading)
    value, slices = slice_of(reading), signal.slices
    return replace(
        _measured(signal, interval),
        arms=_arms(signal),
        only=(slices.label, value) if slices is not None and value is not None else None,
        offset=signal.label_delay_seconds,
    )


def is_known(feature: AIFeature, reading: str) -> bool:
    """Whether spec has something of that name that can be read."""
    signal = feature.spec.signal(owner_of(reading))
    return signal is not None and signal.kind is not None


def wanted(feature: AIFeature, reading: str, ends: range) -> range:
    """`ends`, and as many before them as a query looks back upon."""
    kind = _signal(feature, reading).kind
    if not isinstance(kind, Query):
        return ends
    return range(ends.start - (kind.of - 1) * ends.step, ends.stop, ends.step)


def understood(
    feature: AIFeature, reading: str, read: Read, ends: range, *, purpose: Purpose
) -> Read:
    """What an answer to `wanted(ends)` means to the tests of `reading`: its windows of `ends`.

    Late truth and evaluations say nothing of present traffic, so that an aftermath sees none.
    """
    signal = _signal(feature, reading)
    if not isinstance(read, Readings):
        return read
    if isinstance(signal.kind, Query):
        return Readings(tuple(_evaluations(feature, signal, read, ends, purpose=purpose)))
    if signal.label_delay_seconds:
        return Readings(
            tuple(_booked(feature, signal, w, ends.step, purpose=purpose) for w in read.windows)
        )
    return read


def _signal(feature: AIFeature, reading: str) -> Signal:
    signal = feature.spec.signal(owner_of(reading))
    if signal is None or signal.kind is None:
        raise KeyError(reading)
    return signal


def _measured(signal: Signal, interval: int) -> Shape:
    match signal.kind:
        case Ratio(bad=bad, total=total):
            return Shape(bad, total, interval)
        case EventCount(events=events, total=total):
            return Shape(events, total, interval, kind=Kind.COUNT)
        case Latency(histogram=buckets) as latency:
            return Shape(buckets, buckets, interval, kind=Kind.LATENCY, slower_than=_le(latency))
        case Mean() as mean:
            return Shape(
                mean.sum,
                mean.count,
                interval,
                kind=Kind.MEAN,
                buckets=mean.buckets or "",
                lowest=float(mean.lowest),
                highest=float(mean.highest),
                lower_is_worse=mean.worse is Worse.LOWER,
            )
        case Query(promql=promql):
            lower = signal.bounds[1] is not None
            return Shape(promql, "", interval, kind=Kind.QUERY, lower_is_worse=lower)
        case None:
            raise KeyError(signal.name)


def _le(latency: Latency) -> str:
    """The bound as the histogram states it, without zeros that say nothing."""
    factor = MILLISECONDS if latency.unit is TimeUnit.MILLISECONDS else 1
    return f"{(Decimal(latency.slower_than_seconds) * factor).normalize():f}"


def _arms(signal: Signal) -> tuple[tuple[str, str], ...]:
    if signal.arms is None:
        return ()
    stable = ((STABLE, signal.arms.stable),) if signal.arms.stable is not None else ()
    return ((CANDIDATE, signal.arms.candidate), *stable)


def _evaluations(
    feature: AIFeature,
    signal: Signal,
    read: Readings,
    ends: range,
    *,
    purpose: Purpose,
) -> list[WindowReading]:
    """N of M: of the candidate since it flies, or of what is live since it is."""
    assert isinstance(signal.kind, Query)
    arm = STABLE if purpose is Purpose.LIVE else CANDIDATE
    since = _since(feature, purpose)
    highest, lowest = signal.bounds
    found = evaluated(
        [w.values.get(arm) if w.end > since else None for w in read.windows],
        highest=float(highest) if highest is not None else None,
        lowest=float(lowest) if lowest is not None else None,
        failures=signal.kind.failures,
        of=signal.kind.of,
    )
    told = STABLE if purpose is Purpose.LIVE else EVALUATED
    silent = purpose is Purpose.AFTERMATH
    return [
        WindowReading(w.end, {told: Counts(c.total, c.bad)} if c is not None and not silent else {})
        for w, c in zip(read.windows, found, strict=True)
        if w.end in ends
    ]


def _booked(
    feature: AIFeature, signal: Signal, window: WindowReading, interval: int, *, purpose: Purpose
) -> WindowReading:
    """Late truth goes to the release that predicted, as which it was counted then."""
    nothing = WindowReading(window.end, {})
    began = window.end - signal.label_delay_seconds - interval
    if purpose is Purpose.AFTERMATH:
        return nothing
    if began >= _since(feature, purpose):
        return window
    candidate, good = feature.status.candidate, feature.status.last_known_good
    if purpose is Purpose.FLIGHT or candidate is None or good is None:
        return nothing
    flew = candidate.digest == good.digest and candidate.since.timestamp() <= began
    return _renamed(window, {CANDIDATE: STABLE}) if flew else nothing


def _renamed(window: WindowReading, names: Mapping[str, str]) -> WindowReading:
    """Only the arms in `names`, under their other names."""
    return WindowReading(
        window.end,
        {names[arm]: counts for arm, counts in window.arms.items() if arm in names},
        {names[arm]: counts for arm, counts in window.buckets.items() if arm in names},
    )


def _since(feature: AIFeature, purpose: Purpose) -> float:
    """Since when the release that is looked at serves, in unix seconds."""
    status = feature.status
    known = status.last_known_good if purpose is Purpose.LIVE else status.candidate
    return known.since.timestamp() if known is not None else 0.0
