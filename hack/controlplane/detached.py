"""The control plane that outlives a command: `hack/cluster up`, `env`, `down`, `tools`.

One per checkout. An owner process holds it and notes it in `build/cluster/` (or in the folder
`GOAROUND_CLUSTER`); it ends by `down`, and by itself after some hours, so that a forgotten one does
not run for ever.
"""

import argparse
import fcntl
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from hack.controlplane.binaries import ToolMissing, resolve, resolve_all
from hack.controlplane.plane import ControlPlane
from hack.controlplane.start import StartFailed, control_plane, tools_for
from hack.controlplane.tools import catalogue

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(os.environ.get("GOAROUND_CLUSTER") or ROOT / "build" / "cluster").absolute()
STATE = HOME / "state.json"
OWNER_LOG = HOME / "owner.log"
SERVE = "serve"
START_SECONDS = 120.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Running:
    """What another process needs to know of the running plane; `born` guards against reused ids."""

    owner: int
    born: str
    kubeconfig: str
    prometheus: str
    bin: str


def main(argv: list[str] | None = None) -> int:
    """The command line; the exit code."""
    options = _parser().parse_args(argv)
    try:
        match options.command:
            case "up":
                return up(options)
            case "down":
                return down()
            case "env":
                return env()
            case "tools":
                return tools(options.names)
        return serve(options)
    except (ToolMissing, StartFailed) as error:
        print(error, file=sys.stderr)
        return 1


def up(options: argparse.Namespace) -> int:
    """Start the owner process, unless there is one; returns when the plane is ready."""
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        running = _running()
        if running is not None:
            print(f"already running (process {running.owner})")
            return _tell(running)
        # Here and not in the owner, so that the progress of a build is seen.
        resolve_all(
            tools_for(prometheus=options.prometheus, controller_manager=options.controller_manager)
        )
        for old in HOME.glob("goaround-*"):
            shutil.rmtree(old, ignore_errors=True)
        return _start_owner(_serve_arguments(options))


def _start_owner(arguments: list[str]) -> int:
    with OWNER_LOG.open("wb") as log:
        owner = subprocess.Popen(
            [sys.executable, str(ROOT / "hack" / "cluster"), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while (running := _running()) is None:
        if owner.poll() is not None or time.monotonic() > deadline:
            owner.terminate()
            print(OWNER_LOG.read_text(encoding="utf-8"), file=sys.stderr)
            print("the control plane did not start", file=sys.stderr)
            return 1
        time.sleep(POLL_SECONDS)
    return _tell(running)


def _serve_arguments(options: argparse.Namespace) -> list[str]:
    flags = {
        "--controller-manager": options.controller_manager,
        "--audit": options.audit,
        "--no-prometheus": not options.prometheus,
    }
    return [SERVE, f"--hours={options.hours}", *(flag for flag, is_set in flags.items() if is_set)]


def down() -> int:
    running = _running()
    if running is None:
        print("not running")
        return 0
    os.kill(running.owner, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _running() is not None:
        if time.monotonic() > deadline:
            print(f"process {running.owner} does not stop", file=sys.stderr)
            return 1
        time.sleep(POLL_SECONDS)
    print("stopped")
    return 0


def env() -> int:
    running = _running()
    if running is None:
        print("not running; start it with: hack/cluster up", file=sys.stderr)
        return 1
    print(f"export KUBECONFIG={shlex.quote(running.kubeconfig)}")
    print(f"export GOAROUND_PROMETHEUS={shlex.quote(running.prometheus)}")
    print(f'export PATH={shlex.quote(running.bin)}:"$PATH"')
    return 0


def tools(names: list[str]) -> int:
    """Print the path of each tool, after building it at need: fills a cache without a cluster."""
    for name in names or tools_for(prometheus=True, controller_manager=False):
        print(resolve(name))
    return 0


def serve(options: argparse.Namespace) -> int:
    """Own a plane until SIGTERM, or until its hours are over."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with control_plane(
            prometheus=options.prometheus,
            audit=options.audit,
            controller_manager=options.controller_manager,
            keep=HOME,
        ) as cp:
            _note(cp)
            time.sleep(options.hours * 3600)
    finally:
        STATE.unlink(missing_ok=True)
    return 0


def _note(cp: ControlPlane) -> None:
    folder = cp.data / "bin"
    folder.mkdir()
    for name, path in cp.binaries.items():
        (folder / name).symlink_to(path)
    pid = os.getpid()
    state = Running(pid, _birth(pid), str(cp.kubeconfig), cp.prometheus, str(folder))
    new = STATE.with_suffix(".new")
    new.write_text(json.dumps(asdict(state)), encoding="utf-8")
    new.replace(STATE)


def _running() -> Running | None:
    try:
        running = Running(**json.loads(STATE.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return running if running.born and _birth(running.owner) == running.born else None


def _birth(pid: int) -> str:
    """When the process was started, in ticks since boot; "" when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return ""
    # Counted from behind the command's name, which may hold spaces and brackets.
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]


def _tell(running: Running) -> int:
    print(f"kubeconfig: {running.kubeconfig}")
    print(f"prometheus: {running.prometheus or 'none'}")
    print('use it with: eval "$(hack/cluster env)"')
    print("stop it with: hack/cluster down")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hack/cluster", description="A throw-away Kubernetes control plane on loopback."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="up|down|env|tools")
    # The usage names four commands; the fifth is how `up` starts the owner.
    for name in ("up", SERVE):
        start = commands.add_parser(name, description="Start it, unless it runs already.")
        start.add_argument("--controller-manager", action="store_true")
        start.add_argument("--audit", action="store_true", help="write an audit log")
        start.add_argument("--no-prometheus", dest="prometheus", action="store_false")
        start.add_argument("--hours", type=float, default=12, help="stops after so many (12)")
    commands.add_parser("down", help="stop it")
    commands.add_parser("env", help="print shell exports")
    listed = commands.add_parser("tools", help="print the paths of tools, building them at need")
    listed.add_argument("names", nargs="*", metavar="tool", help=", ".join(catalogue()))
    return parser
