"""Is a broker ready? Ask it as a client does: which brokers take part?

Kafka's Metadata request, version 1, by hand: a full client would log a warning at each attempt while brokers start.
"""

import socket
import struct

from streams.broker.ports import LOOPBACK

METADATA, VERSION, CORRELATION = 3, 1, 7
CLIENT_ID = b"meldingsvakt"
ANSWER_SECONDS = 2.0


def brokers_seen(port: int) -> frozenset[int]:
    """The ids of the brokers that the one at `port` knows as alive; none while it does not answer."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=ANSWER_SECONDS) as connection:
            connection.sendall(_request())
            (size,) = struct.unpack(">i", _read(connection, 4))
            return _node_ids(_read(connection, size))
    except OSError:
        return frozenset()


def listens(port: int) -> bool:
    """True if somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(ANSWER_SECONDS)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _request() -> bytes:
    no_topics = struct.pack(">i", 0)
    body = struct.pack(">hhih", METADATA, VERSION, CORRELATION, len(CLIENT_ID)) + CLIENT_ID + no_topics
    return struct.pack(">i", len(body)) + body


def _node_ids(answer: bytes) -> frozenset[int]:
    """Read (node id, host, port, rack) of every broker; strings carry their length, -1 for none."""
    (count,) = struct.unpack_from(">i", answer, 4)
    ids, at = [], 8
    for _ in range(count):
        node_id, host_size = struct.unpack_from(">ih", answer, at)
        at += 6 + host_size + 4
        (rack_size,) = struct.unpack_from(">h", answer, at)
        at += 2 + max(0, rack_size)
        ids.append(node_id)
    return frozenset(ids)


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = connection.recv(size - len(data))
        if not chunk:
            raise ConnectionResetError
        data += chunk
    return data
