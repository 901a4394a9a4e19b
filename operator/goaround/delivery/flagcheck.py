"""Whether flagd-core would take a flag, and judge it as meant.

A provider refuses a whole set because of one bad flag, kills included, so nothing enters a set
unchecked. Pure: it parses and evaluates, and refuses to repair.
"""

import json
from collections.abc import Mapping

from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import OpenFeatureError
from openfeature.flag_evaluation import Reason

from goaround.api.base import Json

PROBE = EvaluationContext(targeting_key="probe")


def dumped(members: Mapping[str, object]) -> str:
    """The inside of a JSON object, without its braces, so that sets can be joined.

    Raises ValueError or TypeError for what JSON has no word for.
    """
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False, allow_nan=False)[1:-1]


def refusal(key: str, flag: Json) -> str | None:
    """Why the flag must not enter a set; None: it may."""
    try:
        core = FlagdCore()
        text = f'{{"flags":{{{dumped({key: flag})}}}}}'
        core.set_flags(text.encode().decode())  # half a surrogate pair cannot be sent
        return _misjudged(core, key, flag)
    except (OpenFeatureError, ValueError, TypeError, RecursionError) as error:
        return f"{type(error).__name__}: {error}"


def _misjudged(core: FlagdCore, key: str, flag: Json) -> str | None:
    if len({type(value) for value in flag["variants"].values()}) != 1:
        return "its variants are not all of one type"
    split = "targeting" in flag
    wanted = Reason.DEFAULT if split else Reason.STATIC
    variant, reason = _evaluated(core, key, flag, None)
    if variant != flag["defaultVariant"] or reason != wanted:
        return f"without a targeting key it evaluates to {variant} ({reason})"
    variant, reason = _evaluated(core, key, flag, PROBE)
    if split and reason != Reason.TARGETING_MATCH:
        return f"with a targeting key it evaluates to {variant} ({reason})"
    return None


def _evaluated(
    core: FlagdCore, key: str, flag: Json, context: EvaluationContext | None
) -> tuple[str | None, str | None]:
    if isinstance(next(iter(flag["variants"].values())), str):
        text = core.resolve_string_value(key, "", context)
        return text.variant, text.reason
    value = core.resolve_object_value(key, {}, context)
    return value.variant, value.reason
