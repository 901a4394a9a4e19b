"""`goaround init NAME`: a first AIFeature to begin with, small, commented, and valid.

Decides which lines a beginner needs. Prints only; asks nobody.
"""

import argparse
import re
from collections.abc import Mapping, Sequence
from typing import Final

from goaround.cli.command import OK, CommandError, Parser, run, say

NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?")
HEAD: Final = """\
# {what}
# Check it: goaround lint FILE. How long a ramp takes: goaround plan -f FILE. Then: kubectl apply.
apiVersion: goaround.dev/v1alpha1
kind: AIFeature
metadata:
  name: {name}
  namespace: {namespace}
spec:
  release:                        # what flies, and is gone back from, as one
    model: {{name: {name}, version: "1"}}    # change a version in Git, and the release flies{more}
  delivery:
  # who sticks to one release: each Request, Session or User
  - {{name: app, role: Split, flag: {{bucketBy: {bucket}}}}}
  fallback: {{type: {fallback}}} # what users get while no release may serve
  acceptance:
    scope: {scope} # for whom this was accepted: write your own
    signals:                      # at least two; $match pins namespace, feature and variant
"""
TAIL: Final = """\
  # ramp:                         # these are the defaults
  #   steps: [{{weightPercent: 10}}, {{weightPercent: 50}}, {{weightPercent: 100}}]
  #   cruiseSeconds: 3600
  # signOff: {{mode: BeforeFullTraffic}} # people agree before everybody gets it
"""
RATIO: Final = """\
    - name: errors
      ratio:
        bad: 'ai_requests_total{$match,result="error"}'
        total: 'ai_requests_total{$match}'
      max: "0.02"                 # roll back on proof of more than 2 %, climb on proof of less
"""
LATENCY: Final = """\
    - name: slow
      latency:
        histogram: 'ai_request_seconds_bucket{$match}'
        slowerThanSeconds: "2.5"  # the bound of a bucket that the app exports
      max: "0.10"
"""


def _presets(*names: str) -> str:
    return "".join(f"    - {{name: {n}, preset: {n}}}\n" for n in names)


Words = tuple[str, str, str, str, str]
PROMPT: Final = '\n    prompt: {name: system, version: "1"}'
KINDS: Final[Mapping[str, tuple[Words, str]]] = {
    "chat": (
        (
            *("An assistant that answers people.", PROMPT),
            *("Session", "LegacyLogic", "Questions in English"),
        ),
        RATIO + LATENCY,
    ),
    "rag": (
        (
            "Answers from documents: model, prompt and index fly together.",
            PROMPT + '\n    index: {name: documents, version: "1"}',
            *("Session", "LegacyLogic", "Questions about our documents"),
        ),
        _presets("request-errors", "unsupported-answers", "retrieval-relevance") + LATENCY,
    ),
    "classifier": (
        (
            *("A model that scores or sorts.", ""),
            *("Request", "LegacyLogic", "Cases of our own region"),
        ),
        RATIO + _presets("mean-confidence"),
    ),
    "agent": (
        (
            *("An agent that calls tools.", PROMPT),
            *("User", "ManualReview", "Tasks below 100 in value"),
        ),
        RATIO + _presets("pii-in-output", "toxic-output"),
    ),
}
"""What each begins with: words of the head, and signals."""


def main(argv: Sequence[str]) -> int:
    """The exit code."""
    parser = Parser(prog="goaround init", description="a first AIFeature, commented and valid")
    parser.add_argument("name", help="of the feature")
    parser.add_argument("--kind", choices=KINDS, default="chat", help="what it is (chat)")
    parser.add_argument("--preset", action="append", default=[], help="another signal; repeatable")
    parser.add_argument("-n", "--namespace", default="default", help="(default)")
    return run(parser, argv, _init)


def _init(args: argparse.Namespace) -> int:
    if NAME.fullmatch(args.name) is None:
        raise CommandError(
            f"{args.name!r} is no name: small letters, digits and -, at most 50, a letter or digit "
            "at both ends"
        )
    unknown = [preset for preset in args.preset if not _known(preset)]
    if unknown:
        raise CommandError(f"there is no preset {unknown[0]}: {_all_presets()}")
    say(text(args.name, args.kind, args.namespace, args.preset).rstrip("\n"))
    return OK


def text(name: str, kind: str, namespace: str, presets: Sequence[str]) -> str:
    """The manifest."""
    (what, more, bucket, fallback, scope), signals = KINDS[kind]
    head = HEAD.format(
        what=what, name=name, namespace=namespace, more=more, bucket=bucket,
        fallback=fallback, scope=scope,
    )  # fmt: skip
    new = [preset for preset in presets if f"preset: {preset}}}" not in signals]
    return head + signals + _presets(*new) + TAIL.format()


def _known(preset: str) -> bool:
    from goaround.api.presets import PRESETS

    known = PRESETS.get(preset)
    return known is not None and not known.arms


def _all_presets() -> str:
    from goaround.api.presets import PRESETS

    plain = ", ".join(sorted(name for name, preset in PRESETS.items() if not preset.arms))
    return f"there is {plain} (others read metrics of servers and need arms: docs/features.md)"
