"""What is lost on an API server that is older than something we ship asks for.

Decides by the version that the server tells. It stops nothing: whatever guards people needs no more
than the oldest version that is supported.
"""

import re
from typing import Final

import aiohttp
from kubernetes.aio.client import ApiClient, VersionApi
from kubernetes.aio.client.exceptions import ApiException

Version = tuple[int, int]

OLDEST: Final[Version] = (1, 30)
NEEDS: Final[tuple[tuple[Version, str], ...]] = (
    (
        (1, 36),
        "policies goaround-signoff-stamp and goaround-author-stamp: the server does not write in "
        "who signs or who changed a feature. People write spec.approver, spec.approverGroups and "
        "annotation goaround.dev/author themselves, and a lie is refused",
    ),
    (
        (1, 31),
        "selectable fields: kubectl get --field-selector on status.stage, spec.severity, "
        "status.phase and status.feature is refused. Filter what is listed instead",
    ),
)
"""From which version on, and what is not there before it."""

LIMIT_SECONDS: Final = 5.0


def lost(version: Version) -> list[str]:
    """What an API server of this version does not do for us, in words for people."""
    named = f"{version[0]}.{version[1]}"
    found = [
        f"API server {named} is older than {since[0]}.{since[1]}, so there are no {what}"
        for since, what in NEEDS
        if version < since
    ]
    if version < OLDEST:
        oldest = f"{OLDEST[0]}.{OLDEST[1]}"
        return [f"API server {named} is not supported: upgrade it to {oldest} or later", *found]
    return found


async def told(client: ApiClient) -> list[str]:
    """`lost` of the API server behind `client`; nothing where it does not tell its version."""
    try:
        info = await VersionApi(client).get_code(_request_timeout=LIMIT_SECONDS)
    except (ApiException, TimeoutError, aiohttp.ClientError, OSError):
        return []
    version = parsed(f"{info.major}.{info.minor}")
    return lost(version) if version is not None else []


def parsed(text: str) -> Version | None:
    """(1, 30) of `1.30`, `v1.30.4` or, as some providers say, `1.30+`; None of anything else."""
    found = re.match(r"v?(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found is not None else None
