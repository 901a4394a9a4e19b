"""What differs between two releases, in words, part by part."""

from collections.abc import Mapping

from goaround.api.content import ContentRef, ReleaseContract
from goaround.api.digest import short
from goaround.api.feature import Component, Release
from goaround.api.release import Index, Prompt


def changes(failed: Release, serving: Release) -> list[str]:
    """What differs, one line per part: `prompt: support v43 (failed), support v42 (serves)`."""
    found = [
        f"{part}: {_named(a)} (failed), {_named(b)} (serves)"
        for part in ("model", "prompt", "index", "features")
        if (a := getattr(failed, part)) != (b := getattr(serving, part))
    ]
    was, now = _schemas(failed), _schemas(serving)
    found += [
        f"contract.{side}: {_text(was[side])} (failed), {_text(now[side])} (serves)"
        for side in was
        if was[side] != now[side]
    ]
    one, other = failed.parameters, serving.parameters
    found += [
        f"parameters.{name}: {one.get(name, 'absent')} (failed), {other.get(name, 'absent')} "
        f"(serves)"
        for name in sorted({*one, *other})
        if one.get(name) != other.get(name)
    ]
    return [line[:512] for line in found[:48]]


def _schemas(release: Release) -> Mapping[str, ContentRef | None]:
    """The schemas that it was flown with, by side."""
    known = release.contract or ReleaseContract()
    return {"input": known.input, "output": known.output}


def _text(ref: ContentRef | None) -> str:
    """Two texts of one place are told apart by their hash."""
    if ref is None:
        return "none"
    return f"{ref.name}/{ref.key} {short(ref.hash)}" if ref.hash is not None else ref.where


def _named(part: Component | Prompt | None) -> str:
    match part:
        case None:
            return "none"
        case Prompt(config_map_ref=ContentRef() as ref):
            return _text(ref)
        case Index(embedding=str(embedding)):
            return f"{part.name} {part.version} embedded with {embedding}"
        case _:
            return f"{part.name} {part.version}"
