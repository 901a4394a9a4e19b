"""What `values.yaml` says of each value: path, default and the comment above it.

A comment that begins with `# --` belongs to the key below it, and to all that is inside; a key with
neither a comment nor keys that have one is refused.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z][A-Za-z0-9_]*):")


@dataclass(frozen=True, slots=True)
class Value:
    """One value: its path from the root, default, and what is said of it."""

    path: tuple[str, ...]
    default: Any
    text: str

    @property
    def name(self) -> str:
        return ".".join(self.path)


class Undocumented(ValueError):
    """Values without a comment; the text names them."""


def read(path: Path) -> list[Value]:
    """Every documented value, in order. Raises Undocumented."""
    text = path.read_text(encoding="utf-8")
    defaults = yaml.safe_load(text)
    comments = dict(_comments(text))
    found = list(_described((), defaults, comments))
    if silent := [value.name for value in found if not value.text]:
        raise Undocumented(f"{path.name}: no comment for {', '.join(silent)}")
    return found


def _described(
    at: tuple[str, ...], defaults: Mapping[str, Any], comments: Mapping[tuple[str, ...], str]
) -> Iterator[Value]:
    for key, default in defaults.items():
        path = (*at, key)
        if path not in comments and isinstance(default, dict) and default:
            yield from _described(path, default, comments)
        else:
            yield Value(path, default, comments.get(path, ""))


def _comments(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """The comment of each key that has one, by path."""
    stack: list[tuple[int, str]] = []
    said: list[str] = []
    for line in text.splitlines():
        words = line.strip()
        if words.startswith("# -- "):
            said = [words.removeprefix("# -- ")]
        elif words.startswith("#") and said:
            said.append(words.removeprefix("#").strip())
        elif match := KEY.match(line):
            depth = len(match["indent"])
            stack = [*(one for one in stack if one[0] < depth), (depth, match["key"])]
            if said:
                yield tuple(key for _, key in stack), " ".join(said)
            said = []
        else:
            said = []
