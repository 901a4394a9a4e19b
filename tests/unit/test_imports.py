"""Rooms import one way, and the pure ones touch neither clock nor chance nor the world.

`cli, runtime → world, delivery → rollout, incident, evidence → api`; same rank, no import. Read
from the source, so that a forbidden import is found even where no test runs it.
"""

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "operator" / "goaround"
RANK = {
    "api": 0,
    "evidence": 1,
    "incident": 1,
    "ledger": 1,
    "rollout": 1,
    "delivery": 2,
    "world": 2,
    "cli": 3,
    "runtime": 3,
    "__main__": 4,
}
PURE = frozenset({"api", "evidence", "incident", "ledger", "rollout"})
SHELL = "runtime"
CONCURRENCY = {"asyncio", "concurrent", "multiprocessing", "threading"}
NETWORK = {"aiohttp", "grpc", "http", "httpx", "kopf", "kubernetes", "requests", "socket", "urllib"}
MACHINE = {"os", "pathlib", "shutil", "subprocess", "sys", "tempfile"}
CHANCE_AND_TIME = {"random", "secrets", "time", "uuid"}
METRICS = {"prometheus_api_client", "prometheus_client"}
IMPURE = CONCURRENCY | NETWORK | MACHINE | CHANCE_AND_TIME | METRICS
CLOCKS = frozenset({"datetime", "date"})
TELLS_TIME = frozenset({"now", "today", "utcnow"})
IMPURE_CALLS = frozenset({"open", "input", "print"})


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    """The room of a module; the package's own modules are rooms of their own."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(tree: ast.AST) -> Iterator[str]:
    """Dotted names of everything that a module imports, at any depth."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=module, names=names, level=0):
                yield from (f"{module}.{name.name}" for name in names)
            case ast.ImportFrom():
                yield "relative"


def wrong_ways(room: str, tree: ast.AST) -> list[str]:
    """Imports of ours that do not point down."""
    found = []
    for name in imported(tree):
        parts = name.split(".")
        if name == "relative":
            found.append("a relative import hides where it points")
        if parts[0] != "goaround" or len(parts) == 1 or parts[1] in (room, "__version__"):
            continue
        if parts[1] not in RANK or RANK[parts[1]] >= RANK[room]:
            found.append(name)
    return found


def impurities(tree: ast.AST) -> list[str]:
    """What a pure module may not do: read a clock, throw dice, reach the world."""
    found = [name for name in imported(tree) if name.split(".")[0] in IMPURE]
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=owner), attr=verb):
                is_clock = owner in CLOCKS and verb in TELLS_TIME
                is_dice = owner in ("np", "numpy") and verb == "random"
                found += [f"{owner}.{verb}"] if is_clock or is_dice else []
            case ast.Call(func=ast.Name(id=name)) if name in IMPURE_CALLS:
                found.append(f"{name}()")
    return found


@cache
def parsed(path: Path) -> ast.AST:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def faults(paths: list[Path], look: Callable[[Path], list[str]]) -> dict[str, list[str]]:
    """What is wrong, by module."""
    return {str(p.relative_to(PACKAGE)): found for p in paths if (found := look(p))}


def wrong(path: Path) -> list[str]:
    """Imports of a module that do not point one way; the package itself imports nothing of ours."""
    room = room_of(path)
    if room == "__init__":
        return [name for name in imported(parsed(path)) if name.startswith("goaround")]
    return wrong_ways(room, parsed(path)) if room in RANK else [f"{room} is no room of the design"]


def test_imports_point_one_way() -> None:
    assert faults(modules(), wrong) == {}


def test_only_the_shell_knows_kopf() -> None:
    others = [path for path in modules() if room_of(path) != SHELL]
    found = faults(others, lambda p: [n for n in imported(parsed(p)) if n.split(".")[0] == "kopf"])
    assert found == {}


def test_a_pure_room_has_no_clock_no_chance_and_no_world() -> None:
    pure = [path for path in modules() if room_of(path) in PURE]
    assert faults(pure, lambda path: impurities(parsed(path))) == {}


def test_every_room_is_looked_at() -> None:
    assert {room_of(path) for path in modules()} >= PURE | {SHELL, "world", "delivery"}


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("api", "from goaround.rollout import decide"),
        ("rollout", "from goaround.incident.severity import severity"),
        ("delivery", "import goaround.world.kube"),
        ("world", "from goaround import runtime"),
        ("runtime", "from goaround.cli import main"),
        ("api", "from . import base"),
        ("rollout", "def f():\n    import goaround.world.kube"),
    ],
)
def test_an_import_that_points_the_wrong_way_is_found(room: str, line: str) -> None:
    assert wrong_ways(room, ast.parse(line))


@pytest.mark.parametrize(
    "line",
    [
        "import time",
        "from random import choice",
        "import urllib.request",
        "datetime.now(UTC)",
        "clock = datetime.now",
        "date.today()",
        "np.random.default_rng(0)",
        "open('x')",
        "async def f():\n    import asyncio",
    ],
)
def test_an_impure_line_is_found(line: str) -> None:
    assert impurities(ast.parse(line))


@pytest.mark.parametrize("line", ["o.now", "now: datetime", "from datetime import datetime"])
def test_time_as_a_value_is_pure(line: str) -> None:
    assert impurities(ast.parse(line)) == []
