"""The words of a query: pinned labels, matchers, quoting. Pure text in, pure text out.

Decides how a value is written so that it stays one value, whatever it holds, and which label names
can pin a series. Refuses to write a name that PromQL would read as anything else.
"""

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

PART_LABEL: Final = "goaround_part"
LE: Final = "le"
IDENTIFIER: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_REGEX_SPECIAL: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")


class SelectorError(ValueError):
    """A selector, label name or value that is refused; the message says why and what to write."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The label names that pin a series to a feature, as the administrator declares them.

    `bucket` pins nothing: it says in which of 20 equal parts of the users a request belongs.
    """

    namespace: str = "namespace"
    feature: str = "ai_feature"
    variant: str = "ai_variant"
    bucket: str = "ai_bucket"

    def __post_init__(self) -> None:
        for name in (*self.names, self.bucket):
            if not IDENTIFIER.fullmatch(name):
                raise SelectorError(
                    f"label name {name!r} is not usable: it must match [a-zA-Z_][a-zA-Z0-9_]*"
                )
        if len({*self.names, self.bucket, PART_LABEL, "__name__", "le"}) < 7:
            raise SelectorError(
                f"label names {', '.join((*self.names, self.bucket))} are not usable: namespace, "
                "feature, variant and bucket need four different labels, none of them __name__, le "
                f"or {PART_LABEL}"
            )

    @property
    def names(self) -> tuple[str, str, str]:
        return self.namespace, self.feature, self.variant


@dataclass(frozen=True, slots=True, order=True)
class FeatureKey:
    """A feature, as the pinned labels of its series name it."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Matcher:
    """One label matcher; `value` is plain text, quoted only when it is written."""

    name: str
    operator: str
    value: str

    def __str__(self) -> str:
        name = self.name if IDENTIFIER.fullmatch(self.name) else quote(self.name)
        return f"{name}{self.operator}{quote(self.value)}"


@dataclass(frozen=True, slots=True)
class SelectorTemplate:
    """A tenant's selector after parsing: a metric name and the tenant's own matchers."""

    metric: str
    matchers: tuple[Matcher, ...] = ()

    def pinned(self, pins: Iterable[Matcher]) -> str:
        """The selector as PromQL, with `pins` before the tenant's matchers."""
        return f"{self.metric}{{{','.join(map(str, (*pins, *self.matchers)))}}}"


def quote(value: str) -> str:
    """`value` as a PromQL string in double quotes, whatever it holds.

    JSON's escapes are a subset of PromQL's as long as nothing is written as a surrogate pair.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        raise SelectorError(
            f"value {value!r} is not text: it holds half a surrogate pair"
        ) from None
    return json.dumps(value, ensure_ascii=False)


def feature_pins(labels: Labels, features: Collection[FeatureKey]) -> tuple[Matcher, Matcher]:
    """Matchers that pin namespace and name to those of `features`."""
    return (
        any_of(labels.namespace, sorted({f.namespace for f in features})),
        any_of(labels.feature, sorted({f.name for f in features})),
    )


def any_of(label: str, values: Collection[str]) -> Matcher:
    """A matcher for exactly `values`, which are plain text and not empty."""
    if len(values) == 1:
        return Matcher(label, "=", next(iter(values)))
    return Matcher(label, "=~", "|".join(escape_regex(v) for v in values))


def escape_regex(value: str) -> str:
    """`value` as a regular expression that matches only itself, in RE2 and every look-alike."""
    return _REGEX_SPECIAL.sub(r"\\\g<0>", value)
