"""What changed before an incident: the change ledger of its feature, and what the feature did.

Read once, beside the passes, when evidence is frozen. A ledger that is none, or may not be read,
leaves the feature's own history; nothing waits for it.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from goaround.api.base import rfc3339
from goaround.api.changes import Change
from goaround.api.kinds import AIFeature
from goaround.incident.facts import CHANGES
from goaround.ledger.book import OWN, own, recent
from goaround.world.kube import Api, Refused
from goaround.world.ledgers import NotALedger, fetch

log = logging.getLogger("goaround.evidence")

MOST_OWN: Final = 10
"""Steps of a busy feature must not crowd out the one change of somebody else."""


async def changed_before(
    api: Api, feature: AIFeature, detected: datetime, began: datetime | None
) -> list[str]:
    """Lines, newest first, over `changeLookbackSeconds` before it began, as far as that is known,
    until it was detected. Raises KubeError where it may be tried again."""
    lookback = timedelta(seconds=feature.spec.incident.change_lookback_seconds)
    since = min(began or detected, detected) - lookback
    return lines(feature, await _ledger(api, feature), since, detected)


def lines(
    feature: AIFeature, ledger: Iterable[Change], since: datetime, until: datetime
) -> list[str]:
    """Both as lines of `since` <= at < `until`, newest first; of the feature itself what moves
    users, at most `MOST_OWN`."""
    name = feature.metadata.name
    known = recent([*ledger, *own(name, feature.status.history)], since, until)
    mine = [c for c in known if _is_own(c) and c.what in CHANGES][-MOST_OWN:]
    both = [*(c for c in known if not _is_own(c)), *mine]
    return [_line(name, c) for c in sorted(both, key=lambda c: c.at, reverse=True)]


async def _ledger(api: Api, feature: AIFeature) -> tuple[Change, ...]:
    try:
        return (await fetch(api, *feature.key)).book.lines
    except (NotALedger, Refused) as err:
        told = {"feature": "/".join(feature.key), "error": str(err)}
        log.warning("evidence goes without the change ledger", extra=told)
        return ()


def _is_own(change: Change) -> bool:
    return change.object.startswith(f"{OWN} ")


def _line(feature: str, change: Change) -> str:
    told = f"{rfc3339(change.at)} "
    if _is_own(change):
        return _plain(f"{told}{feature} {change.what}: {change.now}")
    to = f"{change.was} -> {change.now}" if change.was else change.now
    by = f" (by {change.by})" if change.by else ""
    return _plain(f"{told}{change.object}: {change.what} {to}{by}")


def _plain(text: str) -> str:
    """One line, whatever somebody wrote into the ledger."""
    return " ".join(text.split())
