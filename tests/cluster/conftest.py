"""One real control plane for all tests of a session; skips them where it cannot be had.

With `CI` or `GOAROUND_REQUIRE_CLUSTER` set, a missing tool is a failure: a skipped proof is none.
"""

import os
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from hack.controlplane import ControlPlane, ToolMissing, control_plane, resolve
from hack.controlplane.start import tools_for


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "plane" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def cluster_tools(request: pytest.FixtureRequest) -> None:
    """The binaries of a control plane; the first build of all takes minutes, and says so."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        for name in tools_for(prometheus=True, controller_manager=False):
            try:
                resolve(name)
            except ToolMissing as error:
                give_up(str(error))


@pytest.fixture(scope="session")
def plane(cluster_tools: None) -> Iterator[ControlPlane]:
    """A running control plane with Prometheus, shared by all tests of the session."""
    with control_plane(prometheus=True, scrape_seconds=1) as cp:
        yield cp


def give_up(reason: str) -> None:
    """Skip, or fail where a skip would hide that nothing was proved."""
    if os.environ.get("CI") or os.environ.get("GOAROUND_REQUIRE_CLUSTER"):
        pytest.fail(reason, pytrace=False)
    # One line, since pytest repeats it for each test.
    pytest.skip(" ".join(line.strip() for line in reason.splitlines()))
