"""The one line in which a drift finding explains itself.

Decides wording only; the numbers come from the caller. n is current/reference requests.
"""

from goaround.evidence.baseline import Reference
from goaround.evidence.distances import Measure, Mover, Statistic
from goaround.evidence.quoting import quoted_name

WORDS = {
    Statistic.PSI: "PSI",
    Statistic.KS: "KS",
    Statistic.COSINE: "cosine distance",
    Statistic.MEAN_COSINE: "mean cosine moved by",
}


def quiet(name: str, found: Measure, limit: float, reference: Reference, *, now: float) -> str:
    """In band, or not to be told from noise; then with the smallest drift that would show."""
    against = _against(reference, now)
    if found.size <= limit:
        return f"{name}: {_size(found)} <= {limit:g} ({_numbers(found, limit)}) {against}: quiet"
    return (
        f"{name}: {_size(found)} > {limit:g}, but noise alone reaches {found.floor:.3g} "
        f"(n={_requests(found)}) {against}: quiet, too few requests to tell"
    )


def pending(
    name: str,
    found: Measure,
    limit: float,
    reference: Reference,
    *,
    now: float,
    lasts: float,
    needs: float,
) -> str:
    """Out of band, not yet for long enough."""
    start = _start(name, found, limit, _against(reference, now))
    return f"{start}: out of band for {lasts:.0f} of {needs:.0f} s"


def out_of_band(
    name: str, found: Measure, limit: float, reference: Reference, *, now: float, action: str
) -> str:
    """Real, large and lasting; action: what is done about it."""
    return f"{_start(name, found, limit, _against(reference, now))}: {action.lower()}"


def unknown(name: str, reference: Reference, now: float) -> str:
    """Nothing to compare."""
    return (
        f"{name}: cannot be compared {_against(reference, now)} "
        "(too few requests, no common classes or dimensions, or noise not yet calibrated): unknown"
    )


def _start(name: str, found: Measure, limit: float, against: str) -> str:
    most = f"; most: {_mover(found.mover, found.statistic)}" if found.mover else ""
    return (
        f"{name}: {_size(found)} > {limit:g} (noise up to {found.floor:.3g}, "
        f"n={_requests(found)}) {against}{most}"
    )


def _size(found: Measure) -> str:
    return f"{WORDS[found.statistic]} {found.size:.3g}"


def _numbers(found: Measure, limit: float) -> str:
    visible = max(limit, found.floor - found.bias)
    return f"sees from {visible:.3g} on, n={_requests(found)}"


def _requests(found: Measure) -> str:
    return f"{found.m:,.0f}/{found.n:,.0f}"


def _mover(mover: Mover, statistic: Statistic) -> str:
    if statistic is Statistic.MEAN_COSINE:
        return f"{mover.name} {mover.before:.3f} -> {mover.after:.3f}"
    return f"{quoted_name(mover.name)} {mover.before:.1%} -> {mover.after:.1%}"


def _against(reference: Reference, now: float) -> str:
    age = reference.age(now)
    return f"vs {reference.words}" + (f", {_span(age)} old" if age is not None else "")


def _span(seconds: float) -> str:
    """Two digits are enough for an age."""
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
