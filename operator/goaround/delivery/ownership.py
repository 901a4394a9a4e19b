"""Who owns each flag key, kept up to date feature by feature.

It decides as `key_owners` does for all features at once, but looks only at those that a change can
concern: whoever claims the same keys, and whoever shares a key with these. Pure memory.
"""

from collections.abc import Iterable, Mapping

from goaround.api.kinds import AIFeature
from goaround.delivery.flagset import FeatureKey, key_owners, wanted_keys

FlagKey = tuple[str, str]
"""Namespace and key."""


class Ownership:
    """Features by the flag keys that they claim."""

    def __init__(self) -> None:
        self._features: dict[FeatureKey, AIFeature] = {}
        self._claimants: dict[FlagKey, dict[FeatureKey, None]] = {}
        self._owners: dict[FlagKey, FeatureKey] = {}

    @property
    def owners(self) -> Mapping[FlagKey, FeatureKey]:
        """Who owns each key that is claimed; a key of which every claimant lost another one is
        nobody's."""
        return self._owners

    def put(self, feature: AIFeature) -> set[FeatureKey]:
        """A new feature, or a known one that claims otherwise. Returns who won or lost a key."""
        stale = self._withdrawn(feature.key)
        self._features[feature.key] = feature
        for flag in _claims(feature):
            self._claimants.setdefault(flag, {})[feature.key] = None
        return self._settled({*stale, *_claims(feature)})

    def remove(self, key: FeatureKey) -> set[FeatureKey]:
        """The feature is gone. Returns who won or lost a key."""
        return self._settled(self._withdrawn(key))

    def _withdrawn(self, key: FeatureKey) -> set[FlagKey]:
        feature = self._features.pop(key, None)
        claimed = set(_claims(feature)) if feature is not None else set()
        for flag in claimed:
            del self._claimants[flag][key]
            if not self._claimants[flag]:
                del self._claimants[flag]
        return claimed

    def _settled(self, flags: set[FlagKey]) -> set[FeatureKey]:
        """Decide these keys anew, and all that hang together with them."""
        tied, rivals = self._tied(flags)
        owners = key_owners(rivals)
        before = {flag: self._owners.pop(flag, None) for flag in tied}
        self._owners |= owners
        return {
            one
            for flag, owner in before.items()
            if owner != owners.get(flag)
            for one in (owner, owners.get(flag))
            if one in self._features
        }

    def _tied(self, flags: Iterable[FlagKey]) -> tuple[set[FlagKey], list[AIFeature]]:
        """The keys, with all that their claimants claim, and so on; and those claimants."""
        tied, left = set(flags), list(flags)
        rivals: dict[FeatureKey, AIFeature] = {}
        while left:
            for key in self._claimants.get(left.pop(), ()):
                if key not in rivals:
                    rivals[key] = self._features[key]
                    more = [f for f in _claims(rivals[key]) if f not in tied]
                    tied.update(more)
                    left += more
        return tied, list(rivals.values())


def _claims(feature: AIFeature) -> tuple[FlagKey, ...]:
    namespace = feature.metadata.namespace
    return tuple((namespace, flag) for flag in wanted_keys(feature))
