"""Tests that ask gitopscheck are skipped where it cannot be had, and fail there under CI."""

import pytest

from hack.controlplane import ToolMissing, resolve
from tests.cluster.conftest import give_up


@pytest.fixture(scope="session", autouse=True)
def judges_are_there() -> None:
    for name in ("gitopscheck", "kubectl"):
        try:
            resolve(name)
        except ToolMissing as error:
            give_up(str(error))
