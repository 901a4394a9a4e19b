"""What one flag replica knows, and the flag sets that follow from it.

Fed with lists and events of features and kill switches, it keeps one projection per feature and
tells which features' flags changed in a way that apps must hear of. It does no I/O and sends
nothing itself.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import ValidationError

from goaround.api.base import Json
from goaround.api.kinds import AIFeature, AIKillSwitch
from goaround.delivery.control import Held, Lowering, UnknownFeature
from goaround.delivery.flagpins import Pinned
from goaround.delivery.flagset import (
    FeatureKey,
    FlagSet,
    SetTooLarge,
    feature_flags,
    owns_its_keys,
    served_split,
    set_text,
    wanted_keys,
)
from goaround.delivery.flagtexts import RecordKey, TextBook
from goaround.delivery.ownership import Ownership
from goaround.delivery.pinning import PinBook, Wanted
from goaround.delivery.reading import feature_facts, read_feature, read_switch
from goaround.delivery.selector import Selector
from goaround.delivery.shown import Known, Shown, rendered
from goaround.delivery.switches import Switches

DELETED = "DELETED"
TEXTS = "texts of releases"


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A whole set as it would go out now; `refused` says why it must not."""

    text: str
    revisions: Mapping[str, int] = field(default_factory=dict)
    refused: str | None = None


