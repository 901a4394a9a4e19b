"""The content desk: reads the ConfigMaps that releases name, beside the passes.

Decides when one is read again and what is wrong with a text. What an edit means for a flight is
decided in `rollout/contents.py`. It watches nothing: a named ConfigMap is all it may read.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from goaround.api.base import Json
from goaround.api.content import MOST_PROMPT_BYTES, MOST_SCHEMA_BYTES, ContentRef, hash_of
from goaround.api.kinds import CONFIG_MAPS, AIFeature
from goaround.api.reasons import Reason, Stage
from goaround.evidence.golden_schema import Unfit, compiled
from goaround.rollout.observed import Contents, Place, Problem
from goaround.runtime.errands import AskedDesk
from goaround.runtime.queue import Key, key_of
from goaround.world.backoff import doubling
from goaround.world.kube import Api, KubeError, NotFound

log = logging.getLogger("goaround.contents")

SOON_SECONDS: Final = 10.0
LIVE_SECONDS: Final = 300.0
WAITED_SECONDS: Final = 5.0

Asked = tuple[str, tuple[tuple[Place, bool], ...]]


@dataclass(slots=True)
class Case:
    """What is known of one feature's texts. asked: its uid, and places with whether they must be a
    schema."""

    asked: Asked
    found: Contents | None = None
    failures: int = 0
    read_at: float | None = None

    def due_at(self, *, landed: bool) -> float:
        """When it is to be read again: soon while something waits for it, rarely once the release
        of spec has landed."""
        if self.read_at is None:
            return 0.0
        if self.failures:
            return self.read_at + doubling(self.failures, 1.0, SOON_SECONDS)
        if landed:
            return self.read_at + LIVE_SECONDS
        waited = self.found is not None and self.found.faults
        return self.read_at + (WAITED_SECONDS if waited else SOON_SECONDS)


class ContentDesk(AskedDesk[Case]):
    """Reads texts for features. `news` is called when one of them changed."""

    def __init__(
        self, api: Api, *, news: Callable[[Key], None], wall: Callable[[], datetime]
    ) -> None:
        super().__init__()
        self._api = api
        self._news = news
        self._wall = wall

    def contents(self, feature: AIFeature, now: datetime) -> Contents | None:
        """What is known now; starts reading what is due. None before the first answer, and where
        nothing is named."""
        asked = (feature.metadata.uid, tuple(_asked(feature)))
        if not asked[1]:
            self.forget(*feature.key)
            return None
        case = self._case_of(feature, asked, Case)
        due_at = case.due_at(landed=_has_landed(feature))
        if feature.key not in self._errands and now.timestamp() >= due_at:
            self._errands.start(feature.key, self._look(feature, case))
        reading = feature.key in self._errands
        again = None if reading else datetime.fromtimestamp(due_at, UTC)
        return replace(case.found, next_at=again) if case.found is not None else None

    async def _look(self, feature: AIFeature, case: Case) -> None:
        before = case.found
        try:
            case.found = await self._read(feature.key[0], case)
            case.failures = 0
        except KubeError as err:
            # what was read before stays true as far as anybody knows
            told = {"feature": "/".join(feature.key), "error": str(err)}
            log.warning("ConfigMaps of a release cannot be read", extra=told)
            case.failures += 1
        except Exception:
            # the task's top: what was read stays, and nothing takes off on what was not
            log.exception("reading texts failed", extra={"feature": "/".join(feature.key)})
            case.failures += 1
        case.read_at = self._wall().timestamp()
        self._errands.finish(feature.key)  # before news: what is next may begin
        if case.found != before or case.failures:
            self._news(key_of(feature))

    async def _read(self, namespace: str, case: Case) -> Contents:
        """Every place as it is now. Raises KubeError where nothing can be said."""
        wanted = dict.fromkeys(name for (name, _), _ in case.asked[1])
        data = {name: await self._data(namespace, name) for name in wanted}
        hashes: dict[Place, str] = {}
        texts: dict[str, str] = {}
        faults: dict[Place, Problem] = {}
        for place, is_schema in case.asked[1]:
            text = _text(data[place[0]], place, is_schema=is_schema)
            if isinstance(text, Problem):
                faults[place] = text
            else:
                hashes[place] = hash_of(text)
                texts[hashes[place]] = text
        return Contents(hashes, texts, faults)

    async def _data(self, namespace: str, name: str) -> Json | None:
        try:
            found: Json = (await self._api.get(CONFIG_MAPS, namespace, name)).get("data") or {}
        except NotFound:
            return None
        return found


def _has_landed(feature: AIFeature) -> bool:
    """Whether what serves everybody is what spec asks for."""
    status, good = feature.status, feature.status.last_known_good
    asked_for = good is not None and good.digest == status.release_digest
    return status.stage is Stage.LIVE and asked_for


def _asked(feature: AIFeature) -> list[tuple[Place, bool]]:
    release = feature.spec.content
    schemas = set(release.contract.refs) if release.contract is not None else set()
    return [(ref.place, ref in schemas) for ref in release.refs]


def _text(data: Mapping[str, Any] | None, place: Place, *, is_schema: bool) -> str | Problem:
    """The text at a place, or what a person must do about it."""
    where = ContentRef(name=place[0], key=place[1]).where
    if data is None:
        return Problem(Reason.CONTENT_MISSING, f"{where}: there is no such ConfigMap; create it")
    text = data.get(place[1])
    if not isinstance(text, str):
        told = f"{where}: there is no such key; add it, or name another"
        return Problem(Reason.CONTENT_MISSING, told)
    limit = MOST_SCHEMA_BYTES if is_schema else MOST_PROMPT_BYTES
    size = len(json.dumps(text, ensure_ascii=False).encode())
    if size > limit:
        told = f"{where}: the text has {size:,} bytes as JSON; the limit is {limit:,}. Shorten it"
        return Problem(Reason.CONTENT_INVALID, told)
    if is_schema and (why := _unfit(text)) is not None:
        return Problem(Reason.CONTENT_INVALID, f"{where}: {why}"[:1024])
    return text


def _unfit(text: str) -> str | None:
    """Why the text is no JSON Schema that may be published; None: it is one."""
    try:
        found = json.loads(text, parse_constant=_refused)
        if not isinstance(found, dict):
            return "a schema is a JSON object"
        compiled(found)
    except Unfit as err:
        return str(err)
    except (ValueError, RecursionError):
        return "the schema is not JSON: mend it"
    return None


def _refused(word: str) -> None:
    raise ValueError(word)
