"""What people say past the release and its plan: hold it, end it, go back to another one.

Names and shapes only. Whether anything is done about it is decided in `rollout/suspend.py`,
`rollout/abort.py` and `rollout/go_back.py`.
"""

from typing import Annotated

from pydantic import Field

from goaround.api.schema import cel, rules

DIGEST_OR_START = r"^(sha256:)?[0-9a-f]{12,64}$"

DigestOrStart = Annotated[
    str,
    Field(
        max_length=71,
        json_schema_extra=rules(
            cel(
                f"self.matches('{DIGEST_OR_START}')",
                "a release is named by its digest, in full or by its first 12 to 64 hex digits: "
                "take it from status.lastKnownGood or status.previousGood, or from the name of a "
                "release record",
            )
        ),
    ),
]
"""A digest, or so much of it as people and record names use."""

LONGEST_REMEMBERED = 128
Remembered = Annotated[str, Field(max_length=LONGEST_REMEMBERED)]
"""The start of an annotation; whatever has a meaning is shorter."""
