"""What was once made of a frozen model, kept for as long as that very object lives.

Decides nothing: the same model gives the same answer, and this only spares the second asking. It
refuses to know two equal objects for one, and to outlive what it was made of.
"""

from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar
from weakref import ref

from goaround.api.base import Model

M = TypeVar("M", bound=Model)
T = TypeVar("T")


class Remembered(Generic[M, T]):
    """`make`, asked once per object."""

    def __init__(self, make: Callable[[M], T]) -> None:
        self._make = make
        self._known: dict[int, tuple[ref[M], T]] = {}

    def __call__(self, model: M) -> T:
        place = id(model)
        known = self._known.get(place)
        if known is not None and known[0]() is model:
            return known[1]
        made = self._make(model)
        self._known[place] = (ref(model, partial(self._forget, place)), made)
        return made

    def __len__(self) -> int:
        return len(self._known)

    def _forget(self, place: int, gone: ref[M]) -> None:
        """Another object may live in that place by now."""
        if (known := self._known.get(place)) is not None and known[0] is gone:
            del self._known[place]
