"""How the signals of a feature are read: what is asked, and what an answer means.

Decides nothing; the operator knows (`runtime.readings`), and the command line asks the same way.
"""

from collections.abc import Callable
from dataclasses import dataclass

from goaround.api.kinds import AIFeature
from goaround.world.prom_types import Read, Shape


@dataclass(frozen=True, slots=True)
class Signals:
    """shape_of: the series of a reading, in windows of so many seconds. wanted: the window ends
    that must be asked for these. understood: what an answer to `wanted` says of a flight."""

    shape_of: Callable[[AIFeature, str, int], Shape]
    wanted: Callable[[AIFeature, str, range], range]
    understood: Callable[[AIFeature, str, Read, range], Read]
