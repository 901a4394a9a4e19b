"""The scenario `golden-rejects`: a golden set regresses before any user, under every fault.

Self-contained: a world with an endpoint that answers as the committed status and pin say. What must
hold is what holds of all scenarios, and that no pin outlives its run.
"""

import json
from base64 import b64decode
from collections.abc import Sequence
from typing import Final

import httpx

from goaround.api import names
from goaround.api.base import Json
from goaround.api.digest import short
from goaround.api.kinds import CONFIG_MAPS, FEATURES, SECRETS
from goaround.api.reasons import Stage
from tests.crash.faults import Injection
from tests.crash.script import FEATURE, NAMESPACE, Act, Ending, Scenario
from tests.crash.vocabulary import always, digest, feature
from tests.crash.world import Image, World

GOLDEN: Final = "golden"
HOST: Final = "golden.invalid"
CASES: Final = [
    {"name": f"c{n}", "input": n, "assertions": [{"exact": {"path": "/ok", "value": True}}]}
    for n in range(10)
]
PREFLIGHT: Final[Json] = {
    "goldenSet": {"configMapRef": {"name": GOLDEN}, "requiredTags": ["edge"]},
    "endpoint": {"endpointRef": GOLDEN},
    "concurrency": 1,
    "repeats": 2,
}
V2_CHECKED: Final = (feature("v2", preflight=PREFLIGHT),)

REJECTS: Final = Scenario(
    "golden-rejects",
    "a release whose golden set regresses is rejected at 0 %",
    (Act(always, V2_CHECKED, after=3),),
    frozenset({0}),
    ends=Ending(Stage.REJECTED, "v1", ("P3",)),
    begins_after="adopted",
)


class GoldenWorld(World):
    """A world with a golden set, and the app that is asked its cases."""

    def __init__(
        self, scenario: Scenario, image: Image | None, injections: Sequence[Injection] = ()
    ) -> None:
        super().__init__(scenario, image, injections)
        cases = [case | {"tags": ["edge"]} for case in CASES]
        data = {"golden.yaml": json.dumps({"version": 1, "cases": cases})}
        body: Json = {"metadata": {"name": GOLDEN}, "data": data}
        self.store.create(CONFIG_MAPS, NAMESPACE, body, "people")

    def revisions(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != HOST:
            return super().revisions(request)
        release = self._release(request.headers.get(names.PIN_HEADER, ""))
        text = json.dumps({"ok": release != short(digest("v2"))}).encode()
        headers = {names.RELEASE_HEADER: f"{FEATURE}@{release}"}
        return httpx.Response(200, stream=httpx.ByteStream(text), headers=headers)

    def _release(self, pin: str) -> str:
        """What a flag would say that knows the pin of the attempt in status."""
        body = self.store.find(FEATURES, NAMESPACE, FEATURE)
        secret = self.store.find(SECRETS, NAMESPACE, names.pin_name(FEATURE))
        if body is None or secret is None or body["status"].get("stage") != Stage.PREFLIGHT:
            return "live"
        words = {b64decode(word).decode(): arm for arm, word in secret["data"].items()}
        part = {"candidate": "candidate", "stable": "lastKnownGood"}.get(words.get(pin, ""), "")
        return short(body["status"][part]["digest"]) if part else "live"

    def left_behind(self) -> list[str]:
        """Pins that outlived their run."""
        pins = self.store.list(SECRETS, None, None)
        return [f"the Secret {b['metadata']['name']} was left behind" for b in pins]
