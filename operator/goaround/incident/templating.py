"""Messages from templates: the administrator's where it can be used, else the built-in one.

Rendered in a sandbox with strict names. Plain text of bounded length; how it is quoted for a
receiver is for the sender to know. Refuses to let a broken template hold a message up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from goaround.incident.audiences import MessageKind
from goaround.incident.message_facts import clean, sample

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST_TEXT: Final = 4000
FAULTS: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What an expression of a template may raise beside errors of the engine's own."""

Facts = Mapping[str, str | bool]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message. trouble: why the administrator's template was not used."""

    text: str
    trouble: str | None = None


def render(kind: MessageKind, facts: Facts, custom: Mapping[str, str]) -> Rendered:
    """The message of this kind. Never fails."""
    if (source := custom.get(kind)) is None:
        return Rendered(_bounded(_built_in(kind).render(facts)))
    found = _custom(source, facts)
    if found.trouble is None:
        return found
    return Rendered(_bounded(_built_in(kind).render(facts)), found.trouble)


def faults(custom: Mapping[str, str]) -> list[str]:
    """Which of the administrator's templates cannot be used, and why. Loads the built-in ones, for
    which the first message would have to wait."""
    for kind in MessageKind:
        _built_in(kind)
    found = {name: _custom(source, sample()).trouble for name, source in sorted(custom.items())}
    return [f"incidents.templates.{name}: {told}" for name, told in found.items() if told]


def _custom(source: str, facts: Facts) -> Rendered:
    from jinja2 import TemplateError  # a fifth of a second, which most commands need not wait for

    try:
        text = _bounded(_compiled(source).render(facts))
    except TemplateError as err:
        return Rendered("", clean(f"{type(err).__name__}: {err.message}", 200))
    except FAULTS as err:
        return Rendered("", clean(f"{type(err).__name__}: {err}", 200))
    return Rendered(text, None if text.strip() else "it renders to nothing")


def _bounded(text: str) -> str:
    text = text.strip()
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


@lru_cache(maxsize=64)
def _compiled(source: str) -> "Template":
    return _environment().from_string(source)


@cache
def _built_in(kind: MessageKind) -> "Template":
    return _environment().get_template(f"{kind}.txt")


@cache
def _environment() -> "ImmutableSandboxedEnvironment":
    from jinja2 import PackageLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(
        loader=PackageLoader("goaround.incident", "messages"),
        undefined=StrictUndefined,
        autoescape=False,  # plain text: every receiver has quotes of its own
        auto_reload=False,
    )
