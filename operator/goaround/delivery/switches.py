"""The kill switches in sight, and those that vanished and still hold.

It remembers a vanished switch only as long as some feature has no newer decision than the one that
recorded its kill. It refuses to judge: what a switch means is for `KillView`.
"""

from collections.abc import Iterable

from goaround.api.kinds import AIFeature, AIKillSwitch
from goaround.delivery.flagset import FeatureKey, KillView


class Switches:
    """Kill switches by namespace and name."""

    def __init__(self) -> None:
        self._live: dict[FeatureKey, AIKillSwitch] = {}
        self._vanished: dict[str, KillView] = {}

    def views(self, namespace: str) -> tuple[KillView, ...]:
        live = (KillView(s) for s in self._live.values() if s.metadata.namespace == namespace)
        held = (v for v in self._vanished.values() if v.switch.metadata.namespace == namespace)
        return (*live, *held)

    def live(self) -> tuple[FeatureKey, ...]:
        return tuple(self._live)

    def put(self, switch: AIKillSwitch) -> tuple[AIKillSwitch, ...]:
        """Stores it; returns what changed: nothing, or this and whatever had its name before."""
        before = self._live.get(switch.key)
        if before == switch:
            return ()
        self._live[switch.key] = switch
        if before is None or before.metadata.uid == switch.metadata.uid:
            return (switch,)
        self._remember(before)
        return (switch, before)

    def remove(self, key: FeatureKey) -> tuple[AIKillSwitch, ...]:
        before = self._live.pop(key, None)
        if before is None:
            return ()
        self._remember(before)
        return (before,)

    def _remember(self, switch: AIKillSwitch) -> None:
        if switch.status.latched_revision is not None:
            self._vanished[switch.metadata.uid] = KillView(switch, vanished=True)

    def forget_spent(self, features: Iterable[AIFeature]) -> None:
        """Drops the vanished switches that hold none of `features`, which must be all there are."""
        if not self._vanished:
            return
        everything = tuple(features)
        self._vanished = {
            uid: view
            for uid, view in self._vanished.items()
            if any(view.holds(feature) for feature in everything)
        }
