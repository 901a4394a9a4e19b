"""What differs between two releases, in words, part by part."""

from goaround.api.feature import Component, Release


def changes(failed: Release, serving: Release) -> list[str]:
    """What differs, one line per part: `prompt: support v43 (failed), support v42 (serves)`."""
    found = [
        f"{part}: {_named(a)} (failed), {_named(b)} (serves)"
        for part in ("model", "prompt", "index", "features")
        if (a := getattr(failed, part)) != (b := getattr(serving, part))
    ]
    one, other = failed.parameters, serving.parameters
    found += [
        f"parameters.{name}: {one.get(name, 'absent')} (failed), {other.get(name, 'absent')} "
        f"(serves)"
        for name in sorted({*one, *other})
        if one.get(name) != other.get(name)
    ]
    return [line[:512] for line in found[:48]]


def _named(part: Component | None) -> str:
    return f"{part.name} {part.version}" if part is not None else "none"
