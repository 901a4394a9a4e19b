"""Decides which binary of a tool is used, and makes it when there is none.

Order: `KUBEBUILDER_ASSETS`, `PATH`, our cache, `GOAROUND_RELEASES`, a build from pinned Go modules.
A binary that is too old, or does not tell its version, is passed over, never used "because it is
there". Nothing is written outside the cache, and no download address is known to this repository.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hack.controlplane.tools import Tool, catalogue, parse_version

DOWNLOAD_SECONDS = 10
BUILD_SECONDS = 3600
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class ToolMissing(RuntimeError):
    """No usable binary; the text names the tool, where it was looked for, and what to do."""


def resolve_all(names: Iterable[str], env: Mapping[str, str] = os.environ) -> dict[str, Path]:
    """`resolve` for each name."""
    return {name: resolve(name, env) for name in names}


def resolve(name: str, env: Mapping[str, str] = os.environ) -> Path:
    """The binary of the tool `name`, built at need; safe with concurrent callers.

    Raises `ToolMissing`, or `KeyError` for a name outside the catalogue.
    """
    tool = catalogue()[name]
    tried: list[str] = []
    found = _at_hand(tool, env, tried)
    if found is not None:
        return found
    home = cached(tool, env).parent
    home.mkdir(parents=True, exist_ok=True)
    with _only_one(home.parent / f"{tool.version}.lock", tool):
        # Another caller may have made it while this one waited for the lock.
        if _is_program(cached(tool, env)):
            return cached(tool, env)
        if _download(tool, env, tried) or _build(tool, env, tried):
            return cached(tool, env)
    raise ToolMissing(_explain(tool, tried))


def cache_root(env: Mapping[str, str] = os.environ) -> Path:
    """Where binaries are kept between runs: outside every checkout."""
    if env.get("GOAROUND_CACHE"):
        return Path(env["GOAROUND_CACHE"]).expanduser()
    if env.get("XDG_CACHE_HOME"):
        return Path(env["XDG_CACHE_HOME"]) / "goaround"
    return Path(env.get("HOME") or Path.home()) / ".cache" / "goaround"


def cached(tool: Tool, env: Mapping[str, str] = os.environ) -> Path:
    """The place of `tool` in the cache, whether it is there or not."""
    return cache_root(env) / tool.name / tool.version / tool.name


def _at_hand(tool: Tool, env: Mapping[str, str], tried: list[str]) -> Path | None:
    assets = env.get("KUBEBUILDER_ASSETS")
    if assets:
        found = _accept(tool, Path(assets) / tool.name, "KUBEBUILDER_ASSETS", tried)
        if found is not None:
            return found
    else:
        tried.append("KUBEBUILDER_ASSETS: not set")
    for folder in env.get("PATH", "").split(os.pathsep):
        if folder and _is_program(Path(folder) / tool.name):
            found = _accept(tool, Path(folder) / tool.name, "PATH", tried)
            if found is not None:
                return found
    tried.append("PATH: no version that is new enough")
    if _is_program(cached(tool, env)):
        return cached(tool, env)
    tried.append(f"cache: {cached(tool, env)} does not exist")
    return None


def _accept(tool: Tool, path: Path, source: str, tried: list[str]) -> Path | None:
    if not _is_program(path):
        tried.append(f"{source}: {path} is not a program")
        return None
    version = _version_of(tool, path)
    if version is None:
        tried.append(f"{source}: {path} does not tell its version")
        return None
    if not tool.is_new_enough(version):
        tried.append(f"{source}: {path} is {_dotted(version)}, older than {_dotted(tool.minimum)}")
        return None
    # Not resolved: a dispatcher behind a symbolic link looks at its own name.
    return path.absolute()


def _version_of(tool: Tool, path: Path) -> tuple[int, ...] | None:
    try:
        answer = subprocess.run(
            [path, *tool.asks_version],
            capture_output=True,
            text=True,
            timeout=30,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(answer.stdout + answer.stderr) if answer.returncode == 0 else None


@contextmanager
def _only_one(lock: Path, tool: Tool) -> Iterator[None]:
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"waiting for {tool.name} {tool.version}, which another process is building…")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _download(tool: Tool, env: Mapping[str, str], tried: list[str]) -> bool:
    """Fetch from the place that the user names; a wrong checksum raises instead of falling
    through."""
    base = env.get("GOAROUND_RELEASES")
    if not base:
        tried.append("GOAROUND_RELEASES: not set")
        return False
    for place in _places(tool):
        address = f"{base.rstrip('/')}/{place}"
        _say(f"downloading {tool.name} {tool.version}…")
        try:
            expected = _fetch(f"{address}.sha256").split()[0].decode("ascii").lower()
            content = _fetch(address)
        except (OSError, ValueError, IndexError) as error:
            tried.append(f"GOAROUND_RELEASES: {place}: {error}")
            continue
        if hashlib.sha256(content).hexdigest() != expected:
            raise ToolMissing(f"{tool.name} {tool.version}: {place} does not match its .sha256")
        with _appearing(cached(tool, env)) as new:
            new.write_bytes(content)
        return True
    return False


def _places(tool: Tool) -> list[str]:
    """Where a program lies below the address: as a mirror has it, and, for programs of Kubernetes,
    as its official releases have it."""
    places = [f"{tool.name}-{tool.version}-linux-{architecture()}"]
    if tool.package.startswith("k8s.io/kubernetes/"):
        places.append(f"v{tool.version}/bin/linux/{architecture()}/{tool.name}")
    return places


def _fetch(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=DOWNLOAD_SECONDS) as response:
        content: bytes = response.read()
    return content


def _build(tool: Tool, env: Mapping[str, str], tried: list[str]) -> bool:
    go = shutil.which("go", path=env.get("PATH", ""))
    if go is None:
        tried.append("build: no `go` on PATH")
        return False
    _say(
        f"building {tool.name} {tool.version} (first time only, about {tool.minutes} "
        f"minute{'s' if tool.minutes > 1 else ''})…"
    )
    with _appearing(cached(tool, env)) as new:
        done = subprocess.run(
            [go, *_build_arguments(tool, new)],
            cwd=tool.module,
            env={**env, "CGO_ENABLED": "0", "GOWORK": "off"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
        if done.returncode != 0 or not new.exists():
            tried.append(f"build: `go build` failed: {_last_lines(done.stderr)}")
            return False
    return True


def _build_arguments(tool: Tool, target: Path) -> list[str]:
    linker = " ".join(["-s", "-w", *(f"-X {stamp}" for stamp in tool.stamps)])
    tags = ["-tags", ",".join(tool.tags)] if tool.tags else []
    return [
        *("build", "-trimpath", "-buildvcs=false"),
        *("-ldflags", linker, *tags, "-o", str(target), tool.package),
    ]


@contextmanager
def _appearing(final: Path) -> Iterator[Path]:
    """A path to write a program to; it moves to `final` in one step, or not at all."""
    with tempfile.TemporaryDirectory(prefix=".new-", dir=final.parent) as folder:
        new = Path(folder) / final.name
        yield new
        if new.exists():
            new.chmod(0o755)
            new.replace(final)


def _explain(tool: Tool, tried: list[str]) -> str:
    looked = "\n".join(f"  - {line}" for line in tried)
    return (
        f"{tool.name} ≥ {_dotted(tool.minimum)} is not at hand. Looked for it in:\n{looked}\n"
        f"Do one of: put {tool.name} on PATH; set KUBEBUILDER_ASSETS to a folder that holds it; "
        f"set GOAROUND_RELEASES to a mirror, or to the official releases of Kubernetes; "
        f"install Go, so that it can be built."
    )


def architecture() -> str:
    """The machine's name in the names of releases."""
    machine = platform.machine()
    return ARCHITECTURES.get(machine, machine)


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)


def _last_lines(text: str, count: int = 5) -> str:
    return " | ".join(text.strip().splitlines()[-count:])


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
