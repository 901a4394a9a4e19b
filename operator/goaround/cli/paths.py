"""Fields of an object by path: `a.b`, `list[key].c`, `a.{word}.b`.

Decides where a value goes. `list[key]` is the entry of a list of maps whose field `key` has the
word of that name; it is added where there is none.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

ENTRY = re.compile(r"(\w+)\[(\w+)\]")


class NotThere(Exception):
    """The text says what."""


def put(whole: dict[str, Any], path: str, value: object, words: Mapping[str, str]) -> None:
    """Set it; what is missing on the way is made."""
    *steps, last = path.split(".")
    at = whole
    for step in steps:
        at = _below(at, step, words, make=True)
    at[last.format_map(words) if "{" in last else last] = value


def reach(whole: dict[str, Any], path: str, words: Mapping[str, str]) -> dict[str, Any]:
    """What is there. Raises NotThere."""
    at = whole
    for step in path.split("."):
        at = _below(at, step, words, make=False)
    return at


def without(whole: dict[str, Any], path: str) -> None:
    """Take a field of the top out, if it is there."""
    whole.pop(path, None)


def _below(
    at: dict[str, Any], step: str, words: Mapping[str, str], *, make: bool
) -> dict[str, Any]:
    if (entry := ENTRY.fullmatch(step)) is None:
        name = step.format_map(words) if "{" in step else step
        if name not in at and not make:
            raise NotThere(f"there is no {name}")
        found: dict[str, Any] = at.setdefault(name, {})
        return found
    name, key = entry.groups()
    listed = at.setdefault(name, [])
    for item in listed:
        if item.get(key) == words[key]:
            return dict_of(item)
    if not make:
        known = ", ".join(str(item.get(key)) for item in listed) or "none"
        raise NotThere(f"{name} has no {words[key]}: there is {known}")
    listed.append({key: words[key]})
    return dict_of(listed[-1])


def dict_of(item: dict[str, Any]) -> dict[str, Any]:
    """The very same map, typed."""
    return item


def leaves(value: object, at: str = "") -> Iterator[tuple[str, object]]:
    """Every plain value with its path; entries of lists by their name or place."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, f"{at}.{key}" if at else str(key))
    elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        for index, item in enumerate(value):
            known = next((item[k] for k in ("name", "who", "message") if k in item), index)
            yield from leaves(item, f"{at}[{known}]")
    else:
        yield at, value
