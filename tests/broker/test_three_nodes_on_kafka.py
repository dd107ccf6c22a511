"""Three real brokers that replicate."""

import pytest

from streams.broker import EmbeddedKafka
from streams.broker.probe import brokers_seen
from tests.broker.clients import consume, create_topic, produce


@pytest.mark.long
@pytest.mark.kafka
@pytest.mark.xdist_group("brokers of their own")
@pytest.mark.timeout(120)
async def test_a_replicated_topic_survives_the_kill_of_one_node_which_comes_back_where_it_was() -> None:
    async with EmbeddedKafka(3) as kafka:
        addresses = kafka.bootstrap
        await create_topic(addresses, "replicated", copies=3)
        await produce(addresses, "replicated", b"before")
        killed = kafka.nodes[0]
        killed.kill()
        assert killed.pid is None
        kafka.ensure_alive()  # a wanted end is no failure
        await produce(addresses, "replicated", b"after")
        assert await consume(addresses, "replicated", 2, group_id="survivors") == [b"before", b"after"]
        killed.start()
        kafka.wait_ready()
        assert kafka.bootstrap == addresses
        assert brokers_seen(killed.ports.internal) == {1, 2, 3}
