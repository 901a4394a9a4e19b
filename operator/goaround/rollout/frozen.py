"""What is said of the change freeze on the feature: that it holds, by which incident, and what ends
it. Decides nothing; whether anything is held is decided in `freeze.py` and `gate.py`."""

from goaround.api import names
from goaround.api.conditions import Wanted, condition, some
from goaround.api.reasons import ConditionType, Reason
from goaround.api.status import AIFeatureStatus
from goaround.rollout.freeze import freezing
from goaround.rollout.observed import Observed


def frozen(o: Observed, after: AIFeatureStatus) -> Wanted | None:
    """`ChangeFrozen` while a grave incident is open; absent else."""
    found = [i.metadata.name for i in freezing(o)]
    if not found:
        return None
    kind, glass = ConditionType.CHANGE_FROZEN, after.break_glass
    told = f"AIIncident {some(found, 3)} is open: new releases are held; kill, rollback and a "
    told += "return to last-known-good are not"
    if glass is not None and glass.digest is not None and glass.incident in found:
        told += f"; release {glass.digest[7:19]} may pass by annotation {names.BREAK_GLASS}"
        return condition(kind, "True", Reason.GLASS_BROKEN, told)
    closed = [r for r in after.gate if not r.open]
    if not closed:
        return condition(kind, "True", Reason.GATE_OPEN, f"{told}. The gate is open: a fix may fly")
    return condition(kind, "True", Reason.CHANGE_FREEZE, f"{told}. Next: {closed[0].reason}")
