"""`goaround freeze check FEATURE`: may a pipeline change what belongs to this feature now?

Says by which incidents it is frozen, and what ends that. Changes nothing, and frees nothing: only
people do, on the incident. Exit codes: 0 free, 2 frozen, 1 not to be had.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from goaround.cli.command import OK, REFUSED, Parser, printable, run, say
from goaround.cli.connection import Ask, add_connection, ask_cluster, where
from goaround.cli.output import add_output, say_as

if TYPE_CHECKING:
    from goaround.api.kinds import AIFeature, AIIncident

SUMMARY: Final = "may a pipeline change what belongs to a feature now"


@dataclass(frozen=True, slots=True)
class Freeze:
    """What freezes a feature. by: open incidents, with severity and phase. passed: those of them
    that somebody with verb `breakglass` lets one release through."""

    feature: str
    by: tuple[tuple[str, str, str], ...]
    passed: tuple[str, ...] = ()

    @property
    def is_frozen(self) -> bool:
        return any(name not in self.passed for name, _, _ in self.by)


def main(argv: Sequence[str], ask: Ask = ask_cluster) -> int:
    """The exit code."""
    return run(_parser(), argv, lambda args: _run(args, ask))


def _parser() -> Parser:
    parser = Parser(prog="goaround freeze", description=SUMMARY)
    parser.add_argument("action", choices=("check",), help="leave with 0: free, 2: frozen")
    parser.add_argument("feature", help="name of the AIFeature")
    add_connection(parser)
    add_output(parser)
    return parser


def _run(args: argparse.Namespace, ask: Ask) -> int:
    from goaround.cli.cluster import read_troubles

    return answer(freeze_of(*read_troubles(where(args), args.feature, ask)), args.output)


def freeze_of(feature: "AIFeature", incidents: Sequence["AIIncident"]) -> Freeze:
    """By the rules by which the operator freezes."""
    from goaround.api.gravity import freezes
    from goaround.rollout.freeze import is_over

    found = sorted(
        (i.metadata.name, str(i.spec.severity), str(i.status.phase or "Detected"))
        for i in incidents
        if freezes(i.spec) and not is_over(i)
    )
    glass = feature.status.break_glass
    passed = (glass.incident,) if glass is not None and glass.incident is not None else ()
    return Freeze("/".join(feature.key), tuple(found), passed)


def answer(found: Freeze, output: str) -> int:
    """Print it in this form; the exit code."""
    if not say_as(output, _as_json(found)):
        say(_as_text(found))
    return REFUSED if found.is_frozen else OK


def _as_text(found: Freeze) -> str:
    if not found.by:
        return printable(f"{found.feature} is free: no grave incident is open")
    state = "frozen" if found.is_frozen else "free: somebody broke the glass"
    lines = [f"{found.feature} is {state}"]
    for name, severity, phase in found.by:
        glass = " (glass broken: one release may pass)" if name in found.passed else ""
        lines.append(f"  AIIncident {name}: {severity}, {phase}{glass}")
    if found.is_frozen:
        lines.append("change nothing but the way back, until people set its spec.requestedPhase:")
        lines.append("  kubectl describe aiincident " + next(n for n, _, _ in found.by))
    return "\n".join(map(printable, lines))


def _as_json(found: Freeze) -> dict[str, object]:
    by = [
        {"incident": name, "severity": severity, "phase": phase, "passed": name in found.passed}
        for name, severity, phase in found.by
    ]
    return {"feature": found.feature, "frozen": found.is_frozen, "by": by}
