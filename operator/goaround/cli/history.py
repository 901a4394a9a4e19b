"""`goaround history FEATURE`: which releases flew, how each flight ended, and why.

Decides what a line holds. Reads release records and the segments of the evidence binder, which
outlive the feature; whether the chain is whole, `goaround evidence --verify` says. Changes nothing.
"""

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from goaround.api.reasons import FLYING
from goaround.cli.command import OK, CommandError, Parser, harmless, run, say
from goaround.cli.connection import Ask, add_connection, ask_cluster, where
from goaround.cli.output import add_output, say_as, table

if TYPE_CHECKING:
    from goaround.world.kube import Api, Body

Json = dict[str, Any]

FLIGHTS: Final = ("ENDED", "OUTCOME", "RELEASE", "DIGEST", "ATTEMPT", "WHY")
RELEASES: Final = ("DIGEST", "RELEASE", "LAST FLOWN", "ATTEMPTS", "OUTCOME", "STANDS AS")
LONGEST: Final = 90


def main(argv: Sequence[str], ask: Ask = ask_cluster) -> int:
    """The exit code."""
    parser = Parser(prog="goaround history", description="which releases flew, and how it ended")
    parser.add_argument("feature", help="name of the AIFeature")
    parser.add_argument("--last", type=int, default=20, metavar="N", help="newest flights (20)")
    add_connection(parser)
    add_output(parser)
    return run(parser, argv, lambda args: _history(args, ask))


def _history(args: argparse.Namespace, ask: Ask) -> int:
    feature, records = ask(where(args), _reader(args.feature))
    flights, releases = told(feature, records, args.last)
    if say_as(args.output, {"flights": flights, "releases": releases}):
        return OK
    say(harmless("\n".join(_text(flights, releases))))
    return OK


def _reader(name: str) -> Any:
    async def do(api: "Api", namespace: str) -> "tuple[Body, list[Body]]":
        from goaround.api.names import FEATURE_LABEL
        from goaround.api.resources import FEATURES, RECORDS
        from goaround.cli.lookup import missing
        from goaround.world.kube import NotFound, NotServed

        feature: Body = {}
        try:
            feature = await api.get(FEATURES, namespace, name)
        except NotServed:
            raise
        except NotFound:
            pass  # its records outlive it
        label = f"{FEATURE_LABEL}={name}"
        records = await api.list(RECORDS, namespace=namespace, label=label)
        if not feature and not records:
            raise CommandError(await missing(api, FEATURES, namespace, name) + ", nor a record")
        return feature, records

    return do


def told(feature: "Body", records: "Sequence[Body]", last: int) -> tuple[list[Json], list[Json]]:
    """Flights, newest first, and releases, newest first."""
    from goaround.api.names import EVIDENCE_LABEL

    segments, releases = [], []
    for record in records:
        data, meta = record.get("data") or {}, record["metadata"]
        if EVIDENCE_LABEL in meta.get("labels", {}):
            segments.append(data)
        elif "digest" in data:
            releases.append(_release(data, meta, feature.get("status", {})))
    segments.sort(key=lambda s: int(s.get("number", 0)), reverse=True)
    flights = [*_now(feature), *(_flight(s) for s in segments)]
    releases.sort(key=lambda r: r["lastFlown"] or "", reverse=True)
    return flights[:last], releases


def _now(feature: "Body") -> Iterator[Json]:
    """The flight that has not ended."""
    status = feature.get("status", {})
    flown = status.get("candidate")
    if not flown or status.get("stage") not in FLYING:
        return
    yield {
        "ended": None,
        "outcome": status["stage"],
        "release": _named(flown.get("release", {})),
        "digest": flown["digest"],
        "attempt": flown["attempt"],
        "why": status.get("hold") or status.get("summary", ""),
    }


def _flight(segment: Json) -> Json:
    latch = segment.get("latch") or {}
    incident = f" (incident {latch['incident']})" if latch.get("incident") else ""
    why = latch.get("message") or "accepted: " + "; ".join(map(str, segment.get("signals", [])))
    return {
        "ended": segment.get("endedAt"),
        "outcome": segment.get("outcome", "?"),
        "release": _named(segment.get("release") or {}),
        "digest": segment.get("releaseDigest", ""),
        "attempt": segment.get("attempt", 0),
        "why": f"{why}{incident}",
    }


def _release(data: Json, meta: Json, status: Json) -> Json:
    from goaround.api import names

    marks, digest = meta.get("annotations") or {}, data["digest"]
    stands = [
        word
        for word, holds in (
            ("last known good", (status.get("lastKnownGood") or {}).get("digest") == digest),
            ("previous good", (status.get("previousGood") or {}).get("digest") == digest),
            ("quarantined", names.QUARANTINED in marks),
        )
        if holds
    ]
    return {
        "digest": digest,
        "release": _named(data.get("release") or {}),
        "lastFlown": marks.get(names.TOOK_OFF_AT) or meta.get("creationTimestamp"),
        "attempts": int(marks.get(names.ATTEMPTS) or 0),
        "outcome": marks.get(names.OUTCOME),
        "standsAs": stands,
    }


def _named(release: Json) -> str:
    from goaround.cli.status_page import release as words

    return words(release)


def _text(flights: Sequence[Json], releases: Sequence[Json]) -> Iterator[str]:
    from goaround.api.plain import short

    if flights:
        yield from table(
            [
                FLIGHTS,
                *(
                    (
                        f["ended"] or "now",
                        f["outcome"],
                        f["release"],
                        short(f["digest"]),
                        str(f["attempt"]),
                        f["why"] if len(f["why"]) <= LONGEST else f"{f['why'][: LONGEST - 1]}…",
                    )
                    for f in flights
                ),
            ]
        )
    else:
        yield "no flight has ended yet"
    if releases:
        yield ""
        rows = [
            (
                short(r["digest"]),
                r["release"],
                r["lastFlown"] or "-",
                str(r["attempts"]),
                r["outcome"] or "-",
                ", ".join(r["standsAs"]) or "-",
            )
            for r in releases
        ]
        yield from table([RELEASES, *rows])
