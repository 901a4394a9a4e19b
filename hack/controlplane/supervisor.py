"""Keeps the servers of one control plane alive exactly as long as their owner (Linux only).

The owner holds a pipe to this process; when the pipe closes, by intent or by SIGKILL of the owner,
every server is killed and the throw-away directory removed. When this process itself is killed, the
kernel kills the servers (PR_SET_PDEATHSIG). Servers are ended by SIGKILL: nothing they hold is
worth a graceful stop. It does not restart a server that died; that is the business of a test.

The file runs both as a module of the package (class `Supervisor`) and as a script (`main`), so it
imports only the standard library.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
REAP_SECONDS = 0.05
STOP_SECONDS = 20


class Supervisor:
    """The owner's end: starts servers through the supervising child, and ends them all.

    `remove` is deleted after the last server is gone. Raises `OSError` where Linux is missing.
    """

    def __init__(self, remove: Path | None = None) -> None:
        if sys.platform != "linux":
            raise OSError("the local control plane needs Linux (PR_SET_PDEATHSIG)")
        # A session of its own: Ctrl-C reaches the owner, which then closes the pipe.
        self._child = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, str(remove or "")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._child.pid

    def start(self, name: str, argv: Sequence[str], log: Path) -> int:
        """Start a server with its output in `log` (appended); the process id.

        Raises `RuntimeError` when the program cannot be started.
        """
        order = {"name": name, "argv": list(argv), "log": str(log)}
        orders, answers = _pipes(self._child)
        with contextlib.suppress(BrokenPipeError):
            orders.write(json.dumps(order).encode() + b"\n")
            orders.flush()
        answer = json.loads(answers.readline() or b'{"error": "the supervisor is gone"}')
        if "error" in answer:
            raise RuntimeError(f"{name} cannot be started: {answer['error']}")
        return int(answer["pid"])

    def close(self) -> None:
        """End every server and wait until all are gone; may be called twice."""
        orders, answers = _pipes(self._child)
        with contextlib.suppress(BrokenPipeError):
            orders.close()
        try:
            self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        answers.close()


def _pipes(child: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert child.stdin is not None
    assert child.stdout is not None
    return child.stdin, child.stdout


def main(remove: str) -> None:
    """Obey orders from standard input until it ends; then kill, reap and remove."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    children: list[subprocess.Popen[bytes]] = []
    try:
        _obey(children)
    finally:
        for child in children:
            child.kill()
        for child in children:
            child.wait()
        if remove:
            shutil.rmtree(remove, ignore_errors=True)


def _obey(children: list[subprocess.Popen[bytes]]) -> None:
    dies_with_me = _death_pact()
    pending = b""
    while True:
        ready, _, _ = select.select([0], [], [], REAP_SECONDS)
        # Reaping at once makes a killed server's process id vanish, so that others can watch it.
        children[:] = [child for child in children if child.poll() is None]
        if not ready:
            continue
        received = os.read(0, 65536)
        if not received:
            return
        *orders, pending = (pending + received).split(b"\n")
        for order in orders:
            _start(json.loads(order), children, dies_with_me)


def _start(
    order: dict[str, object],
    children: list[subprocess.Popen[bytes]],
    dies_with_me: Callable[[], None],
) -> None:
    argv = order["argv"]
    assert isinstance(argv, list)
    try:
        with Path(str(order["log"])).open("ab") as log:
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=dies_with_me,
            )
    except OSError as error:
        _answer({"error": str(error)})
        return
    children.append(child)
    _answer({"pid": child.pid})


def _answer(message: dict[str, object]) -> None:
    # The owner may be dead by now; the closed pipe then ends the loop in the next round.
    with contextlib.suppress(BrokenPipeError):
        os.write(1, json.dumps(message).encode() + b"\n")


def _death_pact() -> Callable[[], None]:
    """What a child runs before its program: ask the kernel to kill it when this process dies."""
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def promise() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # The supervisor may have died between fork and prctl, and then no signal would come.
        if os.getppid() != parent:
            os._exit(1)

    return promise


if __name__ == "__main__":
    main(sys.argv[1])
