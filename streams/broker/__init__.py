"""The embedded broker: real Apache Kafka for the demo, the tests and a first try, without Docker."""

from streams.broker.cluster import EmbeddedKafka
from streams.broker.errors import BrokerUnavailable
from streams.broker.node import Node

__all__ = ["BrokerUnavailable", "EmbeddedKafka", "Node"]
