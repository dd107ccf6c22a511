"""Configuration that is wrong stops the worker with one sentence and exit code 2, before anything is read."""

import asyncio
from pathlib import Path

import pytest
from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.errors import ConfigurationError
from streams.kafka.topics import ensure_topics
from tests.engine.conftest import MakeWorld
from tests.engine.world import World
from tests.examples import first
from tests.real_kafka import admin_at, create_topics

pytestmark = pytest.mark.kafka


def run(world: World, *arguments: str, **environment: str) -> tuple[int, str]:
    """A command's exit code and what it said on standard error."""
    done = world.run(*arguments, **environment)
    said = [line for line in done.stderr.splitlines() if line.startswith("meldingsvakt: ")]
    assert "Traceback" not in done.stderr
    assert len(said) == 1, done.stderr
    return done.returncode, said[0]


async def _topics(world: World, *topics: NewTopic) -> None:
    async with admin_at(world.kafka.brokers) as admin:
        await create_topics(admin, *topics)


@pytest.mark.parametrize("command", first(1, ["worker", "topics"]))
async def test_no_broker(world: World, command: str) -> None:
    code, said = await asyncio.to_thread(run, world, command, KAFKA_BROKERS="127.0.0.1:9")
    assert code == 2
    assert said == (
        "meldingsvakt: No Kafka broker answers at 127.0.0.1:9: start it, or set KAFKA_BROKERS and the "
        "other KAFKA_ settings to where and how it does (127.0.0.1:9: Connection refused)."
    )


async def test_missing_topics(world: World) -> None:
    code, said = await asyncio.to_thread(run, world, "worker", MELDINGSVAKT_APP_ID=f"{world.name}-new")
    assert code == 2
    assert said.endswith(f"The topic {world.name}-new.state does not exist: run `meldingsvakt topics` to create it.")


@pytest.mark.parametrize(
    ("partitions", "configuration", "sentence"),
    first(
        2,
        [
            (3, {"message.timestamp.type": "LogAppendTime"}, "all must have the same number"),
            (4, {"message.timestamp.type": "CreateTime"}, "CreateTime, but it must be LogAppendTime"),
            (4, {"message.timestamp.type": "LogAppendTime", "cleanup.policy": "compact"}, "cleanup.policy=compact"),
            (
                4,
                {"message.timestamp.type": "LogAppendTime", "unclean.leader.election.enable": "true"},
                "unclean leader",
            ),
        ],
    ),
)
async def test_unsafe_inputs(world: World, partitions: int, configuration: dict[str, str], sentence: str) -> None:
    prefix = f"{world.name}x."
    good = {"message.timestamp.type": "LogAppendTime"}
    await _topics(
        world,
        NewTopic(f"{prefix}sent", 4, 1, topic_configs=good),
        NewTopic(f"{prefix}receipt", 4, 1, topic_configs=good),
        NewTopic(f"{prefix}stored", partitions, 1, topic_configs=configuration),
    )
    for command in ("topics", "worker"):
        code, said = await asyncio.to_thread(run, world, command, MELDINGSVAKT_INPUT_PREFIX=prefix)
        assert code == 2
        assert sentence in said
        assert f"{prefix}stored" in said


@pytest.mark.parametrize(
    ("of_stored", "keep", "sentence"),
    first(
        1,
        [
            ({"retention.ms": "6912000000"}, "P120D", "differ in retention.ms"),
            ({"retention.bytes": "1000000"}, "P120D", "differ in retention.bytes"),
            ({}, "P91D", "Rows are kept no longer (MELDINGSVAKT_KEEP, 7862400000 ms) than the inputs"),
        ],
    ),
)
async def test_inputs_that_are_not_kept_alike_or_longer_than_rows(
    world: World, of_stored: dict[str, str], keep: str, sentence: str
) -> None:
    prefix, kept = f"{world.name}x.", "7776000000" if of_stored else "7862400000"
    config = {"message.timestamp.type": "LogAppendTime", "retention.ms": kept}
    changes = {"sent": {}, "receipt": {}, "stored": of_stored, "decision": {}}
    await _topics(world, *(NewTopic(prefix + kind, 4, 1, topic_configs=config | changes[kind]) for kind in changes))
    for command in ("topics", "worker"):
        code, said = await asyncio.to_thread(
            run, world, command, MELDINGSVAKT_INPUT_PREFIX=prefix, MELDINGSVAKT_KEEP=keep
        )
        assert code == 2
        assert sentence in said
        assert f"{prefix}stored" in said or not of_stored
    await _same_again(world, prefix, of_stored)


async def _same_again(world: World, prefix: str, of_stored: dict[str, str]) -> None:
    """What the sentence says helps."""
    if not of_stored:
        return
    async with admin_at(world.kafka.brokers) as admin:
        config = {"message.timestamp.type": "LogAppendTime", "retention.ms": "7776000000", "retention.bytes": "-1"}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, f"{prefix}stored", config)])
    await asyncio.sleep(1)
    settings = world.settings.model_copy(update={"input_prefix": prefix})
    await ensure_topics(world.kafka, settings, create=False)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    first(
        1,
        [
            ("MELDINGSVAKT_KEPE", "P1D", "MELDINGSVAKT_KEPE is not a setting"),
            ("MELDINGSVAKT_KEEP", "soon", "MELDINGSVAKT_KEEP is not valid"),
            ("MELDINGSVAKT_PARTITIONS", "0", "MELDINGSVAKT_PARTITIONS is not valid"),
            ("KAFKA_SECURITY_PROTOCOL", "TLS", "KAFKA_SECURITY_PROTOCOL is not valid"),
            ("MELDINGSVAKT_POLICY", "/nowhere/policy.toml", "set MELDINGSVAKT_POLICY to a TOML file"),
        ],
    ),
)
async def test_wrong_settings(world: World, name: str, value: str, sentence: str) -> None:
    code, said = await asyncio.to_thread(run, world, "worker", **{name: value})
    assert code == 2
    assert sentence in said


async def test_an_invalid_policy(world: World, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[[version]]\nid = "a"\ngrase = "PT5M"\n')
    code, said = await asyncio.to_thread(run, world, "worker", MELDINGSVAKT_POLICY=str(policy))
    assert code == 2
    assert "unknown entry version.1.grase" in said


async def test_topics_are_created_once_and_verified_after(make_world: MakeWorld) -> None:
    world = await make_world()
    assert await ensure_topics(world.kafka, world.settings, create=True) == []
    assert await ensure_topics(world.kafka, world.settings, create=False) == []
    other = world.settings.model_copy(update={"app_id": f"{world.name}-b"})
    with pytest.raises(ConfigurationError, match="does not exist"):
        await ensure_topics(world.kafka, other, create=False)
    created = await ensure_topics(world.kafka, other, create=True)
    assert created == [
        other.output(name) for name in ("state", "coverage", "messages", "missing", "rejected", "access")
    ]


@pytest.mark.long
async def test_the_worker_runs_on_the_quick_event_loop(world: World) -> None:
    pytest.importorskip("uvloop")
    worker = world.worker(log_level="INFO")
    await worker.ready()
    assert "The event loop is uvloop." in worker.output()
    assert worker.stop() == 0
