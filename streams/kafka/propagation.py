"""What is made on one broker is known to the others a moment later: whoever goes on at once may ask one of those."""

import asyncio
import logging
from collections.abc import Collection
from typing import Any

from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from streams.kafka.protocol import metadata

log = logging.getLogger(__name__)

PATIENCE_SECONDS, ASK_AGAIN_SECONDS = 10.0, 0.2
ANSWER_SECONDS = 2.0  # a broker that hangs is not waited for: it is no reason to refuse a start


async def wait_until_known(admin: Any, names: Collection[str]) -> None:
    """Wait until every broker that answers knows these topics and their partitions; for so long, then it is said.

    Else a group's leader that asked another broker hands out some of a partition's inputs only, and a reader finds
    a topic without partitions.
    """
    brokers = {broker["node_id"] for broker in (await admin.describe_cluster())["brokers"]}
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while behind := await _behind(admin, names, brokers):
        if asyncio.get_running_loop().time() > deadline:
            log.warning("The brokers %s do not know every topic yet; going on without them.", sorted(behind))
            return
        await asyncio.sleep(ASK_AGAIN_SECONDS)
        brokers = behind


async def _behind(admin: Any, names: Collection[str], brokers: Collection[int]) -> set[int]:
    """Those that answer and do not know all of it."""

    async def knows(broker: int) -> bool:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                found = await admin._send_request(metadata(list(names)), broker)
        except (KafkaError, TimeoutError):
            return True
        hidden = TopicAuthorizationFailedError.errno
        return all(partitions or code == hidden for code, _, _, partitions, _ in found.topics)

    known = await asyncio.gather(*(knows(broker) for broker in brokers))
    return {broker for broker, knows_it in zip(brokers, known, strict=True) if not knows_it}
