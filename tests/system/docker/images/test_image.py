"""The image alone, driven by testcontainers with a real Kafka in a container."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import orjson
import pytest
from testcontainers.core.container import DockerContainer

from tests.containers import kafka_container
from tests.engine.world import free_port
from tests.system.docker.files import KAFKA_IMAGE
from tests.system.docker.images.stack import IMAGE, eventually, run

LOCKED = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]


@pytest.fixture(scope="module")
def kafka() -> Iterator[str]:
    with kafka_container(KAFKA_IMAGE) as bootstrap:
        yield bootstrap


@contextmanager
def meldingsvakt(command: str, bootstrap: str, **environment: str) -> Iterator[Any]:
    """A container of the image as locked as can be, in this machine's network, which is where the broker is."""
    container = DockerContainer(IMAGE).with_command(command).with_env("KAFKA_BROKERS", bootstrap)
    for name, value in environment.items():
        container.with_env(name, value)
    container.with_tmpfs_mount("/tmp").with_kwargs(
        network_mode="host",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
    )
    with container:
        yield container.get_wrapped_container()


def test_it_holds_no_compiler_and_nothing_that_it_could_change() -> None:
    script = "! command -v cc gcc g++ make && ! touch /opt/meldingsvakt/x 2>/dev/null && id -u"
    said = run(["docker", "run", "--rm", "--network", "none", "--entrypoint", "sh", IMAGE, "-c", script])
    assert said.split() == ["10001"]


def test_it_is_precompiled_for_its_own_python() -> None:
    script = (
        "import importlib.util as u, pathlib, streams.core.decide as d; "
        "print(pathlib.Path(u.cache_from_source(d.__file__)).exists(), d.__file__)"
    )
    said = run(["docker", "run", "--rm", *LOCKED, "--entrypoint", "python", IMAGE, "-c", script])
    assert said.startswith("True /opt/meldingsvakt/lib/")


def test_it_holds_what_the_lock_file_says_and_no_developer_tool() -> None:
    script = "from importlib.metadata import distributions as d; print(*sorted(x.name.lower() for x in d()))"
    names = run(["docker", "run", "--rm", *LOCKED, "--entrypoint", "python", IMAGE, "-c", script]).split()
    assert "meldingsvakt" in names
    assert not {"pytest", "mypy", "ruff", "hatchling", "pip", "setuptools"} & set(names)


def test_it_says_where_it_comes_from() -> None:
    config = orjson.loads(run(["docker", "inspect", IMAGE]))[0]["Config"]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["title"] == "meldingsvakt"
    assert labels["licenses"] == "MIT"
    assert labels["revision"] == "test"
    assert {"source", "version", "description"} <= set(labels)
    assert (config["User"], config["StopSignal"]) == ("10001:10001", "SIGTERM")
    assert config["Healthcheck"]["Test"] == ["CMD", "healthcheck", "8081/livez"]


def test_a_locked_worker_becomes_ready_and_ends_in_order(kafka: str) -> None:
    with meldingsvakt("topics", kafka) as topics:
        assert topics.wait(timeout=60)["StatusCode"] == 0
    port = free_port()
    with meldingsvakt("worker", kafka, MELDINGSVAKT_HTTP_PORT=str(port)) as worker:
        eventually(lambda: _answers(f"http://127.0.0.1:{port}/readyz"), "the worker is ready")
        assert worker.exec_run(["healthcheck", f"{port}/livez"]).exit_code == 0
        before = time.monotonic()
        worker.stop(timeout=30)
        assert worker.wait()["StatusCode"] == 0, worker.logs().decode()[-2000:]
        assert time.monotonic() - before < 25


def test_a_container_whose_server_is_silent_is_unhealthy() -> None:
    said = run(
        ["docker", "run", "--rm", *LOCKED, "--entrypoint", "sh", IMAGE, "-c", "healthcheck 8081/livez || echo $?"]
    )
    assert said.split() == ["1"]


def test_a_locked_view_answers(kafka: str) -> None:
    port = free_port()
    with meldingsvakt("view", kafka, MELDINGSVAKT_VIEW_PORT=str(port)) as view:
        eventually(lambda: _answers(f"http://127.0.0.1:{port}/livez"), "the view answers")
        assert view.exec_run(["healthcheck", f"{port}/livez"]).exit_code == 0


def _answers(address: str) -> bool | None:
    try:
        return True if httpx.get(address).status_code == 200 else None
    except httpx.TransportError:
        return None
