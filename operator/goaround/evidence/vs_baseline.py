"""A live release against its own baseline: which limit a fixed sample sets, within which budget.

Decides what a `vsBaseline` bound asks of the live counts, or why it can ask nothing. Refuses to
take a sample for the truth: a stream is bet on against a constant, and the constant is the upper
confidence limit of the baseline's share x worseByFactor + worseBy. That is Berger and Boos (P
values maximized over a confidence set for the nuisance parameter, JASA 89, 1994): the false alarms
are at most those of the test at the limit plus the chance that the limit is too low. The limit is
Chernoff's (Hoeffding 1963, theorem 1), which holds for means of anything in [0, 1], too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from goaround.api.acceptance import OnBreach, Signal, VsBaseline
from goaround.api.digest import short
from goaround.api.feature import AIFeatureSpec
from goaround.evidence import own_past
from goaround.evidence.lines import percents, whole
from goaround.evidence.model import STABLE, Counts, Max, Min, TestSpec
from goaround.evidence.plan import BASELINE, absolute, is_hard
from goaround.evidence.signal_baseline import DAY, LEAST, Sample, measured, signals_of

DETECTION: Final = 0.5
"""Part of a bound's budget that the detectors spend; the rest is for the baseline's own chance."""

DAYS: Final = 365.25
"""A release a day, each with a fresh baseline, spends the rest of a year's budget; fewer less."""

LARGEST_DOUBT: Final = 0.05


@dataclass(frozen=True, slots=True)
class Comparison:
    """One bound under test. test: of the live counts against a constant. acts: a breach sends the
    release back. words: the constant as people wrote it: `baseline 0.9% x 2`."""

    test: TestSpec
    sample: Sample
    acts: bool
    words: str


def acting_share(spec: AIFeatureSpec) -> float:
    """The part of `falseFallbacksPerYear` that is left to absolute bounds."""
    absolute_weight = _weight([s for s in spec.acceptance.signals if _is_soft(s)])
    sends_back = _weight([s for s in signals_of(spec) if acts(s)])
    return absolute_weight / (absolute_weight + sends_back) if absolute_weight else 1.0


def shares(spec: AIFeatureSpec) -> Mapping[str, float]:
    """Each bound's part of the yearly budget, by signal. Bounds that send back divide it with the
    absolute ones; those that only alert have a budget of their own, as large."""
    found = signals_of(spec)
    back, told = [s for s in found if acts(s)], [s for s in found if not acts(s)]
    left = _weight([s for s in spec.acceptance.signals if _is_soft(s)]) + _weight(back)
    return {s.name: s.budget_weight / left for s in back} | {
        s.name: s.budget_weight / _weight(told) for s in told
    }


def comparisons(
    spec: AIFeatureSpec, digest: str, samples: Mapping[str, Sample], now: float
) -> tuple[Comparison, ...]:
    """What the live release `digest` can be held against now; a bound without a usable sample asks
    nothing. now: unix seconds."""
    budget, found = shares(spec), []
    for signal in signals_of(spec):
        if _unusable(spec, signal, samples, now) is not None:
            continue
        sample, share = samples[signal.name], budget[signal.name]
        if (limit := _limit(spec, signal, sample.counts, budget)) is not None:
            found.append(_comparison(spec, signal, sample, digest, limit=limit, share=share))
    return tuple(found)


def gaps(spec: AIFeatureSpec, samples: Mapping[str, Sample], now: float) -> dict[str, str]:
    """Why bounds ask nothing, by signal: no sample, or one that is stale or says too little."""
    budget, found = shares(spec), {}
    for signal in signals_of(spec):
        why = _unusable(spec, signal, samples, now)
        if why is None and _limit(spec, signal, samples[signal.name].counts, budget) is None:
            why = "its baseline is too small to exclude anything"
        if why is not None:
            found[signal.name] = why
    return found


def doubt(per_year: float, share: float) -> float:
    """Chance that a baseline's true share lies above its confidence limit."""
    return min((1 - DETECTION) * per_year * share / DAYS, LARGEST_DOUBT)


def limit_of(sample: Counts, bound: VsBaseline, *, chance: float, cluster_size: float) -> float:
    """The share of harm that may not be exceeded; 1 and more where nothing could exceed it.

    sample: counts whose `bad` are harm. chance: see `doubt`. cluster_size: requests that fail
    together tell as much as one.
    """
    one_each = Counts(sample.total / cluster_size, sample.bad / cluster_size)
    return factor(bound) * own_past.upper(one_each, chance) + worse_by(bound)


def factor(bound: VsBaseline) -> float:
    return float(bound.worse_by_factor or 1)


def worse_by(bound: VsBaseline) -> float:
    return float(bound.worse_by or 0)


def acts(signal: Signal) -> bool:
    """Whether a breach sends the release back."""
    bound = signal.vs_baseline
    return bound is not None and bound.on_breach is OnBreach.FALL_BACK


