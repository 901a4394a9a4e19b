"""How grave an incident is. A word only: which one an incident gets is decided elsewhere."""

from enum import StrEnum


class Severity(StrEnum):
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"
