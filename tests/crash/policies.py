"""The admission policies that vouch for sign-offs, as an administrator installed them beforehand.

In a store they enforce nothing; the operator looks at them before it counts anybody.
"""

from pathlib import Path
from typing import Final

import yaml

from goaround.api.kinds import POLICY_BINDINGS, VALIDATING_POLICIES
from goaround.world.policies import VOUCHING
from tests.crash.store import Store

POLICIES: Final = Path(__file__).resolve().parents[2] / "crds" / "policies"
KINDS: Final = {k.kind: k for k in (VALIDATING_POLICIES, POLICY_BINDINGS)}
BODIES: Final = [
    body
    for name in VOUCHING
    for body in yaml.safe_load_all(
        (POLICIES / f"{name.removeprefix('goaround-')}.yaml").read_text(encoding="utf-8")
    )
]


def install(store: Store) -> None:
    for body in BODIES:
        store.create(KINDS[body["kind"]], "", body, "administrator")
