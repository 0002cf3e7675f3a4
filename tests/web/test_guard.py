"""By which names a server may be asked for."""

import socket

import pytest

from gta.web.guard import Hosts, is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1:80", "localhost:80", "LOCALHOST:80", "proxy.example"])
def test_names_of_this_machine(host: str):
    assert Hosts("127.0.0.1", ["proxy.example"]).allow(host, 80)


@pytest.mark.parametrize(
    "host",
    [
        *("", "127.0.0.1", "127.0.0.1:81", "evil.example:80", "localhost:80:80", "localhost :80"),
        *(
            "127.0.0.1:80@evil.example",
            "127.0.0.1.evil.example:80",
            "192.168.0.1:80",
            "localhost\t",
        ),
        *("[::1]:80", "0x7f000001:80"),
    ],
)
def test_foreign_names(host: str):
    assert not Hosts("127.0.0.1").allow(host, 80)


def test_where_others_reach_it_numbers_and_its_own_name_are_allowed():
    hosts = Hosts("0.0.0.0", ["models.example"])
    for host in ("192.168.0.1:8000", "[fe80::1]:1", socket.gethostname(), "models.example:443"):
        assert hosts.allow(host, 8000)
    for host in ("evil.example:8000", "1.2.3.4.5:8000", "models.example.evil:443"):
        assert not hosts.allow(host, 8000)


def test_what_is_this_machine_alone():
    assert all(map(is_loopback, ("127.0.0.1", "127.1.2.3", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.1", "example.org")))
