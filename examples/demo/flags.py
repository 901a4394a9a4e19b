"""Which arm a user is on: the release flag and the bucket flag, evaluated in this process.

Decides the variant label, the bucket label and the release payload of one request, following the
rule for apps: never end the stream by deadline, reconnect fast, code default = fallback, survive
a flag server that is not there at boot. It refuses to label traffic that was not randomised as
stable or candidate.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import OpenFeatureError
from openfeature.flag_evaluation import FlagEvaluationDetails, FlagValueType, Reason

log = logging.getLogger(__name__)

STABLE, CANDIDATE, FALLBACK, UNASSIGNED = "stable", "candidate", "fallback", "unassigned"
GOLDEN = "golden"
GOLDEN_VARIANTS = (GOLDEN, "goldenStable")
BUCKETS = tuple(f"b{n:02d}" for n in range(20))
_CODE_DEFAULT: Mapping[str, FlagValueType] = {"enabled": False, "release": ""}


@dataclass(frozen=True, slots=True)
class FlagSource:
    """Where the flag stream is and which flag to read; no `key` means `<feature>.release`."""

    namespace: str
    feature: str
    host: str
    port: int
    key: str = ""

    @property
    def selector(self) -> str:
        return f"{self.namespace}/{self.feature}"

    @property
    def release_key(self) -> str:
        return self.key or f"{self.feature}.release"

    @property
    def bucket_key(self) -> str:
        return f"{self.feature}.bucket"


@dataclass(frozen=True, slots=True)
class Assignment:
    """One evaluated request; no release means the legacy logic serves."""

    variant: str
    bucket: str
    release: Mapping[str, object] | None


class FeatureFlags:
    """The flag stream of one feature, evaluated in process."""

    def __init__(self, source: FlagSource) -> None:
        self._source = source
        self._provider = FlagdProvider(
            host=source.host,
            port=source.port,
            tls=False,
            resolver_type=ResolverType.IN_PROCESS,
            selector=source.selector,
            stream_deadline_ms=0,
            retry_backoff_ms=100,
            retry_backoff_max_ms=200,
        )
        self._client = api.get_client(domain=source.selector)

    def start(self) -> bool:
        """Connect; blocks up to 0.5 s. False: no flags yet, the provider goes on trying."""
        try:
            api.set_provider_and_wait(self._provider, domain=self._source.selector)
        except OpenFeatureError as error:
            log.warning(
                "flags=absent serving=code-default selector=%s error=%s",
                self._source.selector,
                error,
            )
            return False
        return True

    def stop(self) -> None:
        """End the stream; the last known flags keep answering."""
        self._provider.shutdown()

    def assign(self, user: str) -> Assignment:
        """The arm of `user`; an empty user is nobody's arm."""
        context = EvaluationContext(targeting_key=user or None)
        details = self._client.get_object_details(self._source.release_key, _CODE_DEFAULT, context)
        value = details.value
        if not isinstance(value, Mapping) or value.get("enabled") is not True:
            return Assignment(FALLBACK, self._bucket(user, context), None)
        variant = _label(details) if user else UNASSIGNED
        return Assignment(variant, self._bucket(user, context), dict(value))

    def pinned(self, pin: str) -> Assignment:
        """The release that a golden run pinned. Whatever the pin, nobody of it counts as a user."""
        context = EvaluationContext(targeting_key=pin)
        details = self._client.get_object_details(self._source.release_key, _CODE_DEFAULT, context)
        value = details.value
        if not isinstance(value, Mapping) or value.get("enabled") is not True:
            return Assignment(FALLBACK, "", None)
        label = GOLDEN if details.variant in GOLDEN_VARIANTS else UNASSIGNED
        return Assignment(label, "", dict(value))

    def _bucket(self, user: str, context: EvaluationContext) -> str:
        """The bucket of a user, empty without user or bucket flag: labels stay bounded."""
        if not user:
            return ""
        bucket = self._client.get_string_value(self._source.bucket_key, "", context)
        return bucket if bucket in BUCKETS else ""


def _label(details: FlagEvaluationDetails[object]) -> str:
    """`unassigned` unless the flag itself chose an arm for this user."""
    if details.reason == Reason.DEFAULT or details.variant not in (STABLE, CANDIDATE):
        return UNASSIGNED
    return details.variant
