"""docs/security.md: all 22 threats are there, and each names tests that exist."""

import re

from tests.pages import DOCS, ROOT, text

ROWS = re.findall(r"^\| (S\d+) \|(.*)$", text(DOCS / "security.md"), re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_every_threat_of_the_model_is_answered() -> None:
    assert [name for name, _ in ROWS] == [f"S{number}" for number in range(1, 23)]


def test_every_threat_names_a_test_and_each_of_them_exists() -> None:
    lacking = []
    for name, said in ROWS:
        found = NAMED.findall(said)
        lacking += [name] if not found else []
        lacking += [
            f"{name}: {path}::{test}"
            for path, test in found
            if not (ROOT / path).exists()
            or not re.search(rf"^(async )?def {test}\(", (ROOT / path).read_text(), re.MULTILINE)
        ]
    assert lacking == []
