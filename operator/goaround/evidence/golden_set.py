"""A golden set as people write it: read strictly, with one sentence per fault.

Decides what a set may hold and what identifies it. Refuses to repair: a set with a fault is not
run at all.
"""

import hashlib
import json
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from goaround.evidence.golden_assertions import (
    Assertion,
    Contains,
    Equals,
    FitsSchema,
    Matches,
    Near,
)
from goaround.evidence.golden_cases import MOST_TAGS
from goaround.evidence.golden_schema import Unfit, compiled, expression
from goaround.evidence.quoting import quoted_name

MOST_BYTES: Final = 512 * 1024
MOST_CASES: Final = 200
MOST_NODES: Final = 100_000
MOST_DEPTH: Final = 64
MOST_FAULTS: Final = 3
NAME: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
TAG: Final = r"^[a-z0-9]([-a-z0-9:._]*[a-z0-9])?$"
POINTER: Final = r"^(/[^/]*)*$"
TOO_DEEP: Final = f"it is nested more than {MOST_DEPTH} levels deep: write it flatter"
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class GoldenSetError(ValueError):
    """The set cannot be used; the text says where, what, the limit, and what to do."""


@dataclass(frozen=True, slots=True)
class GoldenCase:
    """One input, what its answer must be, and what it shows."""

    name: str
    input: Any
    assertions: tuple[Assertion, ...]
    tags: tuple[str, ...] = ()
    must_pass: bool = False


@dataclass(frozen=True, slots=True)
class GoldenSet:
    """The cases; `hash` is the same exactly for the same content, however it is written down."""

    hash: str
    cases: tuple[GoldenCase, ...]


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, alias_generator=to_camel, populate_by_name=True
    )


_Pointer = Annotated[str, Field(pattern=POINTER, max_length=256)]
_Needle = Annotated[str, Field(min_length=1, max_length=1024)]


class _Exact(_Strict):
    path: _Pointer = ""
    value: Any


class _Regex(_Strict):
    path: _Pointer = ""
    pattern: str = Field(min_length=1)


class _Numeric(_Strict):
    path: _Pointer = ""
    value: float = Field(ge=-1e300, le=1e300)
    tolerance: float = Field(default=0.0, ge=0, le=1e300)


class _Text(_Strict):
    path: _Pointer = ""
    text: _Needle


class _Assertion(_Strict):
    fits: dict[str, Any] | None = Field(default=None, alias="schema")
    exact: _Exact | None = None
    regex: _Regex | None = None
    numeric: _Numeric | None = None
    must_contain: _Text | None = None
    must_not_contain: _Text | None = None


class _Defaults(_Strict):
    assertions: list[_Assertion] = Field(default_factory=list, max_length=16)
    tags: list[Annotated[str, Field(pattern=TAG, max_length=63)]] = Field(
        default_factory=list, max_length=MOST_TAGS
    )
    must_pass: bool = False


class _Case(_Strict):
    name: str = Field(pattern=NAME, max_length=63)
    input: Any
    assertions: list[_Assertion] = Field(default_factory=list, max_length=16)
    tags: list[Annotated[str, Field(pattern=TAG, max_length=63)]] = Field(
        default_factory=list, max_length=MOST_TAGS
    )
    must_pass: bool | None = None


class _Document(_Strict):
    version: Literal[1]
    defaults: _Defaults = _Defaults()
    cases: list[_Case] = Field(min_length=1, max_length=MOST_CASES)


def parse(text: str) -> GoldenSet:
    """The golden set in a ConfigMap's key, YAML or JSON. Raises GoldenSetError."""
    size = len(text.encode(errors="replace"))
    if size > MOST_BYTES:
        raise GoldenSetError(f"it has {size:,} bytes, the limit is {MOST_BYTES:,}: split the set")
    raw = _plain(_loaded(text), [MOST_NODES])
    if isinstance(raw, dict):
        raw = {**raw, "cases": [_spelt_out(one) for one in _listed(raw.get("cases"))],
               "defaults": _spelt_out(raw.get("defaults") or {})}  # fmt: skip
    try:
        document = _Document.model_validate(raw)
    except ValidationError as err:
        raise GoldenSetError("; ".join(_faults(err, raw))) from err
    cases = tuple(_case(one, document.defaults) for one in document.cases)
    names = [case.name for case in cases]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise GoldenSetError(f"two cases have the name {twice[0]}: names must be unique")
    canonical = json.dumps(raw, sort_keys=True, separators=(",", ":"))
    return GoldenSet("sha256:" + hashlib.sha256(canonical.encode()).hexdigest(), cases)


def require(golden: GoldenSet, *, min_cases: int, tags: Collection[str]) -> None:
    """What spec asks of the set. Raises GoldenSetError."""
    if len(golden.cases) < min_cases:
        raise GoldenSetError(
            f"it has {len(golden.cases)} cases, minCases is {min_cases}: add cases, or lower "
            "preflight.goldenSet.minCases"
        )
    seen = {tag for case in golden.cases for tag in case.tags}
    if missing := [tag for tag in tags if tag not in seen]:
        raise GoldenSetError(
            f"no case is tagged {', '.join(missing)}: add one each, or change "
            "preflight.goldenSet.requiredTags"
        )


