"""What a row of the goal table is, and what its proofs make of it.

Decides the result of a row from what its tests and checks said. It runs nothing, and it never calls
a row passed of which a part was not proved.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hack.conformance.site import Site


class Result(StrEnum):
    """How a row, or one proof of it, ended."""

    PASS = "pass"
    FAIL = "fail"
    NOT_RUN = "not-run"


class Failed(Exception):
    """The row does not hold; the text says what was seen."""


class CannotRun(Exception):
    """The proof could not be run here; the text says why."""


Check = Callable[["Site"], str]
"""A proof of its own: returns what was seen. Raises `Failed` or `CannotRun`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one proof said; `detail` is one line."""

    result: Result
    detail: str


@dataclass(frozen=True, slots=True)
class Row:
    """`tests` are node ids below `tests/`, `checks` run against a `Site`; `missing` names the part
    of the row that neither of them proves, and keeps it from being called passed."""

    row: str
    what: str
    tests: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A line of the report."""

    row: str
    what: str
    result: Result
    detail: str


def require(holds: object, otherwise: str) -> None:
    """Raises `Failed` with `otherwise` unless it holds."""
    if not holds:
        raise Failed(otherwise)


def judged(row: Row, tests: Mapping[str, Outcome], checks: Sequence[Outcome]) -> Verdict:
    """The verdict on a row, given what was said of each of its tests and checks.

    A failure wins over everything; then whatever was not run; a row without any proof is not run.
    """
    said = [*(_named(test, tests) for test in row.tests), *checks]
    failed = [one.detail for one in said if one.result is Result.FAIL]
    if failed:
        return Verdict(row.row, row.what, Result.FAIL, "; ".join(failed))
    unproved = [one.detail for one in said if one.result is Result.NOT_RUN]
    unproved += [row.missing] if row.missing else []
    passed = _passed(row, said)
    if unproved or not said:
        told = "; ".join(unproved) or "nothing proves it"
        seen = f" (proved: {passed})" if passed else ""
        return Verdict(row.row, row.what, Result.NOT_RUN, told + seen)
    return Verdict(row.row, row.what, Result.PASS, passed)


def _named(test: str, tests: Mapping[str, Outcome]) -> Outcome:
    found = tests.get(test, Outcome(Result.NOT_RUN, "was not run"))
    return Outcome(found.result, f"{test}: {found.detail}" if found.detail else test)


def _passed(row: Row, said: Sequence[Outcome]) -> str:
    good = sum(one.result is Result.PASS for one in said[: len(row.tests)])
    counted = [f"{good} test{'s' if good > 1 else ''}"] if good else []
    seen = [one.detail for one in said[len(row.tests) :] if one.result is Result.PASS]
    return "; ".join(counted + seen)
