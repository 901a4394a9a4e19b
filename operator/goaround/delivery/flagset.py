"""The flags of one feature: a stateless projection of its status and of the kill switches.

It decides nothing: split, releases and kills are read, never judged. A flag that flagd-core would
refuse never enters a set; a static fallback takes its place and the set says so. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from goaround.api import names
from goaround.api.base import Json
from goaround.api.digest import short
from goaround.api.feature import Mode
from goaround.api.kinds import AIFeature, AIKillSwitch
from goaround.api.reasons import Stage
from goaround.api.status import ALL_FALLBACK, AIFeatureStatus, KnownRelease, Split
from goaround.delivery.drills import means
from goaround.delivery.flagcheck import dumped, refusal
from goaround.delivery.flagpins import GOLDEN, GOLDEN_STABLE, Pinned, rules
from goaround.delivery.flagvalues import (
    BARE_FALLBACK,
    NO_TEXTS,
    Texts,
    stable_of,
    unserved,
    values,
)

SCHEMA = "https://flagd.dev/schema/v0/flags.json"
MAX_SET_BYTES = 3 * 1024 * 1024
BUCKETS = tuple(f"b{n:02d}" for n in range(20))

FeatureKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class KillView:
    """A kill switch in sight, or one that vanished and is still remembered."""

    switch: AIKillSwitch
    vanished: bool = False

    def holds(self, feature: AIFeature) -> bool:
        """Whether it keeps the feature on its fallback.

        A vanished switch holds until the feature's revision passes the one that recorded the kill,
        so that a deletion seen before the operator's answer raises nothing.
        """
        if not self.switch.matches(feature.metadata) or not means(self.switch, feature):
            return False
        if not self.vanished:
            return True
        latched = self.switch.status.latched_revision
        return latched is not None and feature.status.revision <= latched


@dataclass(frozen=True, slots=True)
class FlagSet:
    """Flags by key, each accepted by flagd-core, and what was wrong with those that were not."""

    set_id: str
    flags: Mapping[str, Json]
    problems: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return set_text(self.set_id, [dumped(self.flags)])


class SetTooLarge(Exception):
    """A set over the limit: providers would drop it silently, with every kill in it."""


def set_text(set_id: str, parts: Iterable[str]) -> str:
    """One flagd document from parts made by `flagcheck.dumped`; raises SetTooLarge."""
    flags = ",".join(part for part in parts if part)
    metadata = dumped({"flagSetId": set_id})
    text = f'{{"$schema":"{SCHEMA}","metadata":{{{metadata}}},"flags":{{{flags}}}}}'
    size = len(text.encode())
    if size > MAX_SET_BYTES:
        raise SetTooLarge(
            f"the flag set of {set_id} has {size:,} bytes; the limit is {MAX_SET_BYTES:,}. "
            "Use the selector <namespace>/<feature> instead of a whole namespace"
        )
    return text


def is_killed(feature: AIFeature, kills: Sequence[KillView]) -> bool:
    """Whether any source says killed: status, Git, or a switch; mode Observe obeys only status."""
    declared = feature.spec.kill_switch
    if feature.spec.mode is Mode.OBSERVE:
        return feature.status.stage == Stage.KILLED
    return (
        feature.status.stage == Stage.KILLED
        or (declared is not None and declared.engaged)
        or any(kill.holds(feature) for kill in kills)
    )


def served_split(feature: AIFeature, kills: Sequence[KillView]) -> Split:
    """How users are divided now, whatever status says of a feature that is killed."""
    return ALL_FALLBACK if is_killed(feature, kills) else feature.status.split


def feature_flags(
    feature: AIFeature,
    kills: Sequence[KillView],
    pinned: Pinned | None = None,
    texts: Texts = NO_TEXTS,
) -> FlagSet:
    """The two flags of a feature; none as long as the operator has decided nothing. `pinned`
    selects a release for golden runs, unless the feature is killed. `texts`: those that releases
    have by reference; one whose texts are not there is not served, but the fallback.

    Without a flag an app serves its code default, which is the fallback.
    """
    set_id = "/".join(feature.key)
    if feature.status.stage is None:
        return FlagSet(set_id, {})
    name, killed = feature.metadata.name, is_killed(feature, kills)
    key = names.flag_key(name, feature.spec.flag.key)
    bucket = names.bucket_key(name)
    served = values(feature, texts)
    if killed and texts:  # a kill must not be as long as the texts that nobody gets
        served = dict.fromkeys(served, served["fallback"])
    release, why = _accepted(
        key,
        (
            _release_flag(feature, served, killed=killed, pinned=pinned),
            _static(served["fallback"]),
            _static(BARE_FALLBACK),
        ),
    )
    units, why_not = _buckets(bucket, set_id, feature.metadata.uid)
    return FlagSet(
        set_id, {key: release, bucket: units}, (*why, *why_not, *unserved(feature, texts))
    )


def _accepted(key: str, offers: Sequence[Json]) -> tuple[Json, tuple[str, ...]]:
    """The first flag that flagd-core takes, and why it did not take those before; the last offer
    is constant, and taken."""
    problems: list[str] = []
    for flag in offers[:-1]:
        reason = refusal(key, flag)
        if reason is None:
            return flag, tuple(problems)
        problems.append(f"flag {key} was replaced by a static fallback: {reason}")
    return offers[-1], tuple(problems)


def _release_flag(
    feature: AIFeature, served: dict[str, Json], *, killed: bool, pinned: Pinned | None
) -> Json:
    status = feature.status
    stable = stable_of(status)
    flag: Json = {
        "state": "ENABLED",
        "variants": dict(served),
        "metadata": _metadata(feature, stable, killed=killed),
    }
    if not killed and pinned is not None and status.candidate is not None:
        return _with_pins(feature, flag, pinned, stable)
    if killed or status.split.fallback == 100:
        return flag | {"defaultVariant": "fallback"}
    return flag | {
        "defaultVariant": _without_key(status.split, stable),
        "targeting": _guarded(_salt(feature), _shares(status.split)),
    }


def _with_pins(feature: AIFeature, flag: Json, pinned: Pinned, stable: KnownRelease | None) -> Json:
    """The flag with a variant of its own for each release under test. Whoever has no pin is served
    as ever."""
    split, variants = feature.status.split, flag["variants"]
    if feature.status.candidate is not None:
        variants[GOLDEN] = variants["candidate"]
    if stable is not None:
        variants[GOLDEN_STABLE] = variants["stable"]
    everybody = split.fallback == 100
    served = "fallback" if everybody else _split(_salt(feature), _shares(split))
    return flag | {
        "defaultVariant": "fallback" if everybody else _without_key(split, stable),
        "targeting": {"if": [*rules(pinned, variants), {"var": "targetingKey"}, served, None]},
    }


def _without_key(split: Split, stable: KnownRelease | None) -> str:
    """What traffic without a targeting key gets: stable, unless nobody may be sent there."""
    if stable is None or (split.stable == 0 and split.fallback > 0):
        return "fallback"
    return "stable"


def _static(payload: Json) -> Json:
    return {
        "state": "ENABLED",
        "defaultVariant": "fallback",
        "variants": dict.fromkeys(("stable", "candidate", "fallback"), payload),
    }


def _metadata(feature: AIFeature, stable: KnownRelease | None, *, killed: bool) -> Json:
    status = feature.status
    candidate = status.candidate
    return {
        "feature": "/".join(feature.key),
        "uid": feature.metadata.uid,
        "revision": status.revision,
        "attempt": candidate.attempt if candidate else 0,
        "stage": Stage.KILLED if killed else status.stage,
        "stableRelease": short(stable.digest) if stable else "",
        "candidateRelease": short(candidate.digest) if candidate else "",
        **_filters(status),
    }


def _filters(status: AIFeatureStatus) -> Json:
    """Filters of the app that an open incident switches on; no key where none is."""
    named = sorted({r.filter for r in status.restraints if r.filter is not None})
    return {"filters": ",".join(named)} if named else {}


def _salt(feature: AIFeature) -> str:
    candidate = feature.status.candidate
    if candidate is None:
        return feature.metadata.uid
    return names.salt(feature.metadata.uid, candidate.digest, candidate.attempt)


def _shares(split: Split) -> list[list[str | int]]:
    """Always this order and a total of 100: nobody leaves the candidate when its share rises.
    A weight of 0 is exact (evaluated with flagd-core)."""
    return [["candidate", split.candidate], ["stable", split.stable], ["fallback", split.fallback]]


def _guarded(salt: str, shares: list[list[str | int]]) -> Json:
    """A split by salted targeting key. Without the guard the key "" falls where the salt alone
    falls, and some salts send all keyless traffic to the candidate."""
    return {"if": [{"var": "targetingKey"}, _split(salt, shares), None]}


def _split(salt: str, shares: list[list[str | int]]) -> Json:
    return {"fractional": [{"cat": [salt, {"var": "targetingKey"}]}, *shares]}


# it never changes, and is the dearer of the two flags to check
@lru_cache(maxsize=8192)
def _buckets(key: str, feature: str, uid: str) -> tuple[Json, tuple[str, ...]]:
    flag = _static_bucket() | {
        "targeting": _guarded(f"{uid}/bucket", [[bucket, 1] for bucket in BUCKETS]),
        "metadata": {"feature": feature, "uid": uid},
    }
    return _accepted(key, (flag, _static_bucket()))


def _static_bucket() -> Json:
    return {
        "state": "ENABLED",
        "defaultVariant": BUCKETS[0],
        "variants": {bucket: bucket for bucket in BUCKETS},
    }


def wanted_keys(feature: AIFeature) -> tuple[str, str]:
    """The two flag keys that the feature needs in its namespace."""
    name = feature.metadata.name
    return names.flag_key(name, feature.spec.flag.key), names.bucket_key(name)


def key_owners(features: Iterable[AIFeature]) -> Mapping[tuple[str, str], FeatureKey]:
    """Who owns each flag key, `(namespace, key)` to `(namespace, name)`: the older object.

    A feature gets both of its keys or none, so a feature that loses one blocks nobody else.
    """
    owners: dict[tuple[str, str], FeatureKey] = {}
    for feature in sorted(features, key=_age):
        keys = {(feature.metadata.namespace, key) for key in wanted_keys(feature)}
        if len(keys) == 2 and not keys & owners.keys():
            owners |= dict.fromkeys(keys, feature.key)
    return owners


def owns_its_keys(feature: AIFeature, owners: Mapping[tuple[str, str], FeatureKey]) -> bool:
    """Whether the feature may have flags; if not, it is `Stalled` with `FlagKeyTaken`."""
    namespace = feature.metadata.namespace
    return all(owners.get((namespace, key)) == feature.key for key in wanted_keys(feature))


def _age(feature: AIFeature) -> tuple[datetime, str, str]:
    metadata = feature.metadata
    created = metadata.creation_timestamp or datetime.min.replace(tzinfo=UTC)
    return created, metadata.uid, metadata.name
