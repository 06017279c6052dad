import pytest

from campaigns.channels.guard import ForbiddenHost, connect, is_public
from core.settings import settings


@pytest.mark.parametrize("address", [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "::1", "fc00::1", "fe80::1", "fe80::1%eth0", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
    "fd00:ec2::254", "2002:7f00:1::"])
def test_addresses_of_the_own_network_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "64:ff9b::101:101"])
def test_addresses_of_the_internet_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", [
    "127.0.0.1", "localhost", "127.1", "0x7f.1", "2130706433", "[::1]", "::ffff:127.0.0.1"])
def test_odd_forms_of_a_private_address_are_refused_before_connecting(data_dir: object, host: str) -> None:
    with pytest.raises(OSError, match=r"own network|name|service|address|Name"):
        connect(host, 25, timeout=1, is_guarded=True)


def test_what_the_operator_allows_is_connected_to(data_dir: object, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ForbiddenHost):
        connect("127.0.0.1", 9, timeout=1, is_guarded=True)
    monkeypatch.setenv("ABM_ALLOWED_HOSTS", "127.0.0.1")
    settings.cache_clear()
    with pytest.raises(ConnectionRefusedError):
        connect("127.0.0.1", 9, timeout=1, is_guarded=True)
