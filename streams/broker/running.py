"""`meldingsvakt broker`: a Kafka that runs until it is stopped."""

import signal
import threading
from pathlib import Path

from streams.broker.cluster import EmbeddedKafka
from streams.broker.errors import BrokerUnavailable

LOOK_SECONDS = 0.5


def run_broker(nodes: int, port: int, directory: Path | None) -> None:
    """Start Kafka, print `ready BOOTSTRAP`, and stop it in order on Ctrl-C or SIGTERM. Raises BrokerUnavailable."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopped.set())
    with EmbeddedKafka(nodes, port=port, directory=directory) as kafka:
        print(f"ready {kafka.bootstrap}", flush=True)
        while not stopped.wait(LOOK_SECONDS):
            dead = [node for node in kafka.nodes if not node.running()]
            if dead:
                raise BrokerUnavailable(f"Kafka node {dead[0].node_id} ended by itself: {dead[0].last_words()}")
