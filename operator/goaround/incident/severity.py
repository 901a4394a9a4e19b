"""Which severity an automatic incident gets: one table of rules, first match wins.

Safety → P1; a weight of 50 % or more, exposure over its limit, or a release past its ramp → P2; no
proof of harm → P4; else P3.
"""

from goaround.api.incident import Severity
from goaround.api.reasons import Stage
from goaround.api.status import Latch, LatchCause

PAST_RAMP = {Stage.CRUISING, Stage.LIVE}
MANY_USERS = 50


def severity(latch: Latch, exposure_limit: int | None) -> tuple[Severity, str]:
    """The severity and the rule that gave it."""
    if latch.cause is LatchCause.NO_PROOF:
        return Severity.P4, "no proof of harm: it came back because nothing could be proven"
    if latch.cause is LatchCause.REFUSED:
        return Severity.P4, "a person rejected it: no harm was proven"
    if latch.cause is LatchCause.ABORTED:
        return Severity.P4, "a person aborted it: no harm was proven"
    if latch.cause is LatchCause.OUTAGE:
        return Severity.P2, "both arms are worse than the bound: an outage that no release caused"
    if latch.layer == "Safety":
        return Severity.P1, f"a signal of layer Safety was breached: {latch.signal}"
    if latch.stage in PAST_RAMP:
        return Severity.P2, f"the release was {latch.stage} at {latch.weight} % of users"
    if latch.weight >= MANY_USERS:
        return Severity.P2, f"{latch.weight} % of users were on the release (50 % or more)"
    exposed = latch.exposed_requests or 0
    if exposure_limit is not None and exposed > exposure_limit:
        return Severity.P2, f"{exposed} requests were exposed (limit {exposure_limit})"
    return Severity.P3, f"{latch.weight} % of users were on the release (below 50 %)"
