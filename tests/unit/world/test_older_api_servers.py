"""What an older API server lacks is told, and a version is read as servers spell it."""

import pytest

from goaround.api.kinds import SERVED
from goaround.world.older import NEEDS, OLDEST, Version, lost, parsed
from tests.charts import ROOT


@pytest.mark.parametrize(
    ("version", "told"),
    [((1, 36), []), ((1, 40), []), ((2, 0), []), ((1, 35), ["-stamp"]), ((1, 31), ["-stamp"])],
)
def test_from_the_newest_need_on_nothing_is_lost(version: Version, told: list[str]) -> None:
    found = lost(version)
    assert len(found) == len(told)
    assert all(word in line for word, line in zip(told, found, strict=True))


def test_the_oldest_version_lacks_stamps_and_selectable_fields() -> None:
    stamps, fields = lost(OLDEST)
    assert "goaround-signoff-stamp" in stamps
    assert "older than 1.36" in stamps
    assert all(path[1:] in fields for served in SERVED for path in served.selectable)


def test_before_the_oldest_version_it_is_said_that_nobody_supports_it() -> None:
    assert lost((1, 29))[0] == "API server 1.29 is not supported: upgrade it to 1.30 or later"


def test_every_policy_that_needs_more_is_named() -> None:
    shipped = {path.stem for path in (ROOT / "crds" / "policies").glob("*-stamp.yaml")}
    assert all(f"goaround-{name}" in NEEDS[0][1] for name in shipped)


@pytest.mark.parametrize("said", ["1.30", "v1.30.14", "1.30+", "1.30.2-gke.1"])
def test_a_version_is_read_as_servers_and_providers_spell_it(said: str) -> None:
    assert parsed(said) == (1, 30)


def test_what_is_no_version_is_none() -> None:
    assert parsed(".") is None