def allowed(bound: VsBaseline) -> str:
    """` x 2 + 1 points`; nothing where it may not be worse at all."""
    times = f" x {factor(bound):g}" if factor(bound) != 1 else ""
    return times + (f" + {100 * worse_by(bound):g} points" if worse_by(bound) else "")


def explained(comparison: Comparison, line: str) -> str:
    """A line of the test (`lines`), with the baseline behind its limit: `errors.vs-baseline 3.1% >
    max 2.2% (n=5,210): …` becomes `… > baseline 0.9% x 2, at most 2.2% (n=5,210/46,800): …`."""
    is_lower = isinstance(comparison.test.bound, Min)
    head, bound, tail = line.partition(" min " if is_lower else " max ")
    edge = "at least" if is_lower else "at most"
    limit, opens, rest = tail.partition(" (n=")
    if not bound or not opens:
        return line
    live, space, after = rest.partition(")")
    seen, _, since = live.partition(" ")
    live = f"{seen}/{whole(comparison.sample.counts.total)}" + (f" {since}" if since else "")
    return f"{head} {comparison.words}, {edge} {limit} (n={live}{space}{after}"


def planned(spec: AIFeatureSpec, healthy: Mapping[str, float], rps: float) -> list[str]:
    """What each bound will see in Live: a line per signal for the flight plan. healthy: shares of
    harm by signal. rps: requests per second of a day's baseline."""
    budget, found = shares(spec), []
    for s in signals_of(spec):
        if s.vs_baseline is None or (share := healthy.get(s.name)) is None:
            continue
        day = Counts(rps * DAY, rps * DAY * share)
        limit = _limit_of_harm(spec, s, day, budget) if day.total >= LEAST else 1.0
        does = "goes back" if acts(s) else "alerts"
        low, high = percents(share, limit)
        when = f"beyond {high} of harm" if limit < 1 else "never: too few requests a day"
        found.append(
            f"{s.name} in Live {does} {when} "
            f"(baseline{allowed(s.vs_baseline)}; with a baseline of a day at {low})"
        )
    return found


def _comparison(
    spec: AIFeatureSpec,
    signal: Signal,
    sample: Sample,
    digest: str,
    *,
    limit: float,
    share: float,
) -> Comparison:
    """limit: of harm; under `min` the test asks for the share of what is not harm."""
    bound = signal.vs_baseline
    assert bound is not None
    mirrored, interval = _is_mirrored(signal), spec.watch.interval_seconds
    test = TestSpec(
        signal=signal.name + BASELINE,
        bound=Min(1 - limit) if mirrored else Max(limit),
        interval=interval,
        share=share,
        gate=False,
        cluster_size=signal.cluster_size,
        arm=STABLE,
        about=f"{digest}/{sample.measured}/{sample.began}-{sample.ended}/{acts(signal)}",
    )
    seen, _ = percents(sample.counts.share, 1 - limit if mirrored else limit)
    words = f"baseline {seen}" + (" with misses" if mirrored else "") + allowed(bound)
    return Comparison(test, sample, acts(signal), words)


def _unusable(
    spec: AIFeatureSpec, signal: Signal, samples: Mapping[str, Sample], now: float
) -> str | None:
    sample = samples.get(signal.name)
    if sample is None:
        return "it has no baseline yet"
    if sample.measured != measured(spec, signal):
        return "its baseline was measured otherwise and is taken anew"
    if sample.is_stale(now):
        ended = datetime.fromtimestamp(sample.ended, UTC)
        return (
            f"its baseline of {ended:%Y-%m-%d} ({short(sample.digest)}) is stale: fly a release, "
            "or remove the annotation goaround.dev/signal-baseline from the release's record"
        )
    if sample.counts.total < LEAST:
        return f"its baseline has {whole(sample.counts.total)} requests, {LEAST:g} are needed"
    return None


def _limit(
    spec: AIFeatureSpec, signal: Signal, counts: Counts, budget: Mapping[str, float]
) -> float | None:
    """The limit of harm, where anything can exceed it."""
    harm = counts.mirrored if _is_mirrored(signal) else counts
    found = _limit_of_harm(spec, signal, harm, budget)
    return found if found < 1 else None


def _limit_of_harm(
    spec: AIFeatureSpec, signal: Signal, harm: Counts, budget: Mapping[str, float]
) -> float:
    assert signal.vs_baseline is not None
    chance = doubt(spec.watch.false_fallbacks_per_year, budget[signal.name])
    size = float(signal.cluster_size)
    return limit_of(harm, signal.vs_baseline, chance=chance, cluster_size=size)


def _is_mirrored(signal: Signal) -> bool:
    """A share that is worse when it is lower; a mean comes as badness already."""
    return isinstance(absolute(signal), Min)


def _is_soft(signal: Signal) -> bool:
    bound = absolute(signal)
    return bound is not None and not is_hard(bound)


def _weight(signals: list[Signal]) -> float:
    return float(sum(s.budget_weight for s in signals))
