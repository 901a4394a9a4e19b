"""`goaround lint FILE…`: would the API server and the operator accept these manifests?

Decides offline, by the models, the rules of the schema and the operator's own parsing of selectors;
rules about changes, names of providers and what else is in the cluster are not known here. Exit
codes: 0 none is wrong, 2 something is (with --strict a warning, too), 1 cannot be read.
"""

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from goaround.cli.command import OK, REFUSED, CommandError, Parser, harmless, run, say
from goaround.cli.output import add_output, say_as

if TYPE_CHECKING:
    from goaround.api.acceptance import Signal

Json = dict[str, Any]
SUFFIXES: Final = (".yaml", ".yml", ".json")


class SignalFaults:
    """What the operator refuses in a signal: lent to the command, as rooms of one rank do not
    import one another."""

    def __init__(self, faults: "Callable[[Signal], Iterable[str]]") -> None:
        self.of = faults


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or risky (`warning`)."""

    file: str
    object: str
    level: str
    message: str


def main(argv: Sequence[str], signals: Callable[[], SignalFaults]) -> int:
    """The exit code. signals: loaded only where something is read."""
    parser = Parser(prog="goaround lint", description="would these manifests be accepted?")
    parser.add_argument("files", nargs="+", metavar="FILE", help="YAML; a folder; - for stdin")
    parser.add_argument("--strict", action="store_true", help="warnings count as faults")
    add_output(parser)
    return run(parser, argv, partial(_lint, signals=signals))


def _lint(args: argparse.Namespace, signals: Callable[[], SignalFaults]) -> int:
    from goaround.cli import manifest

    found, looked_at, lent = list[Finding](), 0, signals()
    for path in _files(args.files):
        bodies = manifest.objects(path)
        looked_at += len(bodies)
        for body in bodies:
            found += findings(path, body, lent)
    wrong = any(f.level == "wrong" or args.strict for f in found)
    if not say_as(args.output, [asdict(f) for f in found]):
        lines = [f"{f.file}: {f.object}: {f.level}: {f.message}" for f in found]
        lines.append(f"{looked_at} objects: {_count(found)}")
        say(harmless("\n".join(lines)))
    return REFUSED if wrong else OK


def _files(named: Sequence[str]) -> list[str]:
    """Those that were named, and the manifests in folders. Raises CommandError."""
    found: list[str] = []
    for name in named:
        if name != "-" and Path(name).is_dir():
            inside = sorted(str(p) for p in Path(name).rglob("*") if p.suffix in SUFFIXES)
            if not inside:
                raise CommandError(f"{name}: no manifest in this folder ({', '.join(SUFFIXES)})")
            found += inside
        else:
            found.append(name)
    return found


def _count(found: Sequence[Finding]) -> str:
    wrong = sum(f.level == "wrong" for f in found)
    risky = len(found) - wrong
    return ", ".join(
        [
            f"{wrong} faults" if wrong != 1 else "1 fault",
            f"{risky} warnings" if risky != 1 else "1 warning",
        ]
    )


def findings(file: str, body: Json, signals: SignalFaults) -> list[Finding]:
    """All about one object. What is not ours is nobody's fault here."""
    from goaround.api import API_VERSION, GROUP
    from goaround.api.kinds import SERVED

    kind, version = str(body.get("kind") or "no kind"), str(body.get("apiVersion") or "")
    served = next((s for s in SERVED if s.kind.kind == kind), None)
    meta = body.get("metadata")
    name = f"{kind} {meta.get('name', '(no name)') if isinstance(meta, dict) else '(no name)'}"
    tell = partial(Finding, file, name)
    if version.partition("/")[0] != GROUP:
        if served is not None:
            return [tell("wrong", f"apiVersion is {version!r}, it must be {API_VERSION}")]
        return []
    if served is None:
        known = ", ".join(s.kind.kind for s in SERVED)
        return [tell("wrong", f"there is no such kind: there is {known}")]
    if version != API_VERSION:
        return [tell("wrong", f"apiVersion is {version!r}, it must be {API_VERSION}")]
    faults, warnings = _judged(body, served.kind.kind, signals)
    return [*(tell("wrong", f) for f in faults), *(tell("warning", w) for w in warnings)]


def _judged(body: Json, kind: str, signals: SignalFaults) -> tuple[list[str], list[str]]:
    """Faults and warnings of one of our kinds."""
    from goaround.api import kinds
    from goaround.cli import lint_advice
    from goaround.cli.manifest import checked

    served = next(s for s in kinds.SERVED if s.kind.kind == kind)
    model, faults = checked(body, getattr(kinds, kind), served.spec)
    faults = [*_named(body), *lint_advice.of_object(body, served), *faults]
    if isinstance(model, kinds.AIFeature):
        for signal in model.spec.acceptance.signals:
            at = f"spec.acceptance.signals[{signal.name}]"
            faults += [f"{at}.{fault}" for fault in signals.of(signal)]
        return faults, lint_advice.risky(model) if not faults else []
    return faults, lint_advice.misplaced(kind)


def _named(body: Json) -> list[str]:
    meta = body.get("metadata")
    if isinstance(meta, dict) and (meta.get("name") or meta.get("generateName")):
        return []
    return ["metadata.name is missing"]
