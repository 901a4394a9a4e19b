"""Scenarios as data: who does what once what can be seen, so that any world can play them.

The simulation plays them here; a real API server can, since an order is a plain value and a `Sight`
needs no more than reads.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from goaround.api.base import Json
from goaround.api.kinds import CONFIG_MAPS, Kind
from goaround.api.reasons import Stage
from goaround.api.status import AIFeatureStatus
from tests.crash.traffic import Conditions

NAMESPACE = "shop"
FEATURE = "chat"


@dataclass(frozen=True, slots=True)
class Put:
    """`kubectl apply`: create the object, or give it this spec; of a ConfigMap, its data."""

    kind: Kind
    name: str
    spec: Json
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def part(self) -> str:
        return "data" if self.kind is CONFIG_MAPS else "spec"


@dataclass(frozen=True, slots=True)
class Remove:
    """`kubectl delete`."""

    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class Annotate:
    """`kubectl annotate`; None takes one off."""

    kind: Kind
    name: str
    annotations: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class WipeStatus:
    """A restore from a backup without status."""

    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class Change:
    """The world changes: fields of `Conditions`."""

    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Resolve:
    """People say of every incident that it is over."""


@dataclass(frozen=True, slots=True)
class Say:
    """`kubectl patch` or `kubectl annotate` on every incident."""

    patch: Json


Order = Put | Remove | Annotate | WipeStatus | Change | Resolve | Say


class Sight(Protocol):
    """What can be seen of the cluster."""

    @property
    def status(self) -> AIFeatureStatus | None:
        """Status of the feature; None: there is none."""

    def seen(self, kind: Kind, name: str) -> Json | None:
        """An object; None: there is none."""


@dataclass(frozen=True, slots=True)
class Act:
    """Once `when` holds, wait `after` seconds, then carry out the orders."""

    when: Callable[[Sight], bool]
    orders: tuple[Order, ...]
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Ending:
    """What must have come out: the stage, the version of last-known-good, severities of incidents,
    texts of their notes.

    `races` holds reasons of transitions that come or do not come, as time has it: a switch that
    goes at once leaves no window in which a kill can be seen to be contained. `twin_may`: moves in
    the safe direction that a second controller, which should not be there and hears late, may
    make once more: it still sees a switch that is gone, or a provider that was dead.
    """

    stage: Stage
    good: str | None
    incidents: tuple[str, ...] = ()
    races: frozenset[str] = frozenset()
    twin_may: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens to one feature.

    `begins_after` names the scenario whose end is the beginning of this one; `weights` are the
    only shares of users a candidate may ever get.
    """

    name: str
    told: str
    acts: tuple[Act, ...]
    weights: frozenset[int]
    ends: Ending
    begins_after: str | None = None
    conditions: Conditions = field(default_factory=Conditions)


class Player:
    """Plays the acts in their order; `look` is to be called whenever anything changed."""

    def __init__(
        self,
        acts: tuple[Act, ...],
        sight: Sight,
        *,
        perform: Callable[[Order], None],
        later: Callable[[float, Callable[[], None]], object],
    ) -> None:
        self._acts = acts
        self._sight = sight
        self._perform = perform
        self._later = later
        self._next = 0
        self._pending = False

    @property
    def finished(self) -> bool:
        return self._next >= len(self._acts)

    @property
    def stand(self) -> tuple[int, bool]:
        """The number of acts that were played, and whether the next one waits for its moment."""
        return self._next, self._pending

    def look(self) -> None:
        """Whether it is time for the next act."""
        if self._pending or self.finished:
            return
        act = self._acts[self._next]
        if act.when(self._sight):
            self._pending = True
            self._later(act.after, self._play)

    def _play(self) -> None:
        for order in self._acts[self._next].orders:
            self._perform(order)
        self._next += 1
        self._pending = False
        self.look()
