"""Whether stable does badly together with the arm that is to be blamed.

Decides if a broken absolute bound may be one fault that both arms share. Refuses to clear anybody:
it only says that blame has to wait until stable's own test, or more data, tells the two apart.
"""

import math
from typing import Final

from goaround.evidence.model import Counts, Max, Min, TestSpec, TestState

DOUBT: Final = math.log(10.0)
"""Blame waits unless "the arm alone" explains the counts ten times better than "both".

Simulated with a fault that both arms share (1 -> 20 %, limit 5 %) at 50 %, where both prove it
equally fast: without this rule 23-40 % of the runs blamed the candidate, with it 0.5-4.5 %. With
a fault of the candidate alone it costs nothing while stable is well within its limit, and one
window in the median where stable sits at it.
"""


def looks_alike(spec: TestSpec, state: TestState) -> bool:
    """Since trouble began: is one share for both arms as likely as a stable arm within its bound?

    A ratio of likelihoods at their maxima, divided by the cluster size. Never where stable had no
    bad event in that time: what is not known does not stop the way down.
    """
    limit = _limit(spec)
    if limit is None:
        return False
    run = state.run
    arms = (run.arm, run.reference) if run.arm.total else (state.arm, state.reference)
    arm, stable = (spec.harm(counts) for counts in arms)
    if stable.bad <= 0:
        return False
    both = arm + stable
    together = _log_likelihood(both, both.share)
    apart = _log_likelihood(arm, arm.share) + _log_likelihood(stable, min(stable.share, limit))
    return (together - apart) / spec.cluster_size > -DOUBT


def _limit(spec: TestSpec) -> float | None:
    """The largest share of harm that the bound allows; None where nothing can be shared."""
    match spec.bound:
        case _ if spec.hard:
            return None
        case Max(limit):
            return limit
        case Min(limit):
            return 1 - limit
        case _:
            return None


def _log_likelihood(counts: Counts, share: float) -> float:
    """ln of share^bad (1-share)^good; the share is positive where there are bad ones."""
    bad = counts.bad * math.log(share) if counts.bad else 0.0
    return bad + (counts.good * math.log1p(-share) if counts.good else 0.0)
