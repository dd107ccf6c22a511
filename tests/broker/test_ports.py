"""Ports that stay ours."""

import socket
import sys
from contextlib import ExitStack

import pytest

from streams.broker import BrokerUnavailable
from streams.broker.ports import LOOPBACK, reserve_ports

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the ports cannot be held")


@linux
def test_a_reserved_port_is_closed_to_strangers() -> None:
    with ExitStack() as held, socket.socket() as stranger:
        (ports,) = reserve_ports(held, 1)
        with pytest.raises(OSError, match="in use"):
            stranger.bind((LOOPBACK, ports.client))


@linux
def test_a_reserved_port_is_open_to_the_broker_again_and_again() -> None:
    with ExitStack() as held:
        (ports,) = reserve_ports(held, 1)
        for port in [*ports, *ports]:
            with socket.socket() as broker:
                broker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Java does
                broker.bind((LOOPBACK, port))
                broker.listen()


def test_all_ports_differ() -> None:
    with ExitStack() as held:
        ports = reserve_ports(held, 3)
        assert len({port for node in ports for port in node}) == 9


def test_wanted_ports_follow_each_other() -> None:
    with socket.create_server((LOOPBACK, 0)) as free:
        first = free.getsockname()[1]
    with ExitStack() as held:
        assert [node.client for node in reserve_ports(held, 1, first)] == [first]


def test_a_taken_port_is_named() -> None:
    with socket.create_server((LOOPBACK, 0)) as other, ExitStack() as held:
        port = other.getsockname()[1]
        with pytest.raises(BrokerUnavailable, match=f"Port {port} on 127.0.0.1 is taken: choose another one"):
            reserve_ports(held, 1, port)


def test_ports_beyond_the_last_one_are_refused() -> None:
    with ExitStack() as held, pytest.raises(BrokerUnavailable, match="choose one below 65534"):
        reserve_ports(held, 3, 65535)
