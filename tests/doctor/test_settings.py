"""What the doctor cannot do without: one sentence and exit code 2."""

import asyncio

import pytest

from tests.engine.world import World


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, "No Kafka broker answers at 127.0.0.1:9: start it, or set KAFKA_BROKERS"),
        ({"KAFKA_BROKERS": "a:b:c"}, "KAFKA_BROKERS is not valid: write host:port"),
        ({"MELDINGSVAKT_KEEP": "soon"}, "MELDINGSVAKT_KEEP is not valid"),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}, "set KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CAFILE": "/nowhere.pem"},
            "KAFKA_SSL_CAFILE cannot be read (/nowhere.pem: No such file or directory)",
        ),
    ],
)
async def test_what_must_be_set_right_first(environment: dict[str, str], sentence: str) -> None:
    world = World("127.0.0.1:9")
    try:
        done = await asyncio.to_thread(world.run, "doctor", **environment)
    finally:
        await world.stop()
    assert done.returncode == 2
    assert done.stderr.startswith("meldingsvakt: ")
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
