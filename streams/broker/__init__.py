"""The embedded broker: real Apache Kafka for the demo, the tests and a first try, without Docker.

`with EmbeddedKafka() as kafka:` starts one and ends it, also when this process is killed; `kafka.bootstrap` is its
address. `kafka.nodes` are its brokers, each a `Node` that can be stopped, killed, paused and started again. What
prevents a start is a `BrokerUnavailable`, one sentence that says what to do.
"""

from streams.broker.cluster import EmbeddedKafka
from streams.broker.command import run_broker
from streams.broker.config import Listener
from streams.broker.node import Node
from streams.errors import BrokerUnavailable

__all__ = ["BrokerUnavailable", "EmbeddedKafka", "Listener", "Node", "run_broker"]
