"""Which bands a feature's drift watch asks for, and what its findings look like in status.

Decides nothing about drift; turns spec into parameters and findings into rows.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from goaround.api.drift import (
    BaselineStatus,
    Drift,
    DriftInput,
    DriftInputStatus,
    DriftStatus,
)
from goaround.evidence.baseline import Baseline
from goaround.evidence.distances import Statistic
from goaround.evidence.drift import Action, Band, DriftVerdict, Finding, gravest


def bands_of(drift: Drift) -> tuple[Band, ...]:
    """One band per input, in the order of spec."""
    return tuple(_band(watched) for watched in drift.inputs)


def _band(watched: DriftInput) -> Band:
    return Band(
        name=watched.name,
        statistic=_statistic(watched),
        limit=float(watched.limit),
        action=Action(watched.action.value),
        for_seconds=watched.for_seconds,
        cluster_size=watched.cluster_size,
    )


def _statistic(watched: DriftInput) -> Statistic:
    if watched.similarity is not None:
        return Statistic.MEAN_COSINE
    if watched.centroid is not None:
        return Statistic.COSINE
    return Statistic(watched.statistic.value)


def status_of(
    findings: Iterable[Finding],
    *,
    observed: float,
    baseline: Baseline | None,
    digest: str | None = None,
) -> DriftStatus:
    """The findings as status shows them. observed: unix seconds, end of the window compared.
    digest: the release that was looked at."""
    found = list(findings)
    return DriftStatus(
        digest=digest,
        verdict=gravest(finding.verdict for finding in found).value,
        observed_at=_time(observed),
        baseline=None if baseline is None else _kept(baseline),
        inputs=[_row(finding) for finding in found],
    )


def unread(
    status: DriftStatus, before: DriftStatus | None, faults: Mapping[str, str]
) -> DriftStatus:
    """`status` where some inputs could not be read: these are `Unknown`, for the reason in
    `faults`, and keep the numbers and the time out of band that they had `before`."""
    known = {row.name: row for row in before.inputs} if before is not None else {}
    rows = [
        known.get(row.name, row).but(
            verdict=DriftVerdict.UNKNOWN.value,
            message=f"{row.name}: {faults[row.name]}: unknown"[:512],
        )
        if row.name in faults
        else row
        for row in status.inputs
    ]
    verdict = gravest(DriftVerdict(row.verdict) for row in rows)
    return status.but(inputs=rows, verdict=verdict.value)


def out_since(before: DriftStatus | None, name: str) -> float | None:
    """Unix seconds since when status has this input out of band."""
    rows = before.inputs if before is not None else []
    since = next((row.out_since for row in rows if row.name == name), None)
    return None if since is None else since.timestamp()


def _row(finding: Finding) -> DriftInputStatus:
    measure = finding.measure
    return DriftInputStatus(
        name=finding.name,
        verdict=finding.verdict.value,
        message=finding.line[:512],
        value=None if measure is None else f"{measure.size:.4g}",
        noise=None if measure is None else f"{measure.floor:.4g}",
        moved=f"{finding.moved:.3g}" if finding.moved else None,
        out_since=None if finding.out_since is None else _time(finding.out_since),
    )


def _kept(baseline: Baseline) -> BaselineStatus:
    return BaselineStatus(established_at=_time(baseline.ended), began_at=_time(baseline.began))


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
