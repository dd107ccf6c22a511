"""What the brokers are told."""

from pathlib import Path

from streams.broker.config import server_properties, write_properties
from streams.broker.ports import Ports

ONE = [Ports(9092, 9093, 9094)]
THREE = [Ports(1, 2, 3), Ports(4, 5, 6), Ports(7, 8, 9)]


def test_one_node_keeps_one_copy() -> None:
    told = server_properties(1, ONE, Path("/data"), {})
    copies = {name: value for name, value in told.items() if "replication.factor" in name or "min.i" in name}
    assert set(copies.values()) == {"1"}
    assert len(copies) == 7
    assert told["listeners"] == "CLIENT://127.0.0.1:9092,INTERNAL://127.0.0.1:9093,CONTROLLER://127.0.0.1:9094"
    assert told["controller.quorum.voters"] == "1@127.0.0.1:9094"


def test_three_nodes_replicate_and_vote() -> None:
    told = server_properties(2, THREE, Path("/data"), {})
    assert {told[name] for name in told if name.endswith("replication.factor")} == {"3"}
    assert {told[name] for name in told if name.endswith(("min.isr", "min.insync.replicas"))} == {"2"}
    assert told["controller.quorum.voters"] == "1@127.0.0.1:3,2@127.0.0.1:6,3@127.0.0.1:9"
    assert told["node.id"] == "2"


def test_no_node_listens_beyond_this_machine() -> None:
    told = server_properties(1, ONE, Path("/data"), {})
    addresses = [part.split("://")[1] for part in told["listeners"].split(",")]
    assert all(address.startswith("127.0.0.1:") for address in addresses)


def test_settings_have_the_last_word() -> None:
    told = server_properties(1, ONE, Path("/data"), {"group.initial.rebalance.delay.ms": "3000"})
    assert told["group.initial.rebalance.delay.ms"] == "3000"
    assert told["auto.create.topics.enable"] == "false"
    assert told["unclean.leader.election.enable"] == "false"


def test_clients_can_be_sent_to_a_proxy_while_brokers_are_not() -> None:
    told = server_properties(1, ONE, Path("/data"), {}, advertised="127.0.0.1:7000")
    assert told["advertised.listeners"] == "CLIENT://127.0.0.1:7000,INTERNAL://127.0.0.1:9093"


def test_only_the_clients_listener_is_secured() -> None:
    told = server_properties(1, ONE, Path("/data"), {}, protocol="SASL_SSL")
    assert told["listener.security.protocol.map"] == "CLIENT:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"


def test_a_value_reaches_java_as_it_is(tmp_path: Path) -> None:
    write_properties(tmp_path / "p", {"a": "C:\\x", "b": "line\nline", "c": "mappe øy 🐟", "d": " led=1#2!"})
    text = (tmp_path / "p").read_bytes().decode("ascii")
    assert text == ("a=C:\\u005cx\nb=line\\u000aline\nc=mappe \\u00f8y \\ud83d\\udc1f\nd=\\ led=1#2!\n")
