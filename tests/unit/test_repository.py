"""Facts about the repository as a whole that no single module can hold."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# In parts, so that this file does not find itself.
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("proxy", "golang", "org"),
        ("sum", "golang", "org"),
        ("goproxy", "io"),
        ("npmjs", "org"),
        ("crates", "io"),
        ("ghcr", "io"),
        ("docker", "io"),
        ("quay", "io"),
        ("gcr", "io"),
        ("pkg", "dev"),
        ("registry", "k8s", "io"),
        ("dl", "k8s", "io"),
        ("mcr", "microsoft", "com"),
        ("public", "ecr", "aws"),
    )
)
MACHINE = re.compile(r"(?<![\w.~}\-/])/(?:work|root|home)/\w")


def kept() -> list[Path]:
    """Files in Git, and those about to be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in kept():
        text = path.read_text(encoding="utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    return found


def test_the_source_root_does_not_shadow_the_standard_library() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()
    told = subprocess.run(
        [sys.executable, "-c", "import operator; operator.itemgetter; print(operator.__file__)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not Path(told.stdout.strip()).is_relative_to(ROOT)


def test_the_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text[:300]
    assert "Version 2.0, January 2004" in text[:300]
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_every_locked_package_has_a_hash_and_the_lock_has_no_address() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    packages = re.split(r"(?m)^(?=[A-Za-z0-9])", text)[1:]
    assert len(packages) > 20
    assert [
        package.splitlines()[0] for package in packages if "--hash=sha256:" not in package
    ] == []
    assert all(re.match(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==\S+", package) for package in packages)
    assert "://" not in text
    assert not re.search(r"--(extra-)?index-url|--find-links|--trusted-host", text)


def test_no_file_names_a_package_registry() -> None:
    assert lines_with(re.compile("|".join(map(re.escape, REGISTRIES)))) == []


def test_no_file_names_a_path_of_this_machine() -> None:
    assert lines_with(MACHINE) == []


@pytest.mark.parametrize("root", ["work", "root", "home"])
def test_a_path_of_a_machine_is_found_and_a_relative_one_is_not(root: str) -> None:
    assert MACHINE.search(f"cd /{root}/someone")
    assert not MACHINE.search(f"see docs/{root}/page and ../{root}/x")
    assert not MACHINE.search(f"{{base}}/{root}/x")
