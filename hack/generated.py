"""Writes generated files, or tells how those that are there differ: the end of every generator.

Decides nothing about their content, and removes no file.
"""

import difflib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def run(root: Path, files: Mapping[Path, str], arguments: Sequence[str], usage: str | None) -> int:
    """Exit code: 0 when written, or nothing differs; 1 with --check when something does; 2 for
    other arguments, with `usage`."""
    if list(arguments) not in ([], ["--check"]):
        print(usage, file=sys.stderr)
        return 2
    if arguments:
        differences = "".join(_difference(root, path, text) for path, text in files.items())
        sys.stderr.write(differences)
        return 1 if differences else 0
    for path, text in files.items():
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text, encoding="utf-8")
    return 0


def _difference(root: Path, path: Path, wanted: str) -> str:
    name = str(path.relative_to(root))
    found = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = difflib.unified_diff(
        found.splitlines(keepends=True), wanted.splitlines(keepends=True), name, "generated"
    )
    return "".join(lines)
