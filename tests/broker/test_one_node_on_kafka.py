"""One real broker."""

import time
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaProducer

from streams.broker import BrokerUnavailable, EmbeddedKafka
from tests.broker.clients import consume, create_topic, produce
from tests.broker.conftest import gone, wait_until
from tests.examples import first

pytestmark = [pytest.mark.kafka, pytest.mark.xdist_group("brokers of their own"), pytest.mark.timeout(90)]


async def test_what_is_written_can_be_read(kafka: EmbeddedKafka) -> None:
    await create_topic(kafka.bootstrap, "roundtrip")
    await produce(kafka.bootstrap, "roundtrip", b"one", b"two")
    assert await consume(kafka.bootstrap, "roundtrip", 2, group_id="readers") == [b"one", b"two"]


async def test_a_transaction_is_seen_whole_or_not_at_all(kafka: EmbeddedKafka) -> None:
    await create_topic(kafka.bootstrap, "transactions")
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id="writer") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait("transactions", b"aborted")
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send_and_wait("transactions", b"committed")
    read = await consume(kafka.bootstrap, "transactions", 1, isolation_level="read_committed")
    assert read == [b"committed"]


@pytest.mark.parametrize("codec", first(1, ["zstd", "gzip", "snappy", "lz4"]))
async def test_every_codec_is_understood(kafka: EmbeddedKafka, codec: str) -> None:
    await create_topic(kafka.bootstrap, f"codec-{codec}")
    await produce(kafka.bootstrap, f"codec-{codec}", b"x" * 10_000, compression_type=codec)
    assert await consume(kafka.bootstrap, f"codec-{codec}", 1) == [b"x" * 10_000]


@pytest.mark.alone
async def test_a_warm_start_is_quick_and_leaves_nothing() -> None:
    began = time.monotonic()
    async with EmbeddedKafka() as own:
        await create_topic(own.bootstrap, "quick")
        await produce(own.bootstrap, "quick", b"here")
        assert time.monotonic() - began < 10
        pid, folder = own.nodes[0].pid, own.nodes[0].folder.parent
        assert pid is not None
    assert gone(pid)
    assert not folder.exists()


@pytest.mark.long
async def test_data_survives_a_restart_in_the_same_folder(tmp_path: Path) -> None:
    folder = tmp_path / "øy with spaces"
    with EmbeddedKafka(directory=folder) as kafka:
        await create_topic(kafka.bootstrap, "kept")
        await produce(kafka.bootstrap, "kept", b"before the stop")
        kafka.nodes[0].stop()
        kafka.nodes[0].start()
        kafka.wait_ready()
        await produce(kafka.bootstrap, "kept", b"before the end")
        with pytest.raises(BrokerUnavailable, match="is in use by another broker"):
            EmbeddedKafka(directory=folder).start()
    with EmbeddedKafka(directory=folder) as kafka:
        assert await consume(kafka.bootstrap, "kept", 2) == [b"before the stop", b"before the end"]
    with pytest.raises(BrokerUnavailable, match=r"holds a Kafka of 1 broker\(s\), not 3"):
        EmbeddedKafka(3, directory=folder).start()


def test_a_paused_broker_hangs_and_goes_on(kafka: EmbeddedKafka) -> None:
    node = kafka.nodes[0]
    assert node.pid is not None
    node.pause()
    assert wait_until(lambda: psutil.Process(node.pid).status() == psutil.STATUS_STOPPED)
    node.resume()
    kafka.wait_ready()


@pytest.mark.long
async def test_a_password_is_asked_for_where_the_listener_is_secured() -> None:
    login = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    secured = EmbeddedKafka(
        protocol="SASL_PLAINTEXT",
        settings={
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.client.scram-sha-512.sasl.jaas.config": login,
        },
        format_arguments=["--add-scram", "SCRAM-SHA-512=[name=checker,password=secret]"],
    )
    options = {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "checker",
        "sasl_plain_password": "secret",
    }
    with secured as kafka:
        await create_topic(kafka.internal_bootstrap, "secured")
        await produce(kafka.bootstrap, "secured", b"mine", **options)
        assert await consume(kafka.bootstrap, "secured", 1, **options) == [b"mine"]
