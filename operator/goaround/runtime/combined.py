"""Tests that are combined into one decision: what they know, and the breach as it stands.

Moves them window by window. Decides neither which tests there are nor what follows from a breach.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from goaround.evidence.judge import (
    Breach,
    TestSpec,
    TestState,
    Window,
    advance,
    combine,
    new_state,
)
from goaround.evidence.plan import signal_of


@dataclass(slots=True)
class Tests:
    """Tests that are combined into one decision. proven_end: end of the window that decided it."""

    specs: tuple[TestSpec, ...]
    states: tuple[TestState, ...]
    alpha: float
    breach: Breach | None = field(init=False, default=None)
    proven_end: int | None = None

    def __post_init__(self) -> None:
        self._combine()

    @property
    def pairs(self) -> list[tuple[TestSpec, TestState]]:
        return list(zip(self.specs, self.states, strict=True))

    def advance(
        self, windows: Mapping[str, Window], *, step_began: float, idle: Collection[str] = ()
    ) -> None:
        """One instant, by signal; tests named in `idle` sit it out."""
        self.states = tuple(
            advance(spec, state, window, step_began=step_began)
            if (window := windows.get(signal_of(spec.signal))) and spec.signal not in idle
            else state
            for spec, state in self.pairs
        )
        self._combine()

    def renew(self, names: Collection[str], at: int, step_began: float) -> None:
        """These tests begin at `at`, without a past but what was measured before the flight."""
        self.states = tuple(
            new_state(spec, at, step_began, phi_w=state.phi_w) if spec.signal in names else state
            for spec, state in self.pairs
        )
        self._combine()

    def measured(self, phi_w: Mapping[str, float]) -> None:
        """Clustering within one poll, by reading, for tests that have not begun to bet."""
        self.states = tuple(
            replace(state, phi_w=max(state.phi_w, phi_w.get(signal_of(spec.signal), 1.0)))
            if state.windows == 0
            else state
            for spec, state in self.pairs
        )

    def _combine(self) -> None:
        if self.specs:
            self.breach = combine(self.specs, self.states, self.alpha)
