"""What the schema cannot check of a signal: its texts by parsing, presets by name.

Each fault becomes one sentence: the field, what is wrong, and what to write.
"""

from collections.abc import Iterator

from goaround.api.acceptance import Signal
from goaround.api.presets import PRESETS
from goaround.api.signals import EventCount, Latency, Mean, Query, Ratio
from goaround.world.prom_query import parse_query
from goaround.world.promql import Labels, SelectorError, parse_matchers, parse_selector


def faults(signal: Signal, labels: Labels | None) -> Iterator[str]:
    """All that a person must change in this signal; `labels`: those of its provider."""
    yield from _preset(signal)
    for field, selector in _selectors(signal):
        try:
            parse_selector(selector, labels)
        except SelectorError as err:
            yield f"{field}: {err}"
    if isinstance(signal.kind, Query):
        try:
            parse_query(signal.kind.promql, labels)
        except SelectorError as err:
            yield f"{_where(signal, 'query')}promql: {err}"
    yield from _arms(signal, labels)
    yield from _limits(signal, labels)


def _preset(signal: Signal) -> Iterator[str]:
    if signal.preset is None:
        return
    known = PRESETS.get(signal.preset)
    if known is None:
        yield f"preset: {signal.preset!r} is not known to this operator; it knows {_all_presets()}"
    elif known.arms and signal.arms is None:
        yield (
            f"preset: {signal.preset} reads metrics that know nothing of features: set arms, for "
            f"example arms: {{candidate: '{known.arms}', stable: …}}"
        )


def _all_presets() -> str:
    return ", ".join(sorted(PRESETS))


def _selectors(signal: Signal) -> Iterator[tuple[str, str]]:
    match signal.kind:
        case Ratio(bad=bad, total=total):
            where = _where(signal, "ratio")
            yield from ((f"{where}bad", bad), (f"{where}total", total))
        case Latency(histogram=histogram):
            yield f"{_where(signal, 'latency')}histogram", histogram
        case Mean() as mean:
            where = _where(signal, "mean")
            yield from ((f"{where}sum", mean.sum), (f"{where}count", mean.count))
            if mean.buckets is not None:
                yield f"{where}buckets", mean.buckets
        case EventCount(events=events, total=total):
            where = _where(signal, "count")
            yield from ((f"{where}events", events), (f"{where}total", total))
        case Query() | None:
            return


def _where(signal: Signal, kind: str) -> str:
    return "preset." if signal.preset is not None else f"{kind}."


def _arms(signal: Signal, labels: Labels | None) -> Iterator[str]:
    if signal.arms is None:
        return
    for arm in ("candidate", "stable"):
        if (text := getattr(signal.arms, arm)) is not None:
            try:
                parse_matchers(text, labels)
            except SelectorError as err:
                yield f"arms.{arm}: {err}"


def _limits(signal: Signal, labels: Labels | None) -> Iterator[str]:
    """Rules that need to know the provider's labels, or what a preset is."""
    pinned = {*(labels or Labels()).names, "le", "__name__"}
    if signal.slices is not None and signal.slices.label in pinned:
        yield f"slices.label: {signal.slices.label} is pinned already: slice by another label"
    if isinstance(signal.kind, Query) and (signal.label_delay_seconds or signal.slices):
        yield "a query cannot be late or sliced: take labelDelaySeconds and slices out"
    if signal.preset is not None and (told := _misfit(signal)):
        yield told


def _misfit(signal: Signal) -> str | None:
    """CEL does not see which kind a preset is; the same rules in the same words."""
    highest, lowest = signal.bounds
    match signal.kind:
        case Mean() as mean:
            value = lowest if mean.worse == "Lower" else highest
            other = highest if mean.worse == "Lower" else lowest
            if other is not None:
                wanted = "min" if mean.worse == "Lower" else "max"
                return f"preset {signal.preset} is a mean that takes {wanted} as its bound"
            if value is not None and not float(mean.lowest) < float(value) < float(mean.highest):
                return f"the bound must lie between {mean.lowest} and {mean.highest}, both excluded"
        case Query():
            if signal.vs_stable is not None or signal.vs_baseline is not None:
                return f"preset {signal.preset} is a query, which is held against max or min only"
        case _:
            if signal.min is not None and signal.vs_stable is not None:
                return "vsStable does not go with min: make two signals"
            if highest is not None and not 0 <= float(highest) < 1:
                return f"max must be a share of at least 0 and below 1, not {highest}"
            if lowest is not None and not 0 < float(lowest) <= 1:
                return f"min must be a share above 0 and at most 1, not {lowest}"
    return None
