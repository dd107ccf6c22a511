"""The limit of reading, aiokafka: fetch the log to its end, do nothing with it, commit once.

Arguments: bootstrap, group, topics separated by commas.
"""

import sys
from typing import Any

from tests.programs.bench.apps.reading import log_consumer
from tests.programs.bench.apps.timing import timed


async def main(bootstrap: str, group: str, topics: list[str]) -> None:
    """Read it."""
    consumer = log_consumer(bootstrap, group, topics)
    await consumer.start()
    with timed():
        await _read(consumer)
    await consumer.stop()


async def _read(consumer: Any) -> None:
    left = sum((await consumer.end_offsets(consumer.assignment())).values())
    while left > 0:
        batches = await consumer.getmany(timeout_ms=200, max_records=5000)
        left -= sum(len(records) for records in batches.values())
    await consumer.commit()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(sys.argv[1], sys.argv[2], sys.argv[3].split(",")))
