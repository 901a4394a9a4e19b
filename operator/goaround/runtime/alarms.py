"""The alarms of a live release between passes: one for each signal with a baseline.

Decides which go on when what is asked changes, and how status keeps them. When an episode began
stands in `status.baselines`; the rest is opaque beside the evidence. Reads no clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from goaround.api.kinds import AIFeature
from goaround.evidence import alarm, live
from goaround.evidence.alarm import Alarm
from goaround.evidence.judge import TestState, Window
from goaround.evidence.live import Detector
from goaround.evidence.plan import owner_of, signal_of
from goaround.evidence.state import StateUnreadable, pack, unpack
from goaround.evidence.vs_baseline import Comparison
from goaround.runtime.flight import AHEAD_SECONDS
from goaround.runtime.memory import folded, unfolded

KEPT = ".live"
SEPARATOR = "|"
LONGEST_LINE = 400

Alarms = Mapping[str, Alarm]
"""By name of test."""


def wanted(
    asked: Sequence[Comparison],
    known: Alarms,
    feature: AIFeature,
    *,
    begins: Mapping[str, int],
    now: float,
) -> dict[str, Alarm]:
    """The alarms that are asked for: those that are known go on, others as status has them, or from
    `begins` on (by reading, grid instants); never in the time of their own sample."""
    found: dict[str, Alarm] = {}
    for about in asked:
        name = about.test.signal
        goes_on = name in known and known[name].about == about
        begin = begins[signal_of(name)]
        found[name] = known[name] if goes_on else _recalled(about, feature, begin, now)
    return found


def advanced(known: Alarms, windows: Mapping[str, Window]) -> dict[str, Alarm]:
    """After one instant; windows by reading."""
    return {
        name: alarm.advanced(one, windows[signal_of(name)]) if signal_of(name) in windows else one
        for name, one in known.items()
    }


def read_to(known: Alarms) -> dict[str, int]:
    """Up to where each reading is consumed, unix seconds."""
    return {signal_of(name): one.last_t for name, one in known.items()}


def packed(known: Alarms) -> list[tuple[str, str]]:
    """Names and texts for status."""
    return [(name + KEPT, _packed(one)) for name, one in known.items()]


def _packed(one: Alarm) -> str:
    states = [folded(pack(state)) for d in one.detectors for state in d.states]
    started = str(one.started) if one.started is not None else ""
    return SEPARATOR.join([*states, started, one.line[:LONGEST_LINE]])


def _recalled(about: Comparison, feature: AIFeature, begins: int, now: float) -> Alarm:
    spec, name, interval = feature.spec, about.test.signal, about.test.interval
    start = max(begins, -(-about.sample.ended // interval) * interval)
    new = alarm.begun(
        about,
        start,
        per_year=spec.watch.false_fallbacks_per_year,
        level=1 / float(spec.acceptance.beta),
    )
    text = next((e.state for e in feature.status.evidence if e.name == name + KEPT), None)
    # what sends a release back is proven again by whoever takes over, never taken on trust
    since = _since(feature, owner_of(name)) if not about.acts else None
    if text is None:
        return replace(new, since=since)  # it had no room; the episode stands nevertheless
    try:
        return replace(_read(new, text, range(begins, int(now + AHEAD_SECONDS))), since=since)
    except (StateUnreadable, ValueError):
        return new


def _read(new: Alarm, text: str, usable: range) -> Alarm:
    """Raises StateUnreadable or ValueError."""
    *states, started, line = text.split(SEPARATOR, live.DETECTORS + 1)
    found = tuple(
        Detector(which, (_state(new, which, state, usable),))
        for which, state in zip(range(live.DETECTORS), states, strict=True)
    )
    return replace(new, detectors=found, started=int(started) if started else None, line=line)


def _state(new: Alarm, which: int, text: str, usable: range) -> TestState:
    """A state that is older than what is read again, or of the future, says nothing."""
    state = unpack(new.about.test, unfolded(text))
    return state if state.last_t in usable else new.detectors[which].states[0]


def _since(feature: AIFeature, signal: str) -> int | None:
    known = next((b for b in feature.status.baselines if b.name == signal), None)
    if known is None or known.worse_since is None:
        return None
    return int(known.worse_since.timestamp())
