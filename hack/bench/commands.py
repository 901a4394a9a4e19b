"""What a command of people costs, from the start of Python to its last line."""

import resource
import subprocess
import sys
from collections.abc import Sequence

from goaround.api.base import Json
from hack.bench.figures import table

COMMANDS = (
    "--help",
    "status -A",
    "kill nobody --reason bench --dry-run",
    "history many-0001 -n bench",
    "doctor",
)
TRIES = 5


def run(kubeconfig: str) -> Json:
    """The least of a few tries each, in seconds of processor time; how they end is all one."""
    rows = [
        {"command": words.split()[0], "CPU s": _least(words.split(), kubeconfig)}
        for words in COMMANDS
    ]
    print(table("commands, processor time", rows))
    return {"rows": rows}


def _least(words: Sequence[str], kubeconfig: str) -> float:
    where = [] if words[0].startswith("-") else [f"--kubeconfig={kubeconfig}"]
    argv = [sys.executable, "-m", "goaround", *words, *where]
    return round(min(_cost(argv) for _ in range(TRIES)), 3)


def _cost(argv: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(argv, capture_output=True, check=False, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
