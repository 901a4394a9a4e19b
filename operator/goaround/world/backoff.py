"""How long to wait before something that failed is tried again.

Decides the one formula that all waits share; who waits, and from where to where, is theirs to say.
Refuses to throw dice: whoever must not come back as one of many adds `jittered` with its own.
"""

MOST_DOUBLINGS = 30


def doubling(failures: int, first: float, longest: float) -> float:
    """Seconds after so many failures in a row: `first` after one, then twice as long each time, at
    most `longest`."""
    return min(first * 2.0 ** min(max(failures - 1, 0), MOST_DOUBLINGS), longest)


def jittered(seconds: float, chance: float) -> float:
    """Half of `seconds` to all of it, for a chance in [0, 1)."""
    return seconds * (0.5 + chance / 2)
