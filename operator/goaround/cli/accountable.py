"""What people answer for beside a feature, as rows of the binder's page: name and text.

Decides the words only; whoever prints them makes the text harmless.
"""

from collections.abc import Iterator

from goaround.api.accountability import Checkpoint
from goaround.api.feature import AIFeatureSpec
from goaround.rollout.accountable import unchecked

BEFORE = {
    Checkpoint.USER: "before it reaches users",
    Checkpoint.ACTION: "before it triggers anything",
}


def rows(spec: AIFeatureSpec) -> Iterator[tuple[str, str]]:
    """Only what was stated, and neighbours that nobody checks."""
    if (rule := spec.regulatory) is not None:
        yield "Sector", ", ".join((rule.sector, *rule.regimes))
        yield "Talks to the regulator", rule.contact or "nobody is named"
    if (review := spec.human_review) is not None:
        yield "Human review", f"{review.domain}, {BEFORE[review.before]}"
    if (book := spec.runbook) is not None:
        at = book.reviewed_at
        yield "Runbook", f"{book.link}, {f'reviewed {at:%Y-%m-%d}' if at else 'never reviewed'}"
    asked = spec.preflight
    for waiver in asked.waivers if asked is not None else ():
        yield "No contract check", f"{waiver.neighbour}: {waiver.reason}"
    if gaps := unchecked(spec):
        yield "Neither check nor waiver", ", ".join(gaps)