def _loaded(text: str) -> Any:
    try:
        if text.lstrip().startswith("{"):
            return json.loads(text)
        _require_flat(text)
        return yaml.load(text, _LOADER)  # a safe loader, in C where there is one
    except GoldenSetError:
        raise
    except json.JSONDecodeError as err:
        raise GoldenSetError(f"line {err.lineno} is no JSON: {err.msg}") from err
    except yaml.YAMLError as err:
        mark = getattr(err, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark is not None else "it"
        raise GoldenSetError(f"{where} is no YAML: {getattr(err, 'problem', None)}") from err
    except (ValueError, RecursionError) as err:
        raise GoldenSetError("it cannot be read: nested too deeply, or a number too long") from err


def _require_flat(text: str) -> None:
    """The loader in C goes down without a limit of its own, until the process dies."""
    depth = 0
    for event in yaml.parse(text, _LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_DEPTH:
            raise GoldenSetError(TOO_DEEP)


def _plain(value: Any, left: list[int], at: str = "it", depth: int = 0) -> Any:
    """JSON and nothing else, every node counted: aliases of YAML are read as often as used."""
    left[0] -= 1
    if left[0] < 0:
        raise GoldenSetError(f"it has more than {MOST_NODES:,} values (aliases count each time)")
    if depth > MOST_DEPTH:
        raise GoldenSetError(TOO_DEEP)
    depth += 1
    match value:
        case None | bool() | int() | str():
            return value
        case float() if math.isfinite(value):
            return value
        case list():
            return [_plain(one, left, at, depth) for one in value]
        case dict():
            return {_key(k): _plain(v, left, quoted_name(str(k)), depth) for k, v in value.items()}
        case _:
            raise GoldenSetError(f"{at}: a {type(value).__name__} is no JSON: put it in quotes")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise GoldenSetError(f"key {quoted_name(str(key))} is no text: put it in quotes")
    return key


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _spelt_out(part: Any) -> Any:
    """Short forms as the long ones: `mustContain: refund` as `mustContain: {text: refund}`."""
    if not isinstance(part, dict) or not isinstance(part.get("assertions"), list):
        return part
    return {**part, "assertions": [_spelt(one) for one in part["assertions"]]}


def _spelt(one: Any) -> Any:
    if not isinstance(one, dict):
        return one
    short = {"mustContain": "text", "mustNotContain": "text", "regex": "pattern"}
    return {k: {short[k]: v} if k in short and isinstance(v, str) else v for k, v in one.items()}


def _faults(err: ValidationError, raw: Any) -> Iterator[str]:
    """The first faults, by case name where there is one."""
    found = err.errors(include_url=False, include_context=False, include_input=False)
    for fault in found[:MOST_FAULTS]:
        yield f"{_where(fault['loc'], raw)}: {fault['msg']}"
    if len(found) > MOST_FAULTS:
        yield f"and {len(found) - MOST_FAULTS} more faults"


def _where(location: tuple[int | str, ...], raw: Any) -> str:
    match location:
        case ("cases", int(index), *rest):
            case = _listed(raw.get("cases"))[index] if isinstance(raw, dict) else None
            name = case.get("name") if isinstance(case, dict) else None
            head = f"case {quoted_name(name)}" if isinstance(name, str) else f"case {index + 1}"
            return ".".join([head, *(quoted_name(str(part)) for part in rest)])
        case ():
            return "the golden set"
        case _:
            return ".".join(quoted_name(str(part)) for part in location)


def _case(case: _Case, defaults: _Defaults) -> GoldenCase:
    asked = [*defaults.assertions, *case.assertions]
    try:
        assertions = tuple(_assertion(one) for one in asked)
    except Unfit as err:
        raise GoldenSetError(f"case {case.name}: {err}") from err
    if not assertions:
        raise GoldenSetError(f"case {case.name} asserts nothing: give it one assertion at least")
    tags = tuple(dict.fromkeys([*defaults.tags, *case.tags]))
    if len(tags) > MOST_TAGS:
        raise GoldenSetError(f"case {case.name} has {len(tags)} tags, the limit is {MOST_TAGS}")
    must = defaults.must_pass if case.must_pass is None else case.must_pass
    return GoldenCase(case.name, case.input, assertions, tags, must)


def _assertion(one: _Assertion) -> Assertion:
    """The one kind that is set. Raises Unfit."""
    match [value for value in dict(one).values() if value is not None]:
        case [dict(schema)]:
            return FitsSchema("", compiled(schema))
        case [_Exact(path=path, value=value)]:
            return Equals(path, value)
        case [_Regex(path=path, pattern=pattern)]:
            return Matches(path, expression(pattern))
        case [_Numeric(path=path, value=number, tolerance=tolerance)]:
            return Near(path, number, tolerance)
        case [_Text(path=path, text=text)]:
            return Contains(path, text, wanted=one.must_contain is not None)
        case _:
            raise Unfit(
                "an assertion is one of schema, exact, regex, numeric, mustContain and "
                "mustNotContain: set exactly one"
            )
