"""Tests that ask Helm are skipped where it cannot be had, and fail there under CI."""

import pytest

from hack.controlplane import ToolMissing, resolve
from tests.cluster.conftest import give_up


@pytest.fixture(scope="session")
def helm_is_there() -> None:
    try:
        resolve("helm")
    except ToolMissing as error:
        give_up(str(error))
