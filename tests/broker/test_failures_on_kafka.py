"""A start that fails says why; an end that nobody wanted leaves nothing."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from streams.broker import BrokerUnavailable, EmbeddedKafka
from tests.broker.conftest import gone, wait_until
from tests.examples import first

pytestmark = [pytest.mark.kafka, pytest.mark.xdist_group("brokers of their own"), pytest.mark.timeout(90)]

# Whoever started the tests may ignore SIGINT (nohup does, in the background): that would be inherited.
COMMAND = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from streams.broker import run_broker; run_broker(1, 0, None)"
)


@contextmanager
def command(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """The broker command in a process of its own, with temporary files in `folder`."""
    environment = {**os.environ, "TMPDIR": str(folder)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", COMMAND], **pipes, text=True, env=environment) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def ready(process: "subprocess.Popen[str]") -> tuple[int, int]:
    """Wait for the ready line; the client port and Java's process id."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("ready 127.0.0.1:")
    (java,) = [child.pid for child in psutil.Process(process.pid).children(recursive=True) if child.name() == "java"]
    return int(line.rpartition(":")[2]), java


@pytest.mark.parametrize("how", first(1, [signal.SIGTERM, signal.SIGINT]))
def test_the_command_says_ready_and_ends_in_order(tmp_path: Path, how: signal.Signals) -> None:
    with command(tmp_path) as process:
        _, java = ready(process)
        process.send_signal(how)
        assert process.wait(30) == 0
        assert gone(java)
        assert list(tmp_path.iterdir()) == []


def test_a_killed_command_leaves_no_process_no_port_and_no_folder(tmp_path: Path) -> None:
    with command(tmp_path) as process:
        port, java = ready(process)
        assert list(tmp_path.iterdir()) != []
        process.kill()
        assert wait_until(lambda: gone(java))
        assert wait_until(lambda: list(tmp_path.iterdir()) == [])
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_a_command_that_is_stopped_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    with command(tmp_path) as process:
        assert wait_until(lambda: any("node-1" in str(path) for path in tmp_path.rglob("server.log")))
        process.terminate()
        assert process.wait(30) == 0
        assert list(tmp_path.iterdir()) == []


def test_a_broker_that_dies_ends_the_command_with_a_sentence(tmp_path: Path) -> None:
    with command(tmp_path) as process:
        _, java = ready(process)
        os.kill(java, signal.SIGKILL)
        _, messages = process.communicate(timeout=30)
        assert process.returncode != 0
        assert "Kafka's broker 1 ended by itself (signal 9 ended it)" in messages


def test_a_taken_port_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(BrokerUnavailable, match=f"Port {port} on 127.0.0.1 is taken"):
            EmbeddedKafka(port=port).start()


def test_a_wrong_setting_is_told_with_the_log(tmp_path: Path) -> None:
    with pytest.raises(BrokerUnavailable, match=r"Invalid value many for configuration num.io.threads") as failure:
        EmbeddedKafka(settings={"num.io.threads": "many"}, directory=tmp_path).start()
    log = str(failure.value).rpartition("the log is ")[2].rstrip(".")
    assert "Invalid value many" in Path(log).read_text()


def test_the_log_of_a_failed_start_outlives_its_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(BrokerUnavailable, match="Invalid value many") as failure:
        EmbeddedKafka(settings={"num.io.threads": "many"}).start()
    log = Path(str(failure.value).rpartition("the log is ")[2].rstrip("."))
    assert "Invalid value many" in log.read_text()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.alone
def test_a_start_that_takes_too_long_is_given_up() -> None:
    began = time.monotonic()
    kafka = EmbeddedKafka(start_seconds=0.1)
    with pytest.raises(BrokerUnavailable, match=r"was not ready within 0\.1 s"):
        kafka.start()
    assert time.monotonic() - began < 10
    assert kafka.nodes[0].pid is None
