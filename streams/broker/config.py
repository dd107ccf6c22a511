"""What each broker is told: server.properties and the logging configuration."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from streams.broker.ports import LOOPBACK, Ports

LOG4J = """\
Configuration:
  Appenders:
    File:
      name: file
      fileName: ${sys:kafka.log.file}
      PatternLayout: {pattern: "%d %p %m (%c{1})%n"}
  Loggers:
    Root:
      level: WARN
      AppenderRef: {ref: file}
    Logger:
      name: kafka.server
      level: INFO
"""

# Small and quick: one machine, a few topics, and nobody who waits for a rebalance to be worth its while.
ALWAYS = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "INTERNAL",
    "auto.create.topics.enable": "false",
    "unclean.leader.election.enable": "false",
    "num.partitions": "4",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    # A broker that was killed may come back only after its session is over: do not keep a test waiting for 9 s.
    "broker.session.timeout.ms": "6000",
    "broker.heartbeat.interval.ms": "1000",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "num.recovery.threads.per.data.dir": "2",
    "background.threads": "4",
    "log.cleaner.threads": "1",
    "log.cleaner.backoff.ms": "1000",
    "log.cleaner.dedupe.buffer.size": str(16 << 20),
}


class Listener(NamedTuple):
    """One more listener of a broker, with a security protocol of its own; `advertised` is `host:port`."""

    protocol: str
    port: int
    advertised: str | None = None


def server_properties(
    node_id: int,
    ports: Sequence[Ports],
    data: Path,
    settings: Mapping[str, str],
    *,
    protocol: str = "PLAINTEXT",
    advertised: str | None = None,
    more: Mapping[str, Listener] | None = None,
) -> dict[str, str]:
    """The configuration of node `node_id` (from 1); `ports` are those of every node, `advertised` is `host:port`.

    The brokers talk to each other on a listener of their own, so a proxy or TLS on the clients' way is not on theirs.
    """
    own = ports[node_id - 1]
    listeners = {
        "CLIENT": Listener(protocol, own.client, advertised),
        "INTERNAL": Listener("PLAINTEXT", own.internal),
        **(more or {}),
    }
    addresses = {name: f"{LOOPBACK}:{each.port}" for name, each in listeners.items()}
    protocols = {name: each.protocol for name, each in listeners.items()} | {"CONTROLLER": "PLAINTEXT"}
    return {
        **ALWAYS,
        **_replication(len(ports)),
        "node.id": str(node_id),
        "controller.quorum.voters": ",".join(f"{n}@{LOOPBACK}:{p.controller}" for n, p in enumerate(ports, start=1)),
        "listeners": ",".join(
            f"{name}://{at}" for name, at in {**addresses, "CONTROLLER": f"{LOOPBACK}:{own.controller}"}.items()
        ),
        "advertised.listeners": ",".join(
            f"{name}://{each.advertised or addresses[name]}" for name, each in listeners.items()
        ),
        "listener.security.protocol.map": ",".join(f"{name}:{spoken}" for name, spoken in protocols.items()),
        "log.dirs": str(data),
        **settings,
    }


def _replication(nodes: int) -> dict[str, str]:
    copies = str(min(3, nodes))
    in_sync = "2" if nodes >= 3 else "1"
    return {
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
    }


def write_properties(path: Path, properties: Mapping[str, str]) -> None:
    """Write a Java properties file."""
    path.write_text("".join(f"{name}={_escaped(value)}\n" for name, value in properties.items()), encoding="ascii")


def _escaped(value: str) -> str:
    """Java reads properties as Latin-1 and takes a backslash for an escape: leave only what means itself."""
    units = value.encode("utf-16-be")
    codes = (int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2))
    text = "".join(chr(code) if 32 <= code < 127 and code != 92 else f"\\u{code:04x}" for code in codes)
    return f"\\{text}" if text.startswith(" ") else text
