"""`goaround approve|reject|promote|retry FEATURE`: one decision of a person, as an AISignOff.

Decides what the decision is bound to: the plan and the attempt that status shows now, or for a
retry the release that ended. Refuses to decide where nothing asks for it. Who decides is never said
here: the API server stamps it, or checks it.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from goaround.api.reasons import CAME_BACK, FLYING
from goaround.cli.command import OK, Parser, Refusal, harmless, run, say
from goaround.cli.connection import Ask, add_connection, ask_cluster, where
from goaround.cli.output import NOTHING_KEPT, add_output, say_as

if TYPE_CHECKING:
    from goaround.world.kube import Api, Body

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bound:
    """What a decision binds, and in words."""

    digest: str
    attempt: int
    told: str


@dataclass(frozen=True, slots=True)
class Verb:
    decision: str
    help: str


VERBS: Final[Mapping[str, Verb]] = {
    "approve": Verb("Approve", "let this attempt leave the step it is at"),
    "reject": Verb("Reject", "end this attempt: weight 0, no blame"),
    "promote": Verb("Promote", "go to the last step, in place of evidence that is missing"),
    "retry": Verb("Retry", "fly a release that ended once more"),
}


def main(argv: Sequence[str], ask: Ask = ask_cluster) -> int:
    """The exit code; the first word is the verb. 2: nothing asks for it, or it is refused."""
    name = argv[0]
    parser = Parser(prog=f"goaround {name}", description=VERBS[name].help)
    parser.add_argument("feature", help="name of the AIFeature")
    parser.add_argument("--comment", default="", help="why; it is kept with the decision")
    add_connection(parser, writes=True)
    add_output(parser)
    return run(parser, argv[1:], partial(_decide, verb=VERBS[name], ask=ask))


def _decide(args: argparse.Namespace, verb: Verb, ask: Ask) -> int:
    async def do(api: "Api", namespace: str) -> int:
        from goaround.api.resources import FEATURES, SIGN_OFFS
        from goaround.cli.lookup import found

        feature = await found(api, FEATURES, namespace, args.feature)
        bound = bound_to(feature, verb)
        body = sign_off(args, verb, bound)
        body["spec"] |= await _approver(api)
        made = await api.create(SIGN_OFFS, namespace, body)
        if say_as(args.output, made):
            return OK
        end = NOTHING_KEPT if args.dry_run else ""
        name = made["metadata"].get("name", "")
        say(harmless(f"aisignoff {namespace}/{name}: {verb.decision} {bound.told}{end}"))
        return OK

    return ask(where(args), do)


async def _approver(api: "Api") -> Json:
    """One's own name, for API servers that do not stamp it: any other name is refused there."""
    from goaround.cli.whoami import review, user_of

    me = user_of(await review(api))
    groups = {"approverGroups": me["groups"]} if me.get("groups") else {}
    return {"approver": me["username"], **groups} if me.get("username") else {}


def sign_off(args: argparse.Namespace, verb: Verb, bound: Bound) -> Json:
    """The AISignOff that is created."""
    from goaround.api.resources import SIGN_OFFS

    spec: Json = {
        "featureRef": {"name": args.feature},
        "decision": verb.decision,
        "digest": bound.digest,
        "attempt": bound.attempt,
    }
    return {
        "apiVersion": SIGN_OFFS.api_version,
        "kind": SIGN_OFFS.kind,
        "metadata": {"generateName": f"{args.feature}-"},
        "spec": spec | ({"comment": args.comment} if args.comment else {}),
    }


def bound_to(feature: "Body", verb: Verb) -> Bound:
    """What this decision is about now. Raises Refusal where nothing asks for it."""
    status, name = feature.get("status", {}), feature["metadata"]["name"]
    stage = status.get("stage", "not seen yet")
    if verb.decision == "Retry":
        return _ended(status, name)
    flown = status.get("candidate")
    if not flown or stage not in FLYING:
        raise Refusal(f"{name} is {stage}: nothing flies that could be decided on")
    if flown.get("adopted"):
        raise Refusal(f"{name} adopts what serves already: there is nothing to decide")
    asked = status.get("signOff")
    if verb.decision == "Approve" and not asked:
        raise Refusal(
            f"{name} is {stage} and asks nobody at this step: it goes on by itself on complete "
            "good evidence (goaround status says what it waits for)"
        )
    split, digest = status.get("split", {}), flown["planDigest"]
    said = ", ".join(a["approver"] for a in (asked or {}).get("approvals", []))
    agreed = f"; agreed so far: {said}" if said else ""
    needs = f"; {asked.get('needed', 1)} people have to agree{agreed}" if asked else ""
    told = _release(flown) + f", now at {split.get('candidate', 0)} %{needs}"
    return Bound(digest, int(flown["attempt"]), told)


def _ended(status: "Body", name: str) -> Bound:
    """The release that came down last, if spec still asks for it."""
    wanted = status.get("releaseDigest")
    ended = [x for x in status.get("latches", []) if x.get("digest") and x["digest"] == wanted]
    if status.get("stage") not in CAME_BACK or not ended:
        raise Refusal(
            f"{name} is {status.get('stage', 'not seen yet')}: no release that spec asks for has "
            "ended, so there is nothing to retry"
        )
    latch = ended[0]
    why = f"{latch['cause']}: {latch['message']}"
    told = f"release {_short(latch['digest'])} after attempt {latch['attempt']} ({why})"
    return Bound(latch["digest"], int(latch["attempt"]), told)


def _release(flown: "Body") -> str:
    from goaround.cli.status_page import release

    named = release(flown.get("release", {}))
    plan = _short(flown["planDigest"])
    return f"{named} (release {_short(flown['digest'])}, plan {plan}, attempt {flown['attempt']})"


def _short(digest: str) -> str:
    from goaround.api.plain import short

    return short(digest)
