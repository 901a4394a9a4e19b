"""How users should be divided at the step in force, and what is said when they are not.

Decides which windows may be asked about the split at all, and from when on a candidate's requests
are its own. The statistics stand in `evidence`.
"""

from dataclasses import dataclass

from goaround.api.feature import BucketBy
from goaround.api.kinds import AIFeature
from goaround.api.reasons import EventReason, Reason
from goaround.evidence.sample_ratio import INDEPENDENT, STICKY, Ratio

RATIO = ".ratio"
"""Where status keeps what is known of the split; starts with a dot, as no signal does."""


LEAVES = {
    EventReason.SUPERSEDED,
    EventReason.ROLLED_BACK,
    EventReason.INCONCLUSIVE,
    EventReason.SIGN_OFF_REJECTED,
}
"""With these a candidate leaves, and its variant is free for the next one."""


@dataclass(frozen=True, slots=True)
class Division:
    """How users are divided at the present step: `weight` is the candidate's share of what it has
    together with stable. settled: unix seconds from which on windows know of no other weight. odds:
    what the share may be off by."""

    step_began: float
    settled: float
    weight: float
    odds: float


def division(feature: AIFeature, scrape: float) -> Division | None:
    """How users are divided now; None where there is no stable arm to divide them with. scrape:
    seconds by which a counter may be older than the instant it is read at."""
    split, step = feature.status.split, feature.status.step
    if step is None or not split.candidate or not split.stable:
        return None
    began = step.since.timestamp()
    drawn = feature.spec.flag.bucket_by is BucketBy.REQUEST
    return Division(
        step_began=began,
        settled=began + scrape,
        weight=split.candidate / (split.candidate + split.stable),
        odds=INDEPENDENT if drawn else STICKY,
    )


def its_own_from(feature: AIFeature, scrape: float) -> float:
    """From when on (unix seconds) all that is counted as the candidate is the one that flies now:
    the last errors of the one before it must not be booked to it. scrape: as in `division`."""
    status = feature.status
    began = status.step.since if status.step is not None else None
    left = [t.at for t in status.history if t.reason in LEAVES and began and t.at <= began]
    return left[-1].timestamp() + scrape if left else 0.0


def mismatch(feature: AIFeature, ratio: Ratio) -> str | None:
    """What is wrong with the split, its likely causes and what to do; None while nothing is proven.

    It tells the numbers of the proof, not the newest ones: a text that counts would be written at
    every look.
    """
    if ratio.proven_at is None:
        return None
    split, (share, requests) = feature.status.split, ratio.told
    return (
        f"{Reason.SAMPLE_RATIO_MISMATCH}: {share:.1%} of {requests:,.0f} split requests reached "
        f"the candidate, {split.candidate} % are configured, so the arms cannot be compared. "
        "Likely causes: requests without targeting key counted as an arm, retries of one arm, a "
        "second router, flags cached by apps. Mend it; the flight goes on when the share is right"
    )
