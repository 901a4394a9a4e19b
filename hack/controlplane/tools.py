"""The catalogue of outside programs: which version is pinned, which is too old, how one is built.

The pinned versions live in `hack/tools/*/go.mod` and nowhere else; a program of our own is as new
as its source. This module never starts a process and never touches the network; `binaries.py` does.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

MODULES = Path(__file__).resolve().parents[1] / "tools"


@dataclass(frozen=True, slots=True)
class Tool:
    """One program: `version` is what we build, `minimum` the oldest accepted from elsewhere."""

    name: str
    version: str
    minimum: tuple[int, ...]
    module: Path
    package: str
    asks_version: tuple[str, ...] = ("--version",)
    stamps: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    minutes: int = 1

    def is_new_enough(self, version: tuple[int, ...]) -> bool:
        return version >= self.minimum


def parse_version(text: str) -> tuple[int, ...] | None:
    """The first dotted version in `text`, as integers; None when there is none."""
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in match.groups(default="0")) if match else None


def pinned(module: str, dependency: str) -> str:
    """The version of `dependency` in `hack/tools/<module>/go.mod`, without its `v`."""
    text = (MODULES / module / "go.mod").read_text(encoding="utf-8")
    match = re.search(rf"^(?:require|\t)\s*{re.escape(dependency)} v(\S+)", text, re.MULTILINE)
    if match is None:
        raise ValueError(f"hack/tools/{module}/go.mod does not require {dependency}")
    return match[1]


def _kubernetes(name: str, minutes: int, asks_version: tuple[str, ...] = ("--version",)) -> Tool:
    version = pinned("kubernetes", "k8s.io/kubernetes")
    major, minor, _ = version.split(".", 2)
    values = {"gitMajor": major, "gitMinor": minor, "gitVersion": f"v{version}"}
    return Tool(
        name=name,
        version=version,
        minimum=(1, 30, 0),
        module=MODULES / "kubernetes",
        package=f"k8s.io/kubernetes/cmd/{name}",
        asks_version=asks_version,
        stamps=tuple(
            f"{package}.{key}={value}"
            for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
            for key, value in values.items()
        ),
        minutes=minutes,
    )


def _prometheus(name: str, minutes: int) -> Tool:
    # The Go module of Prometheus 3.15.0 is v0.315.0: its major version hides in the minor one.
    _, minor, patch = pinned("prometheus", "github.com/prometheus/prometheus").split(".", 2)
    version = f"{int(minor) // 100}.{int(minor) % 100}.{patch}"
    return Tool(
        name=name,
        version=version,
        minimum=(3, 0, 0),
        module=MODULES / "prometheus",
        package=f"github.com/prometheus/prometheus/cmd/{name}",
        stamps=(f"github.com/prometheus/common/version.Version={version}",),
        # Only file and HTTP discovery: without the clouds' SDKs the build is several times shorter.
        tags=("remove_all_sd",),
        minutes=minutes,
    )


def _judges() -> Tool:
    """Our own judge of what Flux, kstatus and Argo CD's Lua say: its version names its source."""
    module = MODULES / "gitopscheck"
    sources = [*sorted(module.glob("*.go")), module / "go.mod"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    version = f"1.0.{int(digest[:12], 16)}"
    return Tool(
        name=module.name,
        version=version,
        minimum=tuple(map(int, version.split("."))),
        module=module,
        package="goaround/hack/tools/gitopscheck",
        stamps=(f"main.version={version}",),
        minutes=2,
    )


def _kubeconform() -> Tool:
    version = pinned("kubeconform", "github.com/yannh/kubeconform")
    return Tool(
        name="kubeconform",
        version=version,
        minimum=(0, 6, 0),
        module=MODULES / "kubeconform",
        package="github.com/yannh/kubeconform/cmd/kubeconform",
        asks_version=("-v",),
        stamps=(f"main.version=v{version}",),
    )


@cache
def catalogue() -> Mapping[str, Tool]:
    """Every tool that can be resolved, by name."""
    etcd = Tool(
        name="etcd",
        version=pinned("etcd", "go.etcd.io/etcd/server/v3"),
        # 3.4 answers a streaming list with an error inside the stream, which ends kopf.
        minimum=(3, 6, 0),
        module=MODULES / "etcd",
        package="go.etcd.io/etcd/server/v3",
    )
    helm_version = pinned("helm", "helm.sh/helm/v4")
    helm = Tool(
        name="helm",
        version=helm_version,
        minimum=(3, 14, 0),
        module=MODULES / "helm",
        package="helm.sh/helm/v4/cmd/helm",
        asks_version=("version", "--short"),
        stamps=(f"helm.sh/helm/v4/internal/version.version=v{helm_version}",),
        minutes=3,
    )
    tools = (
        etcd,
        _kubernetes("kube-apiserver", minutes=5),
        _kubernetes("kube-controller-manager", minutes=2),
        _kubernetes("kubectl", minutes=1, asks_version=("version", "--client")),
        _prometheus("prometheus", minutes=2),
        _prometheus("promtool", minutes=1),
        helm,
        _judges(),
        _kubeconform(),
    )
    return MappingProxyType({tool.name: tool for tool in tools})
