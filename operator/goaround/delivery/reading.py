"""What the flag plane reads from the bodies of features and kill switches.

It reads only the parts that flags depend on, so that an older replica survives a newer spec or
status. What it cannot read falls back: it refuses to guess a split.
"""

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from goaround.api.base import Json, ObjectMeta
from goaround.api.contract import FeatureContract
from goaround.api.feature import (
    AIFeatureSpec,
    Delivery,
    Fallback,
    FlagDelivery,
    KillSwitch,
    Mode,
    Role,
)
from goaround.api.kinds import AIFeature, AIKillSwitch
from goaround.api.status import ALL_FALLBACK, AIFeatureStatus

METADATA = ("name", "namespace", "uid", "creationTimestamp", "labels")
SPEC = ("mode", "delivery", "fallback", "contract", "killSwitch")
STATUS = (
    "stage",
    "split",
    "revision",
    "lastKnownGood",
    "previousGood",
    "candidate",
    "killSwitch",
    "restraints",
    "reproducing",
)
PREFLIGHT = ("pin",)
SWITCH = ("featureRef", "selector", "drill")


def feature_facts(body: Json) -> Json:
    """The parts of an AIFeature on which its flags depend: equal facts give equal flags."""
    status = body.get("status") or {}
    pin = _picked(status.get("preflight"), PREFLIGHT)
    return {
        "metadata": _picked(body.get("metadata"), METADATA),
        "spec": _picked(body.get("spec"), SPEC),
        "status": _picked(status, STATUS) | ({"preflight": pin} if pin else {}),
    }


def _picked(part: Any, keys: Iterable[str]) -> Json:
    found = part if isinstance(part, dict) else {}
    return {key: found[key] for key in keys if key in found}


def read_feature(facts: Json) -> tuple[AIFeature, str | None]:
    """The feature, and what could not be read; such a feature can only serve its fallback."""
    try:
        spec, status = _spec(facts["spec"]), _status(facts["status"])
        problem = None
    except ValidationError as error:
        spec, status = _salvaged_spec(facts["spec"]), _salvaged_status(facts["status"])
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        problem = f"{error.title} cannot be read ({where}: {first['msg']}); the fallback serves"
    metadata = ObjectMeta.model_validate(facts["metadata"])
    return AIFeature.model_construct(metadata=metadata, spec=spec, status=status), problem


def _spec(raw: Json) -> AIFeatureSpec:
    killed, stated = raw.get("killSwitch"), raw.get("contract")
    return AIFeatureSpec.model_construct(
        # a mode of a newer operator is no reason to ignore a kill switch
        mode=Mode.OBSERVE if raw.get("mode") == Mode.OBSERVE else Mode.ENFORCE,
        delivery=[Delivery.model_validate(one) for one in raw.get("delivery") or [None]],
        fallback=Fallback.model_validate(raw.get("fallback") or {}),
        contract=FeatureContract.model_validate(stated) if stated else None,
        kill_switch=KillSwitch.model_validate(killed) if killed else None,
    )


def _status(raw: Json) -> AIFeatureStatus:
    """A stage of a newer operator is kept as it is: only `Killed` means anything here."""
    known = {key: value for key, value in raw.items() if key != "stage"}
    return AIFeatureStatus.model_validate(known).but(stage=raw.get("stage"))


def _salvaged_spec(raw: Json) -> AIFeatureSpec:
    flag = FlagDelivery.model_construct(key=_declared_key(raw))
    return AIFeatureSpec.model_construct(
        delivery=[Delivery.model_construct(name="flag", role=Role.SPLIT, flag=flag)],
        fallback=_salvaged_fallback(raw.get("fallback")),
        contract=None,
        kill_switch=None,
    )


def _salvaged_status(raw: Json) -> AIFeatureStatus:
    revision = raw.get("revision")
    return AIFeatureStatus(
        split=ALL_FALLBACK, revision=revision if isinstance(revision, int) else 0
    ).but(stage=raw.get("stage"))


def _salvaged_fallback(raw: object) -> Fallback:
    try:
        return Fallback.model_validate(raw or {})
    except ValidationError:
        return Fallback()


def _declared_key(raw: Json) -> str | None:
    match raw.get("delivery"):
        case [{"flag": {"key": str(key)}}, *_]:
            return key
        case _:
            return None


def read_switch(body: Json) -> AIKillSwitch:
    """A kill switch; raises ValidationError when it cannot be said what it kills."""
    return AIKillSwitch.model_validate(
        {
            "metadata": _picked(body.get("metadata"), METADATA),
            "spec": {"reason": "-"} | _picked(body.get("spec"), SWITCH),
            "status": _picked(body.get("status"), ("latchedRevision", "endedAt")),
        }
    )
