"""Which addresses can be those of a pod, however they are spelt."""

import pytest

from goaround.world.backends import is_allowed


@pytest.mark.parametrize("address", ["10.244.1.7", "192.168.3.4", "100.64.0.9", "fd00::7"])
def test_an_address_of_a_pod_is_allowed(address: str) -> None:
    assert is_allowed(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "::",
        "::1",
        "fe80::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.244.1.7",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "127.1",
        "10.244.1.7:80",
        "[fd00::7]",
        "localhost",
        "metadata.internal",
        "10.244.1.7\r\nHost: x",
        "10.244.1.7@127.0.0.1",
        "",
    ],
)
def test_whatever_leads_back_to_the_operator_or_to_metadata_is_not(address: str) -> None:
    assert not is_allowed(address)
