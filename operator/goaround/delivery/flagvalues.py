"""What the variants of a release flag are: a release with all that it needs, or the fallback.

Decides nothing of shares. Refuses to serve a release whose texts are not known: its variant is the
fallback then. Pure.
"""

import json
from collections.abc import Mapping
from typing import Final

from goaround.api.base import Json
from goaround.api.content import ContentRef
from goaround.api.contract import FeatureContract, OutputContract
from goaround.api.digest import short
from goaround.api.fallback import Fallback, FallbackMember, FallbackType
from goaround.api.kinds import AIFeature
from goaround.api.release import Release
from goaround.api.status import AIFeatureStatus, KnownRelease

Texts = Mapping[str, str]
"""Texts by their hash."""

NO_TEXTS: Final[Texts] = {}


def stable_of(status: AIFeatureStatus) -> KnownRelease | None:
    """What variant `stable` serves: last-known-good, or what serves already while it is adopted."""
    if status.last_known_good is not None:
        return status.last_known_good
    if status.candidate is not None and status.candidate.adopted:
        return status.candidate
    return None


def values(feature: AIFeature, texts: Texts) -> dict[str, Json]:
    """What each variant is. The chain of the candidate knows last-known-good as the previous
    release, that of stable the good one before it."""
    status, flown, stable = feature.status, feature.status.candidate, stable_of(feature.status)
    fallback = fallback_value(feature.spec.fallback)
    served = release_value(feature, stable, status.previous_good, texts) if stable else None
    served = flies = served or fallback
    if flown is not None:
        flies = release_value(feature, flown, status.last_known_good, texts) or fallback
    return {"stable": served, "candidate": flies, "fallback": fallback}


def unserved(feature: AIFeature, texts: Texts) -> list[str]:
    """Releases that the fallback stands in for, because a text of them is not known."""
    places = (stable_of(feature.status), feature.status.candidate)
    without = {short(k.digest) for k in places if k is not None and lacks(k.release, texts)}
    return [f"release {name}: the fallback serves until its texts are read" for name in without]


def release_value(
    feature: AIFeature, known: KnownRelease, before: KnownRelease | None, texts: Texts
) -> Json | None:
    """The value of a variant that serves `known`; `before`: what its chain calls the previous
    release. None where a text of it is not known."""
    content = _content(known.release, texts)
    if content is None:
        return None
    spec, schemas = feature.spec, _contract(feature.spec.contract, known.release, texts)
    return {
        "enabled": True,
        "release": short(known.digest),
        **content,
        **({"contract": schemas} if schemas else {}),
        "fallback": _chain(spec.fallback, before, texts),
    }


def fallback_value(fallback: Fallback) -> Json:
    """The value of a variant in which no model answers: the chain from its landing place on."""
    told = _chain(fallback, None, NO_TEXTS)
    chain = [_member(one) for one in fallback.members if not one.type.is_model]
    told["chain"] = chain or [_member(fallback.landing)]
    return {"enabled": False, "release": "", "fallback": told}


def lacks(release: Release, texts: Texts) -> bool:
    """Whether a text of the release is not known."""
    return any(ref.hash not in texts for ref in release.refs)


def _content(release: Release, texts: Texts) -> Json | None:
    """The release as apps read it: with the text of its prompt, and without the place of its
    schemas."""
    if lacks(release, texts):
        return None
    found = release.but(contract=None).wire()
    ref = release.prompt.config_map_ref if release.prompt is not None else None
    if ref is not None:
        found["prompt"]["text"] = texts[ref.hash or ""]
    return found


def _chain(fallback: Fallback, before: KnownRelease | None, texts: Texts) -> Json:
    chain: list[Json] = []
    for member in fallback.members:
        if member.type is not FallbackType.PREVIOUS_RELEASE:
            chain.append(_member(member))
        elif before is not None and (content := _content(before.release, texts)) is not None:
            chain.append(_member(member) | {"release": content | {"release": short(before.digest)}})
    told: Json = {"chain": chain, "landing": fallback.landing.name}
    if fallback.breaker is not None:
        told["breaker"] = fallback.breaker.wire()
    return told


def _member(member: FallbackMember) -> Json:
    told = member.wire()
    return told | ({"text": member.says} if member.says is not None else {})


def _contract(settings: FeatureContract | None, release: Release, texts: Texts) -> Json:
    """The schemas that the release was flown with, on the terms of spec."""
    schemas, told = release.contract, Json()
    if schemas is None:
        return told
    if (found := _schema(schemas.input, texts)) is not None:
        told["input"] = {"schema": found}
    if (found := _schema(schemas.output, texts)) is not None and schemas.output is not None:
        stated = settings.output if settings is not None else None
        terms = (stated or OutputContract(schema_ref=schemas.output)).wire()
        told["output"] = {"schema": found} | {k: v for k, v in terms.items() if k != "schemaRef"}
    return told


def _schema(ref: ContentRef | None, texts: Texts) -> Json | None:
    """A schema from its text; None where it is none, which the operator lets nobody fly with."""
    if ref is None or ref.hash is None:
        return None
    try:
        found = json.loads(texts[ref.hash])
    except (KeyError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


BARE_FALLBACK: Final = fallback_value(Fallback())
