"""What `goaround lint` warns of: choices that are allowed, and that people tend to regret.

Decides what is risky; every warning says why, and what else to write. Refuses nothing.
"""

from collections.abc import Iterator
from typing import Final

from goaround.api.base import Json
from goaround.api.feature import AIFeatureSpec, Mode
from goaround.api.kinds import AIFeature, Served
from goaround.cli.cel import CelError, evaluate

LARGE_FIRST_STEP: Final = 25
LOOSE_ALPHA: Final = 0.05
SLOW_INTERVAL: Final = 60
MOVING: Final = ("main", "master", "stable", "current", "prod", "newest")
NOT_IN_GIT: Final = {
    "AIKillSwitch": "its presence kills, and a sync would bring it back: create it by hand",
    "AISignOff": "it is a person's decision on one attempt, and a robot's is refused",
}


def of_object(body: Json, served: Served) -> list[str]:
    """Rules about the object as a whole that it breaks."""
    found: list[str] = []
    for rule in served.object_rules:
        try:
            kept = evaluate(str(rule["rule"]), body)
        except CelError:
            kept = True  # a name that is missing is told elsewhere
        if not kept:
            found.append(str(rule["message"]))
    return found


def misplaced(kind: str) -> list[str]:
    """Kinds that do not belong into a file that a pipeline applies."""
    return [f"keep it out of Git: {NOT_IN_GIT[kind]}"] if kind in NOT_IN_GIT else []


def risky(feature: AIFeature) -> list[str]:
    """All warnings about a feature that is valid."""
    spec = feature.spec
    return [*_switched(spec), *_ramp(spec), *_acceptance(spec), *_release(spec)]


def _switched(spec: AIFeatureSpec) -> Iterator[str]:
    if spec.mode is Mode.OBSERVE:
        yield "mode Observe moves nothing, nor do kill switches act: take it out to be protected"
    if spec.kill_switch is not None and spec.kill_switch.engaged:
        yield "killSwitch.engaged is true: the fallback serves everybody as long as Git says so"
    if spec.suspend:
        yield "suspend is true: nothing goes up as long as Git says so"
    if spec.rollback_to is not None:
        yield "rollbackTo is set: spec.release does not fly until it is taken out"


def _ramp(spec: AIFeatureSpec) -> Iterator[str]:
    steps = spec.ramp.steps
    if len(steps) == 1:
        yield "ramp.steps has one step: everybody gets a release that nobody has tried"
    elif steps[0].weight_percent > LARGE_FIRST_STEP:
        yield (
            f"ramp.steps begins with {steps[0].weight_percent} %: so many users meet a bad release "
            "first; 10 finds the same harm a little later"
        )
    held = sum(step.hold_seconds for step in steps[:-1])
    if held + spec.ramp.cruise_seconds > spec.ramp.deadline_seconds:
        yield (
            f"ramp.deadlineSeconds {spec.ramp.deadline_seconds} is shorter than the holds and the "
            f"cruise ({held + spec.ramp.cruise_seconds} s): no release can land"
        )
    if spec.ramp.interval_seconds > SLOW_INTERVAL:
        yield (
            f"ramp.intervalSeconds {spec.ramp.interval_seconds}: harm is proven at ends of windows "
            "only, so it is found that much later; the default is 10"
        )


def _acceptance(spec: AIFeatureSpec) -> Iterator[str]:
    wanted = spec.acceptance
    if float(wanted.alpha) > LOOSE_ALPHA:
        yield f"acceptance.alpha {wanted.alpha}: so large a share of good releases is sent back"
    if not any(s.max is not None or s.min is not None or s.preset for s in wanted.signals):
        yield (
            "no signal has max or min: nothing is watched once it is Live, nor without a stable "
            "release to compare with; give at least one an absolute bound"
        )
    for signal in wanted.signals:
        if signal.max is not None and signal.ratio is not None and float(signal.max) >= 0.5:
            yield (
                f"signal {signal.name}: max {signal.max} is a share, so that half of all answers "
                "may be bad; write 0.02 for 2 %"
            )


def _release(spec: AIFeatureSpec) -> Iterator[str]:
    release = spec.release
    for name in ("model", "prompt", "index"):
        part = getattr(release, name, None)
        version = str(getattr(part, "version", None) or "")
        if version.lower() in MOVING:
            yield (
                f"release.{name}.version {version!r} is a word that moves: the digest stays the "
                "same when the content changes; name a version"
            )
