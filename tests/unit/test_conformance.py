"""The goal table is whole, every proof it names exists, and no row is called passed without one."""

from collections.abc import Iterable
from pathlib import Path
from string import ascii_uppercase

import pytest

from hack.conformance import suite
from hack.conformance.__main__ import main
from hack.conformance.audited import OPERATOR, asked
from hack.conformance.row import Outcome, Result, Row, judged
from hack.conformance.table import ROWS

LENGTHS = (21, 16, 9, 20, 14, 12, 5, 7)
PASSED, FAILED = Outcome(Result.PASS, ""), Outcome(Result.FAIL, "it broke")
NOT_RUN = Outcome(Result.NOT_RUN, "skipped: no Helm")


def test_every_row_of_the_goal_table_is_there_once_and_in_order() -> None:
    wanted = [f"{letter}{n}" for letter, length in zip(ascii_uppercase, LENGTHS, strict=False)
              for n in range(1, length + 1)]  # fmt: skip
    assert [row.row for row in ROWS] == wanted


def test_every_test_that_proves_a_row_exists() -> None:
    named = {test for row in ROWS for test in row.tests}
    assert [test for test in sorted(named) if not suite.exists(test)] == []


def test_every_row_is_proved_by_something_or_says_why_it_is_not() -> None:
    assert [row.row for row in ROWS if not (row.tests or row.checks or row.missing)] == []


def verdict(tests: Iterable[Outcome] = (), *checks: Outcome, missing: str = "") -> Result:
    told = {f"t{n}": one for n, one in enumerate(tests)}
    row = Row("A1", "what", tests=tuple(told), missing=missing)
    return judged(row, told, checks).result


@pytest.mark.parametrize(
    ("result", "wanted"),
    [
        (verdict([PASSED], PASSED), Result.PASS),
        (verdict([PASSED, FAILED], PASSED), Result.FAIL),
        (verdict([PASSED], FAILED, NOT_RUN), Result.FAIL),
        (verdict([PASSED, NOT_RUN], PASSED), Result.NOT_RUN),
        (verdict([PASSED], PASSED, missing="the half of it"), Result.NOT_RUN),
        (verdict([FAILED], missing="the half of it"), Result.FAIL),
        (verdict(), Result.NOT_RUN),
    ],
)
def test_a_row_has_passed_when_every_proof_has_and_nothing_is_missing(
    result: Result, wanted: Result
) -> None:
    assert result is wanted


def test_a_row_that_does_not_exist_is_refused_before_anything_runs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--rows", "A1 Z9"])
    assert left.value.code == 2
    assert "no row Z9" in capsys.readouterr().err


def test_a_test_that_was_never_reported_was_not_run() -> None:
    assert judged(Row("A1", "what", tests=("gone",)), {}, ()).result is Result.NOT_RUN


def test_a_report_of_pytest_is_read_by_node_ids_and_the_worst_parameter_counts(
    tmp_path: Path,
) -> None:
    report = tmp_path / "junit.xml"
    report.write_text(
        """<testsuites><testsuite>
        <testcase classname="tests.unit.test_x" name="test_a[one]"/>
        <testcase classname="tests.unit.test_x" name="test_a[two]">
        <failure message="no"/></testcase>
        <testcase classname="tests.unit.test_x" name="test_b"/>
        <testcase classname="tests.unit.test_x" name="test_ab"><skipped message="why"/></testcase>
        <testcase classname="tests.unit.test_y" name="test_c"/>
        </testsuite></testsuites>"""
    )
    cases = suite.ended(report)
    told = {test: suite.of_all(f"unit/{test}", cases).result for test in
            ("test_x.py::test_a", "test_x.py::test_b", "test_x.py::test_ab", "test_x.py",
             "test_y.py", "test_z.py")}  # fmt: skip
    assert list(told.values()) == [
        *(Result.FAIL, Result.PASS, Result.NOT_RUN, Result.FAIL, Result.PASS, Result.NOT_RUN)
    ]


def test_verbs_are_read_from_an_audit_log_by_who_asked(tmp_path: Path) -> None:
    log = tmp_path / "x.audit"
    log.write_text(
        '{"verb": "patch", "userAgent": "goaround-operator/0.1.0", "objectRef": {"resource": '
        '"aifeatures", "apiGroup": "goaround.dev", "subresource": "status"}}\n'
        '{"verb": "list", "userAgent": "kopf/1.45", "objectRef": {"resource": "events"}}\n'
        '{"verb": "get", "userAgent": "kubectl/v1.36", "objectRef": {"resource": "secrets"}}\n'
        '{"verb": "get", "userAgent": "kopf/1.45", "requestURI": "/version"}\n'
    )
    assert set(asked(log, OPERATOR)) == {
        ("patch", "goaround.dev", "aifeatures/status"),
        ("list", "", "events"),
    }
