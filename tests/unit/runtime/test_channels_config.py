"""Channels in the administrator's file: what may be said, and that no fault tells an address."""

from pathlib import Path
from typing import Any

import pytest

from goaround.incident.audiences import Audience
from goaround.runtime.assembly import incident_settings
from goaround.runtime.config import ConfigError, parse

OPS: dict[str, Any] = {"name": "ops", "url": "https://hooks.example/s3cret", "audience": "Internal"}


def fault(*channels: dict[str, Any], templates: dict[str, str] | None = None) -> str:
    raw = {"channels": list(channels), "incidents": {"templates": templates or {}}}
    with pytest.raises(ConfigError) as caught:
        parse(raw, source="operator.yaml")
    assert "s3cret" not in f"{caught.value} {caught.value.__cause__}"
    return str(caught.value)


def test_decisions_know_a_channel_by_its_name_alone() -> None:
    config = parse({"channels": [OPS | {"namespaces": ["shop"]}]}, source="x")
    (known,) = incident_settings(config).channels
    assert (known.name, known.audience, known.serves("shop")) == ("ops", Audience.INTERNAL, True)
    assert not known.serves("elsewhere")
    assert "s3cret" not in repr(config)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": "ftp://hooks.example/s3cret"}, "channels.0.url"),
        ({"url": "https://me:s3cret@hooks.example/"}, "channels.0.url"),
        ({"url": "https://hooks.example/#s3cret"}, "channels.0.url"),
        ({"audience": "Everybody"}, "channels.0.audience"),
        ({"format": "Teams"}, "channels.0.format"),
        ({"timeoutSeconds": 0}, "channels.0.timeoutSeconds"),
        ({"name": "a" * 41}, "channels.0.name"),
        ({"token": "s3cret"}, "channels.0.token: Extra inputs"),
        ({"secretFile": "no/such/file"}, "the secret of channel ops cannot be read"),
    ],
)
def test_every_fault_is_told_with_its_place(change: dict[str, Any], words: str) -> None:
    assert words in fault(OPS | change)


def test_a_secret_that_is_too_short_is_found_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("short")
    told = fault(OPS | {"secretFile": str(tmp_path / "secret")})
    assert "the secret of channel ops is shorter than 16 bytes" in told


def test_two_channels_of_one_name_are_none() -> None:
    assert "two have the same name ops" in fault(OPS, OPS)


def test_a_template_for_no_message_is_told_with_those_that_there_are() -> None:
    told = fault(templates={"breif": "x"})
    assert "there is no message breif; there are brief, internalUpdate" in told
