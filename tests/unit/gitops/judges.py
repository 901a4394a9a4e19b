"""What kstatus, Flux and the Lua of Argo CD make of objects, said by their own code.

One call of `gitopscheck` (hack/tools) judges any number of objects; nothing is judged here.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from goaround.api.base import Json
from hack.controlplane import resolve

Verdict = Mapping[str, Any]
"""`status` and `message`, or `value` of a script, or `error` where it refuses to say."""


def kstatus(objects: Sequence[Json]) -> list[Verdict]:
    return _asked("kstatus", objects)


def flux(objects: Sequence[Json], expressions: Json) -> list[Verdict]:
    """By `healthCheckExprs`, evaluated as Flux does."""
    return _asked("flux", objects, expressions=expressions)


def lua(objects: Sequence[Json], script: str) -> list[Verdict]:
    """What the script returns for each."""
    return _asked("lua", objects, script=script)


def _asked(judge: str, objects: Sequence[Json], **about: Any) -> list[Verdict]:
    done = subprocess.run(
        [str(resolve("gitopscheck")), judge],
        input=json.dumps({"objects": list(objects), **about}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    verdicts: list[Verdict] = json.loads(done.stdout)
    return verdicts
