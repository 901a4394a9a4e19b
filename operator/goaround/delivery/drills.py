"""Whether a drill switch in sight still means a feature.

It ends by what the operator says of it, never by a clock of the replica. It does not reach golden
runs: the fallback would answer them.
"""

from goaround.api.kinds import AIFeature, AIKillSwitch
from goaround.api.reasons import Stage


def means(switch: AIKillSwitch, feature: AIFeature) -> bool:
    """True for what is no drill."""
    if not switch.spec.drill:
        return True
    known = feature.status.kill_switch
    over = known is not None and switch.held(known.last_drill)
    return not over and switch.status.ended_at is None and feature.status.stage != Stage.PREFLIGHT
