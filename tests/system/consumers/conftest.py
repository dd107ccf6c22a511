"""Both consumers as programs: the one in Python as it is, the one in Java as Maven builds it."""

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka.admin import NewTopic

from streams.broker.java import find_java
from streams.errors import BrokerUnavailable
from tests.real_kafka import admin_at, create_topics
from tests.system.consumers.consuming import ROOT, Consuming, Product, product

CONSUMERS = ROOT / "schemas" / "consumers"


@pytest.fixture(scope="session")
def java_command(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """How the consumer in Java is started; it is built here, once."""
    maven = shutil.which("mvn")
    if not maven or not shutil.which("javac"):
        pytest.skip("The consumer in Java is built with Maven and javac: install Debian's `maven` and `default-jdk`.")
    try:
        java = find_java()
    except BrokerUnavailable as error:
        pytest.skip(str(error))
    build = tmp_path_factory.mktemp("consumer")
    command = [maven, "-q", "-B", "-f", str(CONSUMERS / "java" / "pom.xml"), "package", f"-Dconsumer.build={build}"]
    quick = {"MAVEN_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}  # it lives for seconds as well
    subprocess.run(command, check=True, timeout=200, env=os.environ | quick)
    return (
        str(java),
        "-Xmx256m",
        "-XX:TieredStopAtLevel=1",  # it lives for seconds
        "-cp",
        f"{build / 'consumer.jar'}:{build / 'lib'}/*",
        "no.meldingsvakt.consumer.Consumer",
    )


@pytest.fixture
def python_command() -> tuple[str, ...]:
    """How the consumer in Python is started."""
    return sys.executable, str(CONSUMERS / "python" / "consumer.py")


@pytest.fixture
async def topic(bootstrap: str) -> str:
    """A topic of one partition."""
    name = f"c{uuid4().hex[:10]}.missing"
    async with admin_at(bootstrap) as admin:
        await create_topics(admin, NewTopic(name, num_partitions=1, replication_factor=1))
    return name


@pytest.fixture
async def said(bootstrap: str, topic: str) -> AsyncIterator[Product]:
    """What the checker says."""
    async for one in product(bootstrap, topic):
        yield one


@pytest.fixture(params=["python", pytest.param("java", marks=pytest.mark.long)])
def consumer(request: pytest.FixtureRequest, bootstrap: str, topic: str, tmp_path: Path) -> Iterator[Consuming]:
    """A consumer of the topic in one of the languages, not started yet."""
    consuming = Consuming(request.getfixturevalue(f"{request.param}_command"), bootstrap, topic, tmp_path)
    yield consuming
    if consuming.process is not None and consuming.process.poll() is None:
        consuming.process.kill()
        consuming.process.wait()
