"""Ports on 127.0.0.1 that nobody else can take between our choice and the broker's start."""

import socket
import sys
from contextlib import ExitStack
from typing import NamedTuple

from streams.errors import BrokerUnavailable

LOOPBACK = "127.0.0.1"


class Ports(NamedTuple):
    """Where one node listens: for clients, for the other brokers and our own probes, and for the quorum."""

    client: int
    internal: int
    controller: int


def reserve_ports(held: ExitStack, nodes: int, first: int = 0) -> list[Ports]:
    """Choose ports for every node: clients on `first`, `first` + 1, ..., or on free ones if it is 0.

    `held` keeps them until it is closed. Raises BrokerUnavailable if a wanted port is taken.
    """
    if first and not 1 <= first <= 65536 - nodes:
        raise BrokerUnavailable(
            f"Port {first} is not possible for {nodes} broker(s): choose one below {65537 - nodes}."
        )
    with ExitStack() as taken:
        clients = [_wanted(taken, first + n) if first else _free(taken) for n in range(nodes)]
        ports = [Ports(client, _free(taken), _free(taken)) for client in clients]
        if sys.platform == "linux":
            # A socket that is bound and does not listen keeps strangers away, but lets the broker in: Java sets
            # SO_REUSEADDR as we do. So the ports stay ours while a broker is down. Elsewhere that would lock it out.
            held.enter_context(taken.pop_all())
    return ports


def _free(held: ExitStack) -> int:
    holder = held.enter_context(socket.socket())
    holder.bind((LOOPBACK, 0))  # without SO_REUSEADDR: a port that somebody else holds is not free
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return int(holder.getsockname()[1])


def _wanted(held: ExitStack, port: int) -> int:
    holder = held.enter_context(socket.socket())
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that ended a moment ago do no harm
    try:
        holder.bind((LOOPBACK, port))
    except PermissionError as error:
        raise BrokerUnavailable(f"Port {port} needs more rights than we have: choose one above 1023.") from error
    except OSError as error:
        raise BrokerUnavailable(
            f"Port {port} on {LOOPBACK} is taken: choose another one, or 0 for a free one."
        ) from error
    return port
