"""Bodies and objects for tests of the flag plane, as the API server would hand them out."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import FlagResolutionDetails

from goaround.api.base import Json
from goaround.api.kinds import AIFeature, AIKillSwitch
from goaround.delivery.flagset import FlagSet
from goaround.delivery.reading import feature_facts, read_feature, read_switch

KEYS = [f"user-{n}" for n in range(2000)]
VERSIONS = itertools.count(1)
AT = "2026-11-21T10:00:00Z"


def digest(version: str) -> str:
    return "sha256:" + hashlib.sha256(version.encode()).hexdigest()


def short_digest(version: str) -> str:
    return digest(version)[7:19]


def release(version: str) -> Json:
    return {
        "model": {"name": "chat-7b", "version": "2026-11-02"},
        "prompt": {"name": "support", "version": version},
        "parameters": {"temperature": "0.2"},
    }


def known(version: str) -> Json:
    return {"digest": digest(version), "release": release(version), "since": AT}


def candidate(version: str, *, attempt: int = 1, adopted: bool = False) -> Json:
    return known(version) | {
        "planDigest": digest("plan"),
        "attempt": attempt,
        "adopted": adopted,
        "deadlineAt": AT,
    }


def feature_body(
    name: str = "chat",
    *,
    split: tuple[int, int, int] = (90, 10, 0),
    stage: str | None = "Ramping",
    good: str | None = "v41",
    flying: Json | None = None,
    **more: Any,
) -> Json:
    """A feature with v41 as last-known-good and v42 in flight, 90/10."""
    stable, flown, fallback = split
    status: Json = {
        "stage": stage,
        "split": {"stable": stable, "candidate": flown, "fallback": fallback},
        "revision": more.get("revision", 100),
        "candidate": candidate("v42") if flying is None else flying,
    }
    if good is not None:
        status["lastKnownGood"] = known(good)
    return {
        "metadata": {
            "name": name,
            "namespace": more.get("namespace", "shop"),
            "uid": more.get("uid", f"uid-{name}"),
            "creationTimestamp": more.get("created", AT),
            "labels": more.get("labels", {}),
            "resourceVersion": str(next(VERSIONS)),
        },
        "spec": {
            "mode": more.get("mode", "Enforce"),
            "delivery": [{"name": "app", "role": "Split", "flag": more.get("flag", {})}],
            "fallback": more.get("fallback", {"type": "LegacyLogic"}),
            "killSwitch": more.get("kill_switch"),
            **({"contract": more["contract"]} if "contract" in more else {}),
        },
        "status": status if stage is not None else {},
    }


def feature(name: str = "chat", **more: Any) -> AIFeature:
    read, problem = read_feature(feature_facts(feature_body(name, **more)))
    assert problem is None
    return read


def switch_body(
    name: str = "stop",
    *,
    feature: str | None = "chat",
    labels: dict[str, str] | None = None,
    latched: int | None = None,
    namespace: str = "shop",
) -> Json:
    spec: Json = {"reason": "wrong answers"}
    if labels is not None:
        spec["selector"] = {"matchLabels": labels}
    else:
        spec["featureRef"] = {"name": feature}
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{name}",
            "resourceVersion": str(next(VERSIONS)),
        },
        "spec": spec,
        "status": {"latchedRevision": latched} if latched is not None else {},
    }


def switch(name: str = "stop", **more: Any) -> AIKillSwitch:
    return read_switch(switch_body(name, **more))


def core_with(flags: FlagSet | str) -> FlagdCore:
    core = FlagdCore()
    core.set_flags(flags if isinstance(flags, str) else flags.text)
    return core


def evaluated(
    core: FlagdCore, key: str | None, flag: str = "chat.release"
) -> FlagResolutionDetails[object]:
    return core.resolve_object_value(flag, {"code": "default"}, context(key))


def context(key: str | None) -> EvaluationContext | None:
    return None if key is None else EvaluationContext(targeting_key=key)


def variants(flags: FlagSet, keys: Iterable[str] = KEYS, flag: str = "chat.release") -> list[str]:
    """The variant of each key, in order."""
    core = core_with(flags)
    return [str(evaluated(core, key, flag).variant) for key in keys]


def counted(flags: FlagSet, keys: Sequence[str] = KEYS) -> Counter[str]:
    return Counter(variants(flags, keys))


__all__ = ["FlagdCore", "feature_facts", "read_feature"]
