"""The gate on the way up: what must be true before anything goes up again.

Pure rules whose verdicts stand in status. It never stands in the way down.
"""

from collections.abc import Sequence

from goaround.api.status import GateRule, KillSource


def gate(sources: Sequence[KillSource]) -> list[GateRule]:
    """Every rule with its verdict and what would open it."""
    return [_no_kill_source(sources)]


def is_open(rules: Sequence[GateRule]) -> bool:
    return all(r.open for r in rules)


def _no_kill_source(sources: Sequence[KillSource]) -> GateRule:
    if not sources:
        return GateRule(name="no-kill-source", open=True, reason="nothing says killed")
    named = ", ".join(f"{s.kind} {s.name}" for s in sources)
    return GateRule(name="no-kill-source", open=False, reason=f"delete or disengage {named}"[:512])
