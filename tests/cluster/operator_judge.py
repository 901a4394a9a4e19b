"""A judge of answers in the operator's cluster tests: its scores as sum, count and buckets."""

from collections.abc import Iterator, Mapping
from typing import Final

Scores = Mapping[tuple[tuple[str, str], str, float], float]
"""How often, by feature, arm and score."""

BOUNDS: Final = tuple(f"{n / 10:g}" for n in range(1, 11))


def around(mean: float | None) -> tuple[float, ...]:
    """The scores that a judge gives equally often to have this mean; none without a judge."""
    return () if mean is None else (round(mean - 0.05, 3), round(mean + 0.05, 3))


def judged(scores: Scores) -> Iterator[str]:
    """Lines of the metrics page."""
    for feature, arm in {(f, arm) for f, arm, _ in scores}:
        counts = {
            score: int(count)
            for (other, name, score), count in scores.items()
            if (other, name) == (feature, arm)
        }
        pins = f'namespace="{feature[0]}",ai_feature="{feature[1]}",ai_variant="{arm}"'
        total = sum(score * count for score, count in counts.items())
        yield f"ai_judge_score_sum{{{pins}}} {total}"
        yield f"ai_judge_score_count{{{pins}}} {sum(counts.values())}"
        for le in (*BOUNDS, "+Inf"):
            below = sum(count for score, count in counts.items() if score <= float(le))
            yield f'ai_judge_score_bucket{{{pins},le="{le}"}} {below}'
