"""The texts that releases have by reference, on the flag plane: which are wanted, which are known.

Decides which release records must be read: once each, because what they hold never changes. It
reads none itself, and refuses a text that does not have the hash it is called by.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from goaround.api import names
from goaround.api.content import hash_of
from goaround.api.kinds import AIFeature
from goaround.delivery.flagset import FeatureKey
from goaround.delivery.flagvalues import Texts

RecordKey = tuple[str, str]
"""Namespace and name of a release record."""


@dataclass(slots=True)
class TextBook:
    """The texts known to one replica."""

    _wanted: dict[FeatureKey, dict[RecordKey, frozenset[str]]] = field(default_factory=dict)
    _known: dict[FeatureKey, dict[str, str]] = field(default_factory=dict)
    _missing: dict[FeatureKey, tuple[RecordKey, ...]] = field(default_factory=dict)

    def see(self, feature: AIFeature) -> Texts:
        """Take note of what a feature needs now; those of its texts that are known. What it does
        not need any more is dropped."""
        wanted = _wanted(feature)
        if not wanted:
            self.forget(feature.key)
            return {}
        self._wanted[feature.key] = wanted
        needed = frozenset[str]().union(*wanted.values())
        known = self._known.get(feature.key, {})
        self._known[feature.key] = {h: text for h, text in known.items() if h in needed}
        self._count(feature.key)
        return self._known[feature.key]

    def forget(self, key: FeatureKey) -> None:
        for book in (self._wanted, self._known, self._missing):
            book.pop(key, None)

    def missing(self) -> Mapping[RecordKey, FeatureKey]:
        """Records that have a text which is not known yet, and for whom they are read."""
        return {record: key for key, found in self._missing.items() for record in found}

    def learn(self, key: FeatureKey, texts: Iterable[str]) -> bool:
        """Keep what of this the feature needs; False where that is nothing new."""
        needed = frozenset[str]().union(*self._wanted.get(key, {}).values())
        known = self._known.setdefault(key, {}) if needed else {}
        found = {h: text for text in texts if (h := hash_of(text)) in needed and h not in known}
        known |= found
        self._count(key)
        return bool(found)

    def _count(self, key: FeatureKey) -> None:
        known, wanted = self._known.get(key, {}).keys(), self._wanted.get(key, {})
        if found := tuple(record for record, hashes in wanted.items() if not hashes <= known):
            self._missing[key] = found
        else:
            self._missing.pop(key, None)


def _wanted(feature: AIFeature) -> dict[RecordKey, frozenset[str]]:
    """Also of the good release before last-known-good, to which a replica may go back by itself."""
    status, (namespace, name) = feature.status, feature.key
    found: dict[RecordKey, frozenset[str]] = {}
    for known in (status.last_known_good, status.previous_good, status.candidate):
        if known is not None:
            hashes = frozenset(h for ref in known.release.refs if (h := ref.hash) is not None)
            if hashes:
                found[namespace, names.record_name(name, known.digest)] = hashes
    return found