class FlagState:
    """All features and kill switches of the watched namespaces (none named: all there are).

    `on_change` is called with the key of each feature whose flags changed; `on_listed` once, when
    everything has been listed; `on_problem` with each problem when it appears.
    """

    def __init__(
        self,
        namespaces: Sequence[str] = (),
        *,
        on_change: Callable[[FeatureKey], None],
        on_listed: Callable[[], None] = lambda: None,
        on_problem: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.namespaces = frozenset(namespaces)
        self._on_change, self._on_listed, self._on_problem = on_change, on_listed, on_problem
        scopes: tuple[str | None, ...] = tuple(namespaces) or (None,)
        self._unlisted = {(what, scope) for what in ("features", "switches") for scope in scopes}
        self._known: dict[FeatureKey, Known] = {}
        self._shown: dict[FeatureKey, Shown] = {}
        self._ownership = Ownership()
        self._switches = Switches()
        self._held, self.pins, self.texts = Held(), PinBook(), TextBook()
        self._unreadable: dict[FeatureKey, str] = {}
        self._snapshots: dict[Selector, Snapshot] = {}

    @property
    def listed(self) -> bool:
        """Whether features and kill switches have all been listed, and the texts of releases been
        asked for; before, nothing may be sent."""
        return not self._unlisted

    @property
    def missing(self) -> tuple[str, ...]:
        """What has not been listed yet, in words."""
        return tuple(sorted(f"{what} of {scope or 'all'}" for what, scope in self._unlisted))

    @property
    def problems(self) -> tuple[str, ...]:
        flags = (problem for shown in self._shown.values() for problem in shown.problems)
        return (*flags, *self._unreadable.values())

    def shown(self) -> Mapping[FeatureKey, Shown]:
        """The features that have flags."""
        return {key: shown for key, shown in self._shown.items() if shown.part}

    def snapshot(self, selector: Selector) -> Snapshot:
        """The set for a selector; an unknown feature has an empty one."""
        found = self._snapshots.get(selector)
        if found is None:
            found = self._snapshots[selector] = self._taken(selector)
        return found

    def list_features(self, bodies: Iterable[Json], namespace: str | None = None) -> None:
        """Replaces every feature of the namespace (None: of all) by these."""
        facts = [feature_facts(body) for body in bodies]
        there = {_key(one) for one in facts}
        gone = [k for k in self._known if _within(k, namespace) and k not in there]
        touched = self._removed(gone) | {key for one in facts if (key := self._take(one))}
        self._settle(touched, aged=touched)
        self._now_listed("features", namespace)

    def see_feature(self, event: str, body: Json) -> None:
        """One watch event of a feature."""
        facts = feature_facts(body)
        key = _key(facts)
        if event == DELETED:
            gone = self._removed([key])
            self._settle(gone, aged=gone)
            return
        before = self._known.get(key)
        if self._take(facts) is None:
            return
        aged = before is None or _claim(before.feature) != _claim(self._known[key].feature)
        self._settle({key}, aged={key} if aged else set())

    def list_switches(self, bodies: Iterable[Json], namespace: str | None = None) -> None:
        """Replaces every kill switch of the namespace (None: of all) by these."""
        listed = list(bodies)
        there = {_key(body) for body in listed}
        gone = [k for k in self._switches.live() if _within(k, namespace) and k not in there]
        for key in [k for k in self._unreadable if _within(k, namespace) and k not in there]:
            del self._unreadable[key]
        changed = [switch for body in listed for switch in self._read_switch(body)]
        changed += [switch for key in gone for switch in self._switches.remove(key)]
        self._project_matched(changed)
        self._now_listed("switches", namespace)

    def see_switch(self, event: str, body: Json) -> None:
        """One watch event of a kill switch. The last body of a deleted one may be the first that
        says which revision recorded the kill, so it is read before it goes."""
        changed = self._read_switch(body)
        if event == DELETED:
            self._unreadable.pop(_key(body), None)
            changed = (*changed, *self._switches.remove(_key(body)))
        self._project_matched(changed)

    def lower(self, wanted: Lowering) -> int:
        """Takes users off a release until status says something newer; returns the share that it
        is served from now on. Raises NotLowered, UnknownFeature."""
        for feature in (k.feature for k in self._known.values()):
            if feature.metadata.uid == wanted.uid:
                kills = self._switches.views(feature.metadata.namespace)
                self._held.take(wanted, feature, served_split(self._held.applied(feature), kills))
                self._project(feature.key)
                served = self._held.applied(feature)
                return wanted.share(served.status, served_split(served, kills))
        raise UnknownFeature(f"no feature has the uid {wanted.uid}")

    def pinned(self, key: FeatureKey, wanted: Wanted, found: Pinned) -> None:
        """The pin that a golden run waits for is known."""
        if self.pins.learn(key, wanted, found):
            self._project(key)

    def learned(self, key: FeatureKey, texts: Iterable[str]) -> bool:
        """Texts of its releases are known; False where it needs none of them."""
        if news := self.texts.learn(key, texts):
            self._project(key)
        return news

    def texts_asked(self, asked: Collection[RecordKey]) -> None:
        """These records have been read, or cannot be: nobody waits for their texts any longer."""
        if self.texts.missing().keys() <= set(asked):
            self._now_listed(TEXTS, None)

    def _now_listed(self, what: str, namespace: str | None) -> None:
        if not self._unlisted:
            return
        self._unlisted.discard((what, namespace))
        if self.listed and what != TEXTS and self.texts.missing():
            self._unlisted.add((TEXTS, None))
        if self.listed:
            self._on_listed()

    def _take(self, facts: Json) -> FeatureKey | None:
        """Stores a feature; None when nothing that matters changed."""
        key = _key(facts)
        before = self._known.get(key)
        if before is not None and before.facts == facts:
            return None
        self._known[key] = Known(facts, *read_feature(facts))
        return key

    def _removed(self, keys: Iterable[FeatureKey]) -> set[FeatureKey]:
        return {key for key in keys if self._known.pop(key, None) is not None}

    def _read_switch(self, body: Json) -> tuple[AIKillSwitch, ...]:
        try:
            switch = read_switch(body)
        except ValidationError as error:
            key = _key(body)
            problem = f"kill switch {'/'.join(key)} cannot be read: {error.errors()[0]['msg']}"
            self._unreadable[key] = problem
            self._on_problem(problem)
            return ()
        self._unreadable.pop(switch.key, None)
        return self._switches.put(switch)

    def _project_matched(self, changed: Iterable[AIKillSwitch]) -> None:
        for switch in changed:
            for key, known in self._known.items():
                if switch.matches(known.feature.metadata):
                    self._project(key)
        self._switches.forget_spent(known.feature for known in self._known.values())

    def _settle(self, touched: set[FeatureKey], *, aged: set[FeatureKey]) -> None:
        """Projects the touched features; for the sake of those `aged` keys may change hands."""
        projected = set(touched)
        for key in aged:
            known = self._known.get(key)
            projected |= (
                self._ownership.put(known.feature) if known else self._ownership.remove(key)
            )
        for key in projected:
            self._project(key)
        self._switches.forget_spent(known.feature for known in self._known.values())

    def _project(self, key: FeatureKey) -> None:
        before, known = self._shown.pop(key, None), self._known.get(key)
        if known is None:
            for book in (self._held, self.pins, self.texts):
                book.forget(key)
        else:
            served = replace(known, feature=self._held.applied(known.feature))
            lowered = served.feature is not known.feature
            self._shown[key] = rendered(served, self._flags(served), lowered=lowered)
        after = self._shown.get(key)
        self._snapshots.pop(Selector(*key), None)
        self._snapshots.pop(Selector(key[0]), None)
        for problem in after.problems if after else ():
            if before is None or problem not in before.problems:
                self._on_problem(problem)
        if (before.content if before else "") != (after.content if after else ""):
            self._on_change(key)

    def _flags(self, known: Known) -> FlagSet:
        feature = known.feature
        namespace = feature.metadata.namespace
        if not owns_its_keys(feature, self._ownership.owners):
            keys = " and ".join(wanted_keys(feature))
            problem = f"{'/'.join(feature.key)} has no flags: an older feature owns {keys}"
            return FlagSet("/".join(feature.key), {}, (problem,))
        pinned, texts = self.pins.see(feature), self.texts.see(feature)
        return feature_flags(feature, self._switches.views(namespace), pinned, texts)

    def _taken(self, selector: Selector) -> Snapshot:
        key = (selector.namespace, selector.name)
        taken = [key] if selector.name else sorted(k for k in self._shown if selector.takes(k))
        shown = [one for k in taken if (one := self._shown.get(k)) is not None and one.part]
        revisions = {one.uid: one.revision for one in shown}
        try:
            return Snapshot(set_text(str(selector), [one.part for one in shown]), revisions)
        except SetTooLarge as error:
            return Snapshot("", revisions, str(error))


def _key(body: Json) -> FeatureKey:
    metadata = body["metadata"]
    return metadata["namespace"], metadata["name"]


def _within(key: FeatureKey, namespace: str | None) -> bool:
    return namespace is None or key[0] == namespace


def _claim(feature: AIFeature) -> tuple[object, ...]:
    metadata = feature.metadata
    return metadata.uid, metadata.creation_timestamp, wanted_keys(feature)
