"""The brokers' clocks, by the append times that they give to records."""

import time
from collections.abc import Mapping, Sequence
from secrets import token_hex

from aiokafka import AIOKafkaProducer, TopicPartition

from streams.doctor.facts import Place, Skew, Unread
from streams.kafka.client import client_options
from streams.kafka.consumers import one_off_consumer
from streams.records.record import HEADER, LOG_APPEND_TIME
from streams.settings import KafkaSettings

PROBE_FETCH_SECONDS = 0.5  # what the way of a record to us may take; until then it may be that and not the clock
PROBES = 3  # the first one also waits for its connection


async def watch(
    kafka: KafkaSettings, led: Mapping[int, Sequence[Place]], seconds: float
) -> Mapping[int, Skew] | Unread:
    """By broker, from what is appended to the inputs meanwhile: a record comes to us just after its append time."""
    leaders = {TopicPartition(*place): leader for leader, places in led.items() for place in places}
    ahead: dict[int, float] = {}
    ends = time.monotonic() + seconds
    async with one_off_consumer(kafka, "read_uncommitted", "latest", request_timeout_ms=4000) as consumer:
        consumer.assign(list(leaders))
        await consumer.seek_to_end(*leaders)
        while ahead.keys() < led.keys() and (left := ends - time.monotonic()) > 0:
            for tp, records in (await consumer.getmany(timeout_ms=int(min(left, 0.5) * 1000))).items():
                received = time.time()
                for record in records:
                    if record.timestamp_type == LOG_APPEND_TIME:
                        seen = record.timestamp / 1000 - received
                        ahead[leaders[tp]] = max(seen, ahead.get(leaders[tp], seen))
    if not ahead:
        return Unread(f"no record was appended within {seconds:.0f} s")
    return {leader: Skew(seen, seen + PROBE_FETCH_SECONDS) for leader, seen in ahead.items()}


async def probe(kafka: KafkaSettings, led: Mapping[int, Sequence[Place]]) -> Mapping[int, Skew] | Unread:
    """By broker, from marks of our own: an append time lies between sending and the acknowledgement."""
    skews: dict[int, Skew] = {}
    headers = [(HEADER, f"doctor/{token_hex(8)}".encode())]
    producer = AIOKafkaProducer(**client_options(kafka), acks="all", request_timeout_ms=4000)
    try:
        await producer.start()
        for leader, places in led.items():
            topic, partition = places[0]
            for _ in range(PROBES):
                sent = time.time()
                written = await producer.send_and_wait(topic, None, key=b"", partition=partition, headers=headers)
                received = time.time()
                if written.timestamp_type != LOG_APPEND_TIME:
                    return Unread(f"{topic} has no append times")
                at, known = written.timestamp / 1000, skews.get(leader, Skew(float("-inf"), float("inf")))
                # Kafka's times are whole milliseconds, rounded down.
                skews[leader] = Skew(max(known.least, at - received), min(known.most, at + 0.001 - sent))
    finally:
        await producer.stop()
    return skews
