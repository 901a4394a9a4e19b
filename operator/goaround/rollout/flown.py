"""The plan that a flight keeps to: steps and acceptance of the ramp that it was given at take-off.

Refuses to choose the ramp (`profile.py` does), and to loosen anything: the re-enable ramp only
tests more strictly.
"""

from goaround.api.acceptance import Signal
from goaround.api.bounds import VsStable
from goaround.api.feature import AIFeatureSpec, RampStep
from goaround.api.kinds import AIFeature
from goaround.api.status import Candidate
from goaround.rollout.moves import in_flight
from goaround.rollout.tightened import tightened

STRICT_ALPHA = "0.05"


def steps_of(spec: AIFeatureSpec, flown: Candidate | None) -> list[RampStep]:
    """The steps of this flight."""
    slow = flown is not None and flown.re_enables is not None
    return spec.ramp.reenable if slow else spec.ramp.steps


def least_seconds(spec: AIFeatureSpec, flown: Candidate) -> int:
    """How long the flight takes at least, with one step's deadline to spare."""
    held = sum(step.hold_seconds for step in steps_of(spec, flown)[:-1])
    return held + spec.ramp.cruise_seconds + spec.ramp.step_deadline_seconds


def as_flown(feature: AIFeature) -> AIFeature:
    """The feature with the plan that its flight keeps to, for whoever judges it: on the re-enable
    ramp those steps, and harm tested with tolerance 0 at alpha 0.05 (design.md 5). What must be
    ruled out before a climb stays as it is."""
    feature = tightened(feature)
    flown, spec = feature.status.candidate, feature.spec
    if flown is None or flown.re_enables is None or not in_flight(feature.status):
        return feature
    acceptance = spec.acceptance.but(
        alpha=max(spec.acceptance.alpha, STRICT_ALPHA, key=float),
        signals=[_strict(s) for s in spec.acceptance.signals],
    )
    ramp = spec.ramp.but(steps=steps_of(spec, flown))
    return feature.but(spec=spec.but(ramp=ramp, acceptance=acceptance))


def _strict(signal: Signal) -> Signal:
    bound = signal.vs_stable
    return signal if bound is None else signal.but(vs_stable=_without_tolerance(bound))


def _without_tolerance(bound: VsStable) -> VsStable:
    """Nothing worse is allowed; the margins are those that the tolerance stood for."""
    tolerated, factor = float(bound.worse_by or 0), float(bound.worse_by_factor or 1)
    return bound.but(
        worse_by="0",
        reject_at=bound.reject_at or f"{min(2 * tolerated, 1.0):.9f}",
        worse_by_factor=None,
        reject_at_factor=bound.reject_at_factor or f"{factor * factor:.6f}",
    )
