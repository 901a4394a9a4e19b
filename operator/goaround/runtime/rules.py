"""What the schema cannot check: providers by name, selectors by parsing, flag keys among siblings.

Each fault becomes one sentence on the object: what, limit, what to do.
"""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import ValidationError

from goaround.api import names
from goaround.api.kinds import AIFeature
from goaround.api.reasons import Reason
from goaround.delivery.flagset import key_owners, owns_its_keys, wanted_keys
from goaround.rollout.observed import Problem
from goaround.runtime.signal_rules import faults
from goaround.world.kube import Body
from goaround.world.prom_drift import selectors_of
from goaround.world.prometheus import Provider
from goaround.world.promql import SelectorError, parse_selector


def problems(
    feature: AIFeature, siblings: Sequence[Body], providers: Mapping[str, Provider]
) -> Iterator[Problem]:
    """Everything a person must change before this feature may go up. `siblings`: at least those
    of its namespace that claim one of its flag keys."""
    yield from _provider(feature, providers)
    yield from _selectors(feature, providers)
    yield from _drift(feature, providers)
    yield from _flag_key(feature, siblings)


def _provider(feature: AIFeature, providers: Mapping[str, Provider]) -> Iterator[Problem]:
    wanted = feature.spec.acceptance.provider
    if wanted not in providers:
        known = ", ".join(sorted(providers)) or "none"
        yield Problem(
            Reason.UNKNOWN_PROVIDER,
            f"acceptance.provider {wanted!r} is not configured; the administrator's file has: "
            f"{known}. Use one of these, or ask an administrator to add it.",
        )


def _selectors(feature: AIFeature, providers: Mapping[str, Provider]) -> Iterator[Problem]:
    provider = providers.get(feature.spec.acceptance.provider)
    labels = provider.labels if provider is not None else None
    for signal in feature.spec.acceptance.signals:
        for fault in faults(signal, labels):
            told = f"acceptance.signals[{signal.name}].{fault}"
            yield Problem(Reason.INVALID_SPEC, told[:1024])


def _drift(feature: AIFeature, providers: Mapping[str, Provider]) -> Iterator[Problem]:
    provider, drift = providers.get(feature.spec.acceptance.provider), feature.spec.drift
    if drift is None or provider is None:
        return
    for watched in drift.inputs:
        for _, text in selectors_of(watched):
            try:
                parse_selector(text, provider.labels)
            except SelectorError as error:
                told = f"drift.inputs[{watched.name}]: {error}"
                yield Problem(Reason.INVALID_SPEC, told[:1024])


def _flag_key(feature: AIFeature, siblings: Sequence[Body]) -> Iterator[Problem]:
    rivals = [f for f in (_rival(feature, b) for b in siblings) if f is not None]
    owners = key_owners([feature, *rivals])
    if not rivals or owns_its_keys(feature, owners):
        return
    namespace, name = feature.key
    taken = [
        f"{key} by {owner[1]}"
        for key in wanted_keys(feature)
        if (owner := owners.get((namespace, key))) is not None and owner[1] != name
    ]
    yield Problem(
        Reason.FLAG_KEY_TAKEN,
        f"flag key taken in this namespace: {', '.join(taken)}. The older feature keeps it; set "
        f"delivery[].flag.key to something else (default {names.flag_key(name, None)}).",
    )


def lacks_a_key(body: Body) -> bool:
    """Whether another feature owned its flag key at its last pass; read raw, there are many."""
    conditions = (body.get("status") or {}).get("conditions") or []
    return any(c.get("reason") == Reason.FLAG_KEY_TAKEN for c in conditions)


def claims(body: Body) -> tuple[str, str]:
    """The flag keys that a feature wants; read raw, because there are many."""
    name = body["metadata"]["name"]
    planes = (body.get("spec") or {}).get("delivery") or [{}]
    declared = (planes[0].get("flag") or {}).get("key")
    return names.flag_key(name, declared), names.bucket_key(name)


def _rival(feature: AIFeature, body: Body) -> AIFeature | None:
    """A sibling that wants one of this feature's keys."""
    name = body["metadata"]["name"]
    if name == feature.metadata.name or set(claims(body)).isdisjoint(wanted_keys(feature)):
        return None
    try:
        return AIFeature.model_validate(body)
    except ValidationError:
        return None
