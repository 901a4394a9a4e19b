"""`goaround plan`: will this ramp fly, what can it find, how long does it take.

Decides where the traffic of the forecast comes from: a Prometheus that answers, else the options.
Exit codes: 0 it flies, 2 it will not, 1 usage or input that cannot be read. The same input gives
the same output: the dice of the rehearsal have a fixed seed.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from goaround.cli.command import (
    OK,
    REFUSED,
    CommandError,
    Parser,
    add_provider,
    positive,
    run,
    say,
)

if TYPE_CHECKING:
    from goaround.api.kinds import AIFeature
    from goaround.cli.signals import Signals
    from goaround.evidence.flightplan import Traffic

SUMMARY: Final = "will this ramp fly, what can it find, how long does it take"
DETAILS: Final = """\
exit codes: 0 the plan flies, 2 it will not (the reasons are told), 1 usage or input problem.
Times run to the proof (window end plus lag); add up to one scrape for what people see."""
SEED: Final = 20
DEFAULT_RPS: Final = 10.0


def main(argv: Sequence[str], signals: Callable[[], "Signals"]) -> int:
    """The exit code. signals: how they are read, asked for only where something is read."""
    return run(_parser(), argv, partial(_run, signals=signals))


def _parser() -> Parser:
    parser = Parser(
        prog="goaround plan",
        description=SUMMARY,
        epilog=DETAILS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-f", "--filename", required=True, help="the feature's YAML; - for stdin")
    parser.add_argument("--name", help="which AIFeature, where the file holds several")
    parser.add_argument(
        "--rps", type=positive, help="requests per second in all, where no Prometheus tells"
    )
    parser.add_argument(
        "--stable-rate",
        action="append",
        default=[],
        type=_rate,
        metavar="[SIGNAL=]SHARE",
        help="bad share of a healthy release, of all signals or one; for a signal with min the "
        "share of misses (default 0.01, or a quarter of the bound)",
    )
    add_provider(parser, "read the rates of the last hour")
    parser.add_argument(
        "--first", action="store_true", help="the first release: no stable one to compare with"
    )
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    return parser


def _rate(text: str) -> tuple[str | None, float]:
    """`0.01` for all signals, `name=0.01` for one."""
    name, _, number = text.rpartition("=")
    share = positive(number)
    if share > 1:
        raise argparse.ArgumentTypeError(f"{number!r} is no share: write 0.01 for 1 %")
    return name or None, share


@dataclass(frozen=True, slots=True)
class Basis:
    """What a forecast rests on, and in words where it comes from."""

    traffic: "Traffic"
    source: str
    notes: Sequence[str] = ()


def _run(args: argparse.Namespace, signals: Callable[[], "Signals"]) -> int:
    # heavy: only once the command line is known to make sense
    import numpy as np

    from goaround.cli import manifest, plan_text
    from goaround.evidence.flightplan import flight_plan, in_live

    feature = manifest.feature(args.filename, args.name)
    try:
        basis = _basis(args, feature, signals)
        plan = flight_plan(
            feature.spec,
            basis.traffic,
            np.random.default_rng(SEED),
            with_stable=not args.first,
            lag=args.lag,
        )
    except ValueError as err:
        raise CommandError(f"{args.filename}: {err}") from err
    notes = [*basis.notes, *in_live(feature.spec, basis.traffic)]
    if args.output == "json":
        told = plan_text.as_json(feature, plan, basis.source, notes)
        say(json.dumps(told, indent=2))
    else:
        say(plan_text.as_text(feature, plan, basis.source, notes))
    return OK if plan.flies else REFUSED


def _basis(
    args: argparse.Namespace, feature: "AIFeature", signals: Callable[[], "Signals"]
) -> Basis:
    """Measured where a Prometheus answers; what is given on the command line wins."""
    from goaround.evidence.flightplan import Traffic

    given = _given(feature, args.stable_rate)
    if args.prometheus is None:
        rps = DEFAULT_RPS if args.rps is None else args.rps
        source = "given" if args.rps is not None else "assumed, set --rps or --prometheus"
        return Basis(Traffic(rps, given), source)
    from goaround.cli import ranges, rates

    where = ranges.provider(args.prometheus, scrape_seconds=args.scrape, lag_seconds=args.lag)
    found = rates.last_hour(feature, where, time.time(), signals())
    rps = found.rps if args.rps is None else args.rps
    if rps is None:
        raise CommandError(
            "Prometheus tells no rate, and --rps is not given: "
            + ("; ".join(found.notes) or "no request of this feature in the last hour")
        )
    source = "Prometheus, last hour" if args.rps is None else "given"
    traffic = Traffic(rps, {**found.healthy, **given}, found.deviations)
    return Basis(traffic, source, found.notes)


def _given(feature: "AIFeature", rates: Sequence[tuple[str | None, float]]) -> Mapping[str, float]:
    """Healthy shares by signal. A rate for all is not one of hard guards: they expect none."""
    from goaround.evidence.plan import owner_of, tests_of

    tests = tests_of(feature.spec, digest="", attempt=1, with_stable=True)
    names = {owner_of(test.signal) for test in tests}
    if unknown := [name for name, _ in rates if name is not None and name not in names]:
        known = ", ".join(sorted(names))
        raise CommandError(f"--stable-rate: no signal {unknown[0]}; there are {known}")
    whole = [share for name, share in rates if name is None]
    soft = names - {owner_of(test.signal) for test in tests if test.hard}
    found = dict.fromkeys(soft, whole[-1]) if whole else {}
    return found | {name: share for name, share in rates if name is not None}
