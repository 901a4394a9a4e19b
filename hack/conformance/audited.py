"""Row E1: the rights in the chart against what the servers asked for while all tests ran.

The audit logs of every API server of the suite tell which verbs operator and flag server used; the
tests themselves tell that the chart's accounts were refused nothing. It grants and takes nothing.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from goaround.api import GROUP
from goaround.runtime.flag_rights import FLAG_NEEDS
from goaround.runtime.selfcheck import NEEDS, Need
from hack.conformance.row import CannotRun, require
from hack.conformance.site import Json, Site

Verb = tuple[str, str, str]
"""Verb, group, resource with its subresource."""

# kopf speaks for the operator only
OPERATOR, FLAGS = ("goaround-operator/", "kopf/"), ("goaround-flags/",)
# no request has this verb: policy goaround-status asks whether its holder may
ASKED_BY_POLICY = {"operate"}
# every user may ask for his own rights
FREE = {"selfsubjectaccessreviews"}
# no test on an API server can time these; crash points and unit tests force them on one in memory
SELDOM: dict[Verb, str] = {
    ("get", GROUP, "aifeatures"): "after a conflict",
    ("get", GROUP, "aiincidents"): "after a conflict",
    ("get", GROUP, "aikillswitches"): "after a conflict",
    ("delete", "apps", "controllerrevisions"): "beyond ten spare records",
    ("get", "", "secrets"): "after a crash in a golden run",
}


def used(site: Site) -> str:
    """E1: every verb of the tables was used, and none outside of them."""
    logs = sorted(site.folder.glob("*.audit"))
    if not site.whole or not logs:
        raise CannotRun("needs the audit logs of the tests of all rows: run it without --rows")
    counted, rare = 0, set[Verb]()
    for agents, needs in ((OPERATOR, NEEDS), (FLAGS, FLAG_NEEDS)):
        granted = verbs(needs)
        seen = {verb for log in logs for verb in asked(log, agents)}
        unused = granted - seen - SELDOM.keys()
        require(not unused, f"granted and never used: {_told(unused)}")
        rare |= granted - seen
        require(not seen - granted, f"used and not granted: {_told(seen - granted)}")
        counted += len(granted)
    but = "".join(f", but {_told({verb})} ({SELDOM[verb]})" for verb in sorted(rare))
    return f"{counted} verbs are granted; {len(logs)} audit logs show each{but}; and no other"


def verbs(needs: Sequence[Need]) -> set[Verb]:
    """What a table of rights grants."""
    return {
        (verb, need.kind.group, need.resource)
        for need in needs
        for verb in need.verbs
        if verb not in ASKED_BY_POLICY
    }


def asked(log: Path, agents: tuple[str, ...]) -> Iterator[Verb]:
    """What these user agents asked for, refused or not."""
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            event: Json = json.loads(line)
            what = event.get("objectRef")
            if not what or what["resource"] in FREE:
                continue
            if event.get("userAgent", "").startswith(agents):
                sub = f"/{what['subresource']}" if "subresource" in what else ""
                yield event["verb"], what.get("apiGroup", ""), what["resource"] + sub


def _told(found: set[Verb]) -> str:
    return ", ".join(f"{verb} {resource}" for verb, _, resource in sorted(found))
