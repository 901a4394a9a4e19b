"""The change ledger: which objects of others are looked at, and what is told of their changes.

A change is told by hashes and small facts. Secrets are never looked at, nor is content kept.
"""

from enum import StrEnum
from typing import Final

from pydantic import ConfigDict, Field

from goaround.api.base import Model, ObjectName, Timestamp
from goaround.api.schema import cel, rules

MOST_OBJECTS: Final = 16
MOST_TOLD: Final = 200
LONGEST_LINE: Final = 120
WATCHED_NAME: Final = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"


class WatchedKind(StrEnum):
    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    DAEMON_SET = "DaemonSet"
    CONFIG_MAP = "ConfigMap"


class WatchedObject(Model):
    """An object of this namespace whose changes are kept in the feature's ledger."""

    kind: WatchedKind = Field(description="What it is. Secrets are never read.")
    name: ObjectName = Field(
        description="Its name, in the namespace of the feature.",
        json_schema_extra=rules(
            cel(
                f"self.matches('{WATCHED_NAME}')",
                "the name of a watched object has small letters, digits, dots and hyphens: give "
                "the name that kubectl get shows",
            )
        ),
    )

    @property
    def title(self) -> str:
        return f"{self.kind} {self.name}"


def _on_the_wire(name: str) -> str:
    return {"was": "from", "now": "to"}.get(name, name)


class Change(Model):
    """One line of the ledger: that something was changed, and by whom. What was and is now are
    hashes or small facts."""

    model_config = ConfigDict(alias_generator=_on_the_wire)

    at: Timestamp = Field(description="When, as the API server or the operator dated it.")
    object: str = Field(max_length=320, description="Kind and name of what was changed.")
    what: str = Field(max_length=320, description="Which part of it.")
    was: str = Field(
        default="", max_length=MOST_TOLD, description="On the wire `from`: what it was."
    )
    now: str = Field(
        default="", max_length=MOST_TOLD, description="On the wire `to`: what it is since."
    )
    by: str = Field(default="", max_length=128, description="Field manager, where it is known.")

    @property
    def line(self) -> str:
        """For people and for status: at most 120 characters."""
        told = f"{self.at:%m-%d %H:%M} {self.object}: {self.what}"
        if self.was or self.now:
            told += f" {self.was} -> {self.now}" if self.was else f" {self.now}"
        return (f"{told} (by {self.by})" if self.by else told)[:LONGEST_LINE]


class ChangesStatus(Model):
    """What else changed around a feature, shortly; all of it stands in the ledger."""

    last_day: int = Field(ge=0, description="Changes of watched objects in the last 24 h.")
    last: str | None = Field(
        default=None, max_length=LONGEST_LINE, description="The newest of them, in one line."
    )
    ledger: ObjectName = Field(description="The ConfigMap that has them all, for 7 days or more.")
