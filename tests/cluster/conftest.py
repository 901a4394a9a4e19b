"""One real control plane for all tests of a session; skips them where it cannot be had.

With `CI` or `GOAROUND_REQUIRE_CLUSTER` set, a missing tool is a failure: a skipped proof is none.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import pytest

from hack.controlplane import ControlPlane, ToolMissing, control_plane, resolve
from hack.controlplane.existing import existing_plane
from hack.controlplane.start import tools_for
from tests.cluster.operator_kit import Stack, running

LONG: Final = (
    "test_lease_take_over",
    "test_lease_rights",
    "test_cli_plan_explain",
    "test_scale",
    "test_watch_faults",
    "test_operator_live",
    "test_operator_providers",
    "test_refusal",
    "test_flag_stream",
    "test_operator_buckets",
    "test_lease_adrift",
    "test_operator_second_layer_people",
    "test_operator_second_layer_records",
    "test_operator_second_layer",
)
"""Files that take longest begin: one that began last would keep the other worker waiting.

Files of many tests are the quick ones here, so that xdist's own order, most tests first, is the
wrong way round: the Makefile turns it off.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "plane" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.cluster)
    items.sort(key=_place)  # stable: a file's tests keep their order


def _place(item: pytest.Item) -> int:
    """Long files, files that start an operator, all others."""
    name = item.path.stem
    if item.path.parent != Path(__file__).parent:
        return len(LONG) + 1
    if name in LONG:
        return LONG.index(name)
    return len(LONG) + (not name.startswith("test_operator_"))


@pytest.fixture(scope="session")
def cluster_tools(request: pytest.FixtureRequest) -> None:
    """The binaries of a control plane; the first build of all takes minutes, and says so."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        ours = tools_for(prometheus=True, controller_manager=False)
        borrowed = ["kubectl", "prometheus"]
        for name in borrowed if os.environ.get("GOAROUND_KUBECONFIG") else ours:
            try:
                resolve(name)
            except ToolMissing as error:
                give_up(str(error))


@pytest.fixture(scope="session")
def plane(cluster_tools: None) -> Iterator[ControlPlane]:
    """A running control plane with Prometheus, shared by all tests of the session.

    `GOAROUND_KUBECONFIG` names a cluster of somebody else instead (kind): tests that stop a server
    or make an identity are skipped there.
    """
    if borrowed := os.environ.get("GOAROUND_KUBECONFIG"):
        with existing_plane(Path(borrowed), NotOurs()) as cp:
            yield cp
        return
    with control_plane(prometheus=True, scrape_seconds=1) as cp:
        yield cp


@pytest.fixture(scope="module")
def stack(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An operator and a flag replica of the module's own, whose logs lie in a folder of theirs."""
    with running(plane, Path(tmp_path_factory.mktemp("stack"))) as made:
        yield made


class NotOurs(Mapping[str, int]):
    """The processes of a cluster that somebody else runs."""

    def __getitem__(self, name: str) -> int:
        pytest.skip(f"stops {name}, which only a control plane of our own allows")

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def give_up(reason: str) -> None:
    """Skip, or fail where a skip would hide that nothing was proved."""
    if os.environ.get("CI") or os.environ.get("GOAROUND_REQUIRE_CLUSTER"):
        pytest.fail(reason, pytrace=False)
    # One line, since pytest repeats it for each test.
    pytest.skip(" ".join(line.strip() for line in reason.splitlines()))
