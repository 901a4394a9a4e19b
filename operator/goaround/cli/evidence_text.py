"""The evidence binder in words: lines for a terminal, JSON, and one page of Markdown for auditors.

Decides the order and the wording; every fact stands in a segment or in the feature. What people
wrote is printed without anything that would move a cursor or make a table of its own.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from goaround.api.base import Json
from goaround.api.digest import short
from goaround.api.kinds import AIFeature
from goaround.cli import accountable
from goaround.cli.command import printable
from goaround.rollout.chain import faults, segment

NOTHING: Final = "none"


@dataclass(frozen=True, slots=True)
class Binder:
    """What was read: the feature, if it still exists, and what segments hold, oldest first."""

    namespace: str
    name: str
    feature: AIFeature | None
    segments: Sequence[Json]
    faults: Sequence[tuple[str, str]]

    @property
    def verdict(self) -> str:
        """The chain in one line."""
        if self.faults:
            first, why = self.faults[0]
            return f"BROKEN at {first}: {why}"
        if not self.segments:
            return "empty: no flight has ended yet"
        first, last = self.segments[0]["number"], self.segments[-1]["number"]
        dropped = f"; {first - 1} older ones were dropped" if first > 1 else ""
        return f"whole: segments {first} to {last}, vouched for by status{dropped}"


def binder(namespace: str, name: str, feature: AIFeature | None, bodies: Sequence[Json]) -> Binder:
    """The bodies of ControllerRevisions as a binder. A body that is no segment is a fault."""
    read, strange = [], []
    for body in bodies:
        called = str(body["metadata"]["name"])
        found = segment(called, body.get("data"))
        if found is None:
            strange.append((called, "it is labelled as a segment and is none"))
        else:
            read.append((found, dict(body["data"])))
    read.sort(key=lambda pair: pair[0].number)
    log = feature.status.evidence_log if feature is not None else None
    told = [*faults([found for found, _ in read], log), *strange]
    return Binder(namespace, name, feature, [data for _, data in read], told)


def as_text(found: Binder) -> str:
    """One line per flight, and whether the chain is whole."""
    lines = [f"{found.namespace}/{found.name}: {found.verdict}"]
    lines += [f"  {name}: {why}" for name, why in found.faults[1:]]
    lines += [
        f"{s['number']:>4}  {_get(s, 'endedAt')}  {_get(s, 'outcome'):<12}  "
        f"{_release(s)} ({short(_get(s, 'releaseDigest'))}), attempt {_get(s, 'attempt')}"
        + "".join(f"\n{'':6}{line}" for line in _why(s))
        for s in found.segments
    ]
    return "\n".join(map(_plain, lines))


def as_json(found: Binder) -> str:
    """Everything, for programs."""
    log = found.feature.status.evidence_log if found.feature is not None else None
    whole: Json = {
        "namespace": found.namespace,
        "feature": found.name,
        "anchor": {"length": log.length, "head": log.head} if log is not None else None,
        "whole": not found.faults,
        "faults": [{"segment": name, "reason": why} for name, why in found.faults],
        "segments": list(found.segments),
    }
    return json.dumps(whole, indent=2)


def as_markdown(found: Binder) -> str:
    """One page: what serves, how it explains itself, the last evidence, who signed, all flights."""
    lines = [f"# Evidence: {_cell(found.namespace)}/{_cell(found.name)}", ""]
    lines += [f"- Chain: {_cell(found.verdict)}", *_about(found), ""]
    if found.segments:
        lines += [*_last(found.segments[-1]), *_flights(found.segments)]
    return "\n".join(lines).rstrip("\n")


def _about(found: Binder) -> Iterator[str]:
    """What people had said of it: as it is in spec, else as the last segment has it."""
    feature = found.feature
    if feature is None:
        yield "- The feature does not exist any more."
        return
    spec, status = feature.spec, feature.status
    yield f"- State: {_cell(status.summary or NOTHING)}"
    yield f"- Version in spec: {_cell(spec.release.title)}"
    good = status.last_known_good
    if good is not None:
        since = f"{good.since:%Y-%m-%d %H:%M} UTC"
        yield f"- Serves: {_cell(good.release.title)} ({short(good.digest)}), since {since}"
    yield f"- Owner: {_cell(spec.owner or NOTHING)}"
    yield f"- Risk tier: {spec.risk_tier or NOTHING}"
    yield f"- Accepted for: {_cell(spec.acceptance.scope)}"
    uses = ", ".join(f"{d.name} ({d.kind})" for d in spec.dependencies)
    yield f"- Rests on: {_cell(uses or NOTHING)}"
    users = ", ".join(f"{c.name} ({c.owner})" for c in spec.consumers)
    yield f"- Used by: {_cell(users or NOTHING)}"
    yield from (f"- {name}: {_cell(text)}" for name, text in accountable.rows(spec))
    yield from _explained(found)


def _explained(found: Binder) -> Iterator[str]:
    said = found.feature.spec.explainability if found.feature is not None else None
    if said is None:
        return
    yield from ("", "## Explainability", "", _cell(said.paragraph))
    if said.details is not None:
        yield from ("", f"More: {_cell(said.details)}")


def _last(s: Json) -> Iterator[str]:
    """The newest segment in full."""
    yield f"## Last flight: {_cell(_get(s, 'outcome'))}"
    yield ""
    yield f"- Release: {_cell(_release(s))}, attempt {_cell(_get(s, 'attempt'))}"
    yield f"- Digest: {_cell(_get(s, 'releaseDigest'))}"
    yield f"- Plan digest: {_cell(_get(s, 'planDigest') or NOTHING)}"
    yield f"- Ended: {_cell(_get(s, 'endedAt'))}"
    for line in _why(s):
        yield f"- {_cell(line)}"
    for title, rows in (
        ("Acceptance signals", [str(line) for line in s.get("signals", [])]),
        ("Drift", _drift(s)),
        ("Pre-flight", _preflight(s)),
        ("Sign-offs", [_signed(row) for row in s.get("signOffs", [])]),
    ):
        yield from ("", f"### {title}", "")
        yield from [f"- {_cell(row)}" for row in rows] or [f"- {NOTHING}"]
    yield ""


def _flights(segments: Sequence[Json]) -> Iterator[str]:
    yield from (
        "## Flights",
        "",
        "| # | Ended | Outcome | Release | Attempt |",
        "|---|---|---|---|---|",
    )
    for s in reversed(segments):
        cells = (str(s["number"]), _get(s, "endedAt"), _get(s, "outcome"), _release(s))
        yield "| " + " | ".join(_cell(c) for c in (*cells, _get(s, "attempt"))) + " |"


def _why(s: Json) -> Iterator[str]:
    """Proof and incident of a way down; of a landing there is nothing to say."""
    latch = s.get("latch") or {}
    if message := latch.get("message"):
        yield str(message)
    if incident := latch.get("incident"):
        exposed = latch.get("exposedRequests")
        seen = f", {exposed} requests served by then" if exposed is not None else ""
        yield f"incident {incident}{seen}"


def _drift(s: Json) -> list[str]:
    drift = s.get("drift") or {}
    return [str(row.get("message", "")) for row in drift.get("inputs", [])]


def _preflight(s: Json) -> list[str]:
    known = s.get("preflight") or {}
    if not known:
        return []
    golden = f", golden set {known['goldenHash']}" if "goldenHash" in known else ""
    runs = f"{known.get('passed', 0)} of {known.get('total', 0)} runs"
    return [f"{known.get('verdict', NOTHING)}: {runs}{golden}"]


def _signed(row: Mapping[str, Any]) -> str:
    said = f": {row['comment']}" if row.get("comment") else ""
    return f"{row.get('decision')} by {row.get('by', 'nobody known')} at {row.get('at')}{said}"


def _release(s: Json) -> str:
    parts = s.get("release") or {}
    known = [parts.get(k) or {} for k in ("model", "prompt", "index", "features")]
    return " ".join(f"{p.get('name')}@{p.get('version')}" for p in known if p) or NOTHING


def _get(s: Json, name: str) -> str:
    return str(s.get(name, ""))


def _plain(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


def _cell(text: str) -> str:
    """What others wrote, as one line of Markdown that makes nothing of its own."""
    plain = printable(" ".join(text.split()))
    for sign in "\\`*_[]<>|#":
        plain = plain.replace(sign, f"\\{sign}")
    return plain
