"""A live signal against its baseline, for ever: when it is proven to be worse, and when that ends.

Decides where an episode begins and ends. Each proof begins the detectors anew, so that the episode
stands until health is proven since the last one, and the next one can be found. Refuses to know
what follows from it. A replay from the same state gives the same state.
"""

from dataclasses import dataclass, replace

from goaround.evidence import live, vs_baseline
from goaround.evidence.judge import Breach, Judgement, Verdict, Window, report
from goaround.evidence.live import Detector
from goaround.evidence.vs_baseline import DETECTION, Comparison


@dataclass(frozen=True, slots=True)
class Alarm:
    """One comparison under watch. detectors: as of `live`. per_year: false alarms that all bounds
    of its budget may cause. level: e-value of health that ends an episode. since: end of the window
    that proved the present one, unix seconds. line: its last proof; started: where that trouble
    began, unix seconds; exposed: requests in it."""

    about: Comparison
    detectors: tuple[Detector, ...]
    per_year: float
    level: float
    since: int | None = None
    line: str = ""
    started: int | None = None
    exposed: float = 0.0

    @property
    def name(self) -> str:
        """That of its test."""
        return self.about.test.signal

    @property
    def last_t(self) -> int:
        """Windows up to here are consumed."""
        return min(state.last_t for d in self.detectors for state in d.states)


def begun(about: Comparison, start: int, *, per_year: float, level: float) -> Alarm:
    """A watch whose first window begins at `start`, a grid instant."""
    return Alarm(about, _anew(about, start), per_year, level)


def advanced(alarm: Alarm, window: Window) -> Alarm:
    """After one window; one that was consumed before changes nothing."""
    test = alarm.about.test
    if window.end <= alarm.last_t:
        return alarm
    windows = {test.signal: window}
    moved = tuple(live.advanced([test], detector, windows) for detector in alarm.detectors)
    alarm = replace(alarm, detectors=moved)
    if (proof := next((d for d in moved if _breach(alarm, d).breached), None)) is not None:
        told = _told(alarm, proof)
        return replace(
            alarm,
            detectors=_anew(alarm.about, window.end),
            since=alarm.since if alarm.since is not None else window.end,
            line=told.line,
            started=told.started,
            exposed=proof.states[0].run.arm.total,
        )
    if alarm.since is not None and any(_is_good(alarm, d) for d in moved):
        return replace(alarm, since=None, line="", started=None)
    return alarm


def judged(alarm: Alarm, *, readable: bool = True, reason: str = "") -> Judgement:
    """What it says now: `Bad` for as long as an episode stands, with the line that proved it."""
    elder = min(alarm.detectors, key=lambda d: d.began)
    told = _told(alarm, elder, readable=readable, reason=reason)
    if alarm.since is None:
        return told
    return replace(told, verdict=Verdict.BAD, line=alarm.line or told.line, started=alarm.started)


def _breach(alarm: Alarm, detector: Detector) -> Breach:
    return live.judged([alarm.about.test], detector, alarm.per_year * DETECTION)


def _is_good(alarm: Alarm, detector: Detector) -> bool:
    return _told(alarm, detector).verdict is Verdict.GOOD


def _told(
    alarm: Alarm, detector: Detector, *, readable: bool = True, reason: str = ""
) -> Judgement:
    test, (state,) = alarm.about.test, detector.states
    breach = _breach(alarm, detector)
    found = report(test, state, breach, level=alarm.level, readable=readable, reason=reason)
    return replace(found, line=vs_baseline.explained(alarm.about, found.line))


def _anew(about: Comparison, start: int) -> tuple[Detector, ...]:
    return tuple(live.begun([about.test], which, start) for which in range(live.DETECTORS))
