"""The part of CEL that our own schema uses, evaluated without an API server.

Decides whether a value keeps a rule. Refuses everything that our rules do not need (`CelError`); a
test reads them all, so that a new one that needs more is found at once.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d+\.\d+|\d+)|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<sign>\|\||&&|[=!<>]=|[-+*/%!<>?:.,()\[\]]))"
)
BINARY: Final[Sequence[Sequence[str]]] = (
    ("||",),
    ("&&",),
    ("==", "!=", "<=", ">=", "<", ">", "in"),
    ("+", "-"),
    ("*", "/", "%"),
)

Value = Any  # whatever YAML holds: the border at which types end
Scope = Mapping[str, Value]
Term = Callable[[Scope], Value]


class CelError(ValueError):
    """The rule is not in the part of CEL that is spoken here, or fails on this object."""


def read(rule: str) -> Term:
    """The rule, ready to be asked. Raises CelError."""
    tokens = _Tokens(rule)
    term = _ternary(tokens)
    tokens.end()
    return term


def evaluate(rule: str, value: Value) -> bool:
    """Whether `value`, in plain lists and maps, keeps the rule. Raises CelError."""
    term = read(rule)
    try:
        return bool(term({"self": value}))
    except (TypeError, KeyError, IndexError, AttributeError, ValueError) as err:
        raise CelError(f"{rule}: {err}") from err


class _Tokens:
    """The rule as tokens, with a look-ahead of one."""

    def __init__(self, rule: str) -> None:
        self._rule = rule
        self._found: list[tuple[str, str]] = []
        at = 0
        while rule[at:].strip():
            match = TOKEN.match(rule, at)
            if match is None or match.lastgroup is None:
                raise CelError(f"{rule}: cannot read {rule[at : at + 20]!r}")
            self._found.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()
        self._at = 0

    def peek(self) -> tuple[str, str]:
        return self._found[self._at] if self._at < len(self._found) else ("end", "")

    def take(self) -> tuple[str, str]:
        found = self.peek()
        self._at += 1
        return found

    def took(self, sign: str) -> bool:
        """Take it if it is next."""
        if self.peek()[0] in ("sign", "name") and self.peek()[1] == sign:
            self._at += 1
            return True
        return False

    def need(self, sign: str) -> None:
        if not self.took(sign):
            raise CelError(f"{self._rule}: {sign!r} expected, not {self.peek()[1]!r}")

    def end(self) -> None:
        if self.peek()[0] != "end":
            raise CelError(f"{self._rule}: {self.peek()[1]!r} is left over")


def _ternary(tokens: _Tokens) -> Term:
    condition = _binary(tokens, 0)
    if not tokens.took("?"):
        return condition
    yes = _ternary(tokens)
    tokens.need(":")
    no = _ternary(tokens)
    return lambda scope: yes(scope) if condition(scope) else no(scope)


def _binary(tokens: _Tokens, level: int) -> Term:
    if level == len(BINARY):
        return _unary(tokens)
    term = _binary(tokens, level + 1)
    while sign := next((sign for sign in BINARY[level] if tokens.took(sign)), None):
        term = _joined(sign, term, _binary(tokens, level + 1))
    return term


def _joined(sign: str, left: Term, right: Term) -> Term:
    if sign == "||":
        return lambda scope: _either(left, right, scope, True)
    if sign == "&&":
        return lambda scope: _either(left, right, scope, False)
    apply = OPERATIONS[sign]
    return lambda scope: apply(left(scope), right(scope))


def _either(left: Term, right: Term, scope: Scope, decides: bool) -> bool:
    """CEL's `||` and `&&` are commutative: a side that fails does not matter where the other
    decides."""
    try:
        if bool(left(scope)) is decides:
            return decides
    except (TypeError, KeyError, IndexError, ValueError):
        if bool(right(scope)) is decides:
            return decides
        raise
    return bool(right(scope))


OPERATIONS: Final[Mapping[str, Callable[[Value, Value], Value]]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "in": lambda a, b: a in b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": lambda a, b: a % b,
}


def _unary(tokens: _Tokens) -> Term:
    if tokens.took("!"):
        inner = _unary(tokens)
        return lambda scope: not inner(scope)
    if tokens.took("-"):
        negated = _unary(tokens)
        return lambda scope: -negated(scope)
    return _reached(tokens, _primary(tokens))


def _reached(tokens: _Tokens, term: Term) -> Term:
    """Fields, items and methods behind a term."""
    while True:
        if tokens.took("."):
            name = tokens.take()[1]
            term = _method(tokens, term, name) if tokens.took("(") else _field(term, name)
        elif tokens.took("["):
            index = _ternary(tokens)
            tokens.need("]")
            term = _item(term, index)
        else:
            return term


def _field(term: Term, name: str) -> Term:
    return lambda scope: term(scope)[name]


def _item(term: Term, index: Term) -> Term:
    return lambda scope: term(scope)[index(scope)]


def _primary(tokens: _Tokens) -> Term:
    kind, text = tokens.take()
    match kind, text:
        case "number", _:
            number = float(text) if "." in text else int(text)
            return lambda scope: number
        case "text", _:
            # our rules quote regular expressions, whose escapes must stay as they are
            return lambda scope: text[1:-1]
        case "sign", "(":
            inner = _ternary(tokens)
            tokens.need(")")
            return inner
        case "sign", "[":
            items = _until(tokens, "]")
            return lambda scope: [item(scope) for item in items]
        case "name", "has":
            return _has(tokens)
        case "name", "true" | "false":
            return lambda scope: text == "true"
        case "name", _ if tokens.took("("):
            return _function(text, _until(tokens, ")"))
        case "name", _:
            return lambda scope: scope[text]
        case _:
            raise CelError(f"a value expected, not {text!r}")


def _until(tokens: _Tokens, close: str) -> list[Term]:
    found: list[Term] = []
    while not tokens.took(close):
        found.append(_ternary(tokens))
        if not tokens.took(","):
            tokens.need(close)
            break
    return found


def _has(tokens: _Tokens) -> Term:
    tokens.need("(")
    inner = _ternary(tokens)
    tokens.need(")")

    def is_there(scope: Scope) -> bool:
        try:
            return inner(scope) is not None
        except KeyError:
            return False

    return is_there


FUNCTIONS: Final[Mapping[str, Callable[[Value], Value]]] = {
    "double": float,
    "int": int,
    "string": str,
    "size": len,
}


def _function(name: str, arguments: Sequence[Term]) -> Term:
    if name not in FUNCTIONS or len(arguments) != 1:
        raise CelError(f"{name}() is not spoken here")
    call = FUNCTIONS[name]
    return lambda scope: call(arguments[0](scope))


METHODS: Final[Mapping[str, Callable[..., Value]]] = {
    "size": len,
    "matches": lambda text, pattern: re.search(pattern, text) is not None,
    "startsWith": lambda text, start: text.startswith(start),
    "endsWith": lambda text, end: text.endswith(end),
    "contains": lambda text, part: part in text,
    "lowerAscii": lambda text: text.lower(),
    "sum": sum,
    "isSorted": lambda items: list(items) == sorted(items),
}
MACROS: Final[Mapping[str, Callable[[list[Value], list[Value]], Value]]] = {
    "all": lambda items, told: all(told),
    "exists": lambda items, told: any(told),
    "exists_one": lambda items, told: told.count(True) == 1,
    "filter": lambda items, told: [i for i, yes in zip(items, told, strict=True) if yes],
    "map": lambda items, told: told,
}


def _method(tokens: _Tokens, term: Term, name: str) -> Term:
    if name in MACROS:
        variable = tokens.take()[1]
        tokens.need(",")
        inner, fold = _ternary(tokens), MACROS[name]
        tokens.need(")")

        def folded(scope: Scope) -> Value:
            items = list(term(scope))
            return fold(items, [inner({**scope, variable: item}) for item in items])

        return folded
    if name not in METHODS:
        raise CelError(f"the method {name} is not spoken here")
    arguments, call = _until(tokens, ")"), METHODS[name]
    return lambda scope: call(term(scope), *(argument(scope) for argument in arguments))
