"""How the demo application joins: what it hands to the reference client, and nothing else.

Decides how a release answers a question, and what customers get instead: the legacy answer, which
is the code default, too. It refuses to serve what no release of the catalogue is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry

from examples.client.goaround_client import (
    SWITCHED_OFF,
    Ask,
    ContractViolation,
    GoAround,
    Reply,
    Wire,
)
from examples.demo.catalogue import Catalogue, Release
from examples.demo.fallback import legacy_answer
from examples.demo.language import detect_language
from examples.demo.schema import Answer

# Seconds; a good release needs about 0.0005, the slow model 0.02.
LATENCY_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5)


@dataclass(frozen=True, slots=True)
class FlagSource:
    """Where the flag stream is and which flag to read; no `key` means `<feature>.release`."""

    namespace: str
    feature: str
    host: str
    port: int
    key: str = ""


def joined(source: FlagSource, registry: CollectorRegistry) -> GoAround:
    """The client of the feature, not started."""
    return GoAround(
        namespace=source.namespace,
        feature=source.feature,
        registry=registry,
        instead={"CodeDefault": _legacy, "LegacyLogic": _legacy, "Disabled": _switched_off},
        key=source.key,
        bounds={"ai_request_seconds": LATENCY_BOUNDS},
    )


def asking(catalogue: Catalogue) -> Ask:
    """How a release answers. An answer off the schema is a violation, an unknown part an error."""

    def ask(release: Wire, request: Mapping[str, Any]) -> Reply:
        answerer = catalogue.answerer(Release.model_validate(release))
        outcome = answerer.answer(request["question"])
        if outcome.answer is None:
            raise ContractViolation("the output is not one answer of the schema")
        return Reply(outcome.answer.model_dump(), outcome.result.value)

    return ask


def _legacy(request: Mapping[str, Any], _: Wire) -> dict[str, Any]:
    return legacy_answer(request["question"]).model_dump()


def _switched_off(request: Mapping[str, Any], member: Wire) -> dict[str, Any]:
    language = detect_language(request["question"])
    text = member.get("text") or SWITCHED_OFF
    return Answer(answer=text, sources=[], confidence=0.0, language=language).model_dump()
