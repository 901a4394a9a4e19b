"""The scale of a score: between badness in [0, 1], which tests judge, and the unit people know.

Decides how a mean is written. Refuses to judge one.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """lowest, highest: the ends of the scale, in the score's unit. bucketed: a histogram tells the
    spread of scores, so that sums of squares come with the counts; else sums stand for them."""

    lowest: float
    highest: float
    lower_is_worse: bool
    bucketed: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.highest - self.lowest) and self.lowest < self.highest):
            raise ValueError(f"{self.lowest} to {self.highest} is no scale")

    def score(self, badness: float) -> float:
        """The score of this badness, which is 0 at the best end and 1 at the worst."""
        return (
            self.highest - self.width * badness
            if self.lower_is_worse
            else self.lowest + self.width * badness
        )

    @property
    def width(self) -> float:
        return self.highest - self.lowest
