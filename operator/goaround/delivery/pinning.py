"""Pinned traffic on the flag plane: which features wait for a golden run, and with which words.

Decides when a flag knows a pin: while status says that its attempt is in pre-flight, or that an
incident has it reproduced, and only the pin of that very attempt. It reads no Secret itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from goaround.api import names
from goaround.api.kinds import AIFeature
from goaround.api.reasons import Stage
from goaround.delivery.flagpins import Pinned
from goaround.delivery.flagset import FeatureKey


@dataclass(frozen=True, slots=True)
class Wanted:
    """A Secret that a feature waits for, and whose pin it must be."""

    secret: str
    owner: str


@dataclass(slots=True)
class PinBook:
    """The pins known to one replica."""

    _wanted: dict[FeatureKey, Wanted] = field(default_factory=dict)
    _known: dict[FeatureKey, tuple[Wanted, Pinned]] = field(default_factory=dict)

    def see(self, feature: AIFeature) -> Pinned | None:
        """Take note of what a feature wants now; its pin, where that is known."""
        wanted = _wanted(feature)
        if wanted is None:
            self.forget(feature.key)
            return None
        self._wanted[feature.key] = wanted
        known = self._known.get(feature.key)
        return known[1] if known is not None and known[0] == wanted else None

    def forget(self, key: FeatureKey) -> None:
        self._wanted.pop(key, None)
        self._known.pop(key, None)

    def missing(self) -> Mapping[FeatureKey, Wanted]:
        """What is waited for and not known yet."""
        return {
            key: wanted
            for key, wanted in self._wanted.items()
            if key not in self._known or self._known[key][0] != wanted
        }

    def learn(self, key: FeatureKey, wanted: Wanted, pinned: Pinned) -> bool:
        """Keep a pin; False where the feature does not wait for it any more."""
        if self._wanted.get(key) != wanted:
            return False
        self._known[key] = wanted, pinned
        return True


def _wanted(feature: AIFeature) -> Wanted | None:
    status, flown = feature.status, feature.status.candidate
    pinned, again = status.preflight, status.reproducing
    if flown is not None and again is not None and again.digest == flown.digest:
        owner = names.pin_of(feature.metadata.uid, flown.digest, flown.attempt)
        return Wanted(again.pin, owner) if status.stage == Stage.ROLLED_BACK else None
    if status.stage != Stage.PREFLIGHT or flown is None or pinned is None or pinned.pin is None:
        return None
    owner = names.pin_of(feature.metadata.uid, flown.digest, flown.attempt)
    return Wanted(pinned.pin, owner)
