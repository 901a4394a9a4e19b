"""Whether users are divided as configured: the observed share of the candidate against its weight.

Decides when a mismatch is proven, and when it is proven to be over. Refuses to blame a release: a
wrong share says that the arms are not comparable, not which of them is worse. Outside alpha.

A binomial mixture: the bets of six alternatives on either side of a tolerance, from totals alone,
so that P(ever >= 1/LEVEL | the share is within tolerance) <= LEVEL at whatever stopping time.
"""

import base64
import binascii
import math
import struct
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from goaround.evidence import acceptance, bets, detector

LAYOUT: Final = struct.Struct("<dddqdd")
LEVEL: Final = 1e-3
OVER: Final = 0.05

STICKY: Final = 1.5
INDEPENDENT: Final = 1.1
"""Odds by which the share may differ from the weight. Users who stick to an arm are of unequal
activity: with 2,000 of them the share of a 10 % arm has a standard deviation of about a tenth of
itself, for ever, and of a fifth where a few are very active. Requests drawn one by one have none;
what is left there is for retries. As the mildest alternative is 1.4 times the tolerance, what is
off by less than about 1.2 times the tolerance is not seen, however long it lasts."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """What is known of the split of one step.

    step_began: unix seconds, its identity. candidate, stable: requests since it began, or since
    the mismatch was last proven. proven_at: end of the window that first proved it (unix seconds).
    told: share and requests at that time.
    """

    step_began: float = 0.0
    candidate: float = 0.0
    stable: float = 0.0
    proven_at: int | None = None
    told: tuple[float, float] = (0.0, 0.0)

    @property
    def share(self) -> float:
        requests = self.candidate + self.stable
        return self.candidate / requests if requests else 0.0


def counted(ratio: Ratio, end: int, arms: tuple[float, float], weight: float, odds: float) -> Ratio:
    """After one window that lies wholly inside the step. arms: requests of candidate and stable.
    weight: configured share of the candidate among both, 0 < weight < 1. odds: tolerance."""
    candidate, stable = arms
    now = replace(ratio, candidate=ratio.candidate + candidate, stable=ratio.stable + stable)
    if candidate <= 0 or stable <= 0:
        return now  # an arm that is silent is another matter, and has a limit of its own
    if mismatch(now, weight, odds) >= -math.log(LEVEL):
        told = (now.share, now.candidate + now.stable) if now.proven_at is None else now.told
        # from here on afresh, so that the old requests do not hide that it is mended
        return Ratio(now.step_began, proven_at=now.proven_at or end, told=told)
    if now.proven_at is not None and match(now, weight, odds) >= -math.log(OVER):
        return Ratio(now.step_began)
    return now


def mismatch(ratio: Ratio, weight: float, odds: float) -> float:
    """ln of the e-value against "the odds are within the tolerance"; half of the stake on each
    side."""
    high = _log_e(ratio.candidate, ratio.stable, _boundary(weight, odds))
    low = _log_e(ratio.stable, ratio.candidate, _boundary(1 - weight, odds))
    return float(np.logaddexp(high, low) - math.log(2))


def match(ratio: Ratio, weight: float, odds: float) -> float:
    """ln of the e-value against "the odds are off by the tolerance squared or more"; the smaller
    of both sides, since both must be ruled out."""
    requests = ratio.candidate + ratio.stable
    if requests <= 0:
        return 0.0
    sides = ((ratio.candidate, weight), (ratio.stable, 1 - weight))
    return min(
        float(bets.one_sample(got, requests, _boundary(share, odds**2), share))
        for got, share in sides
    )


def _log_e(more: float, less: float, boundary: float) -> float:
    worse = detector.alternatives(boundary)
    return float(detector.log_sum(bets.one_sample(more, more + less, boundary, worse)))


def _boundary(share: float, odds: float) -> float:
    return float(acceptance.scaled_odds(share, odds))


def packed(ratio: Ratio) -> str:
    """For a status field; `unpacked` gives back the same bits."""
    numbers = (ratio.step_began, ratio.candidate, ratio.stable, ratio.proven_at or 0, *ratio.told)
    return base64.b64encode(LAYOUT.pack(*numbers)).decode()


def unpacked(text: str) -> Ratio:
    """A ratio that knows nothing where the text holds none."""
    try:
        began, candidate, stable, proven_at, share, requests = LAYOUT.unpack(
            base64.b64decode(text.encode("ascii"), validate=True)
        )
    except (struct.error, binascii.Error, ValueError):
        return Ratio()
    numbers = (began, candidate, stable, share, requests)
    if not all(0 <= n < math.inf for n in numbers) or proven_at < 0:
        return Ratio()
    return Ratio(began, candidate, stable, proven_at or None, (share, requests))
