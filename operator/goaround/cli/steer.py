"""`goaround abort|hold|resume FEATURE`: what people say past the evidence, by annotation.

Decides the annotation's words. Refuses to touch spec: what Git owns would be put back by the next
sync, so that `suspend` and `rollbackTo` are left to Git, and it says so.
"""

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from goaround.api.reasons import FLYING, Stage
from goaround.cli.command import OK, REFUSED, Parser, Refusal, harmless, run, say
from goaround.cli.connection import Ask, add_connection, ask_cluster, where
from goaround.cli.output import NOTHING_KEPT, add_output, say_as

if TYPE_CHECKING:
    from goaround.world.kube import Api, Body

Json = dict[str, Any]

HELP: Final[Mapping[str, str]] = {
    "abort": "end the attempt that flies: weight 0 at once, no blame; only a retry flies it again",
    "hold": "nothing goes up until `resume`; every way down stays open",
    "resume": "take the hold off again",
}
IN_GIT: Final = "spec.suspend is true, too: take it out of Git, which would put it back"


def main(argv: Sequence[str], ask: Ask = ask_cluster) -> int:
    """The exit code; the first word is the verb. 2: there is nothing to do it to."""
    verb = argv[0]
    parser = Parser(prog=f"goaround {verb}", description=HELP[verb])
    parser.add_argument("feature", help="name of the AIFeature")
    if verb == "hold":
        parser.add_argument("--reason", required=True, help="why, for everybody who finds it")
    add_connection(parser, writes=True)
    add_output(parser)
    return run(parser, argv[1:], partial(_steer, verb=verb, ask=ask))


def _steer(args: argparse.Namespace, verb: str, ask: Ask) -> int:
    async def do(api: "Api", namespace: str) -> int:
        from goaround.api.resources import FEATURES
        from goaround.cli.lookup import found

        feature = await found(api, FEATURES, namespace, args.feature)
        key, value, told = annotation(feature, verb, getattr(args, "reason", ""))
        patch: Json = {"metadata": {"annotations": {key: value}}}
        after = await api.patch(FEATURES, namespace, args.feature, patch)
        if not say_as(args.output, after):
            end = NOTHING_KEPT if args.dry_run else ""
            say(harmless(f"aifeature {namespace}/{args.feature}: {told}{end}"))
        if verb == "resume" and feature["spec"].get("suspend"):
            say(f"  it stays where it is: {IN_GIT}")
            return REFUSED
        return OK

    return ask(where(args), do)


def annotation(feature: "Body", verb: str, reason: str) -> tuple[str, str | None, str]:
    """Name and value (None: taken off), and what that does. Raises Refusal."""
    from goaround.api import names
    from goaround.api.plain import short

    name = feature["metadata"]["name"]
    if verb == "hold":
        return names.HOLD, reason, "held: nothing goes up until `goaround resume`"
    if verb == "resume":
        if names.HOLD not in feature["metadata"].get("annotations", {}):
            more = f" ({IN_GIT})" if feature["spec"].get("suspend") else ""
            raise Refusal(f"{name} is not held by an annotation{more}")
        return names.HOLD, None, "the hold is taken off; it goes on where it was"
    status = feature.get("status", {})
    flown, stage = status.get("candidate"), status.get("stage", "not seen yet")
    if not flown or flown.get("adopted") or stage not in FLYING | {Stage.KILLED}:
        raise Refusal(
            f"{name} is {stage}: no attempt flies. What is Live is killed (goaround kill), or goes "
            "back by spec.rollbackTo in Git"
        )
    attempt = f"{short(flown['digest'])}/{flown['attempt']}"
    return names.ABORT, attempt, f"attempt {attempt} ends now; only `goaround retry` flies it again"
