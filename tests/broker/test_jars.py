"""The jars: fetched once, whole, as pinned, or a clear sentence."""

import hashlib
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from streams.broker import BrokerUnavailable, EmbeddedKafka
from streams.broker import download as download_module
from streams.broker import jars as jars_module
from streams.broker.jars import class_path
from streams.broker.pins import KAFKA_VERSION, Jar, locked_jars

CONTENT = b"not really a jar" * 1000
PINNED = Jar("org.example", "little", "1.0", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


class Repository:
    """A Maven repository on this machine that remembers what it was asked for."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        self.jar = folder / "org/example/little/1.0/little-1.0.jar"
        self.jar.parent.mkdir(parents=True)
        self.jar.write_bytes(CONTENT)
        asked = self.asked

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                asked.append(self.path)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.remote = {"here": f"http://127.0.0.1:{self.server.server_port}"}

    def times_fetched(self) -> int:
        """How often the jar was asked for."""
        return sum(path.endswith("little-1.0.jar") for path in self.asked)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    """A repository that has the one pinned jar."""
    monkeypatch.setattr(jars_module, "locked_jars", lambda: (PINNED,))
    monkeypatch.setattr(download_module, "PAUSE_SECONDS", 0.01)
    served = Repository(tmp_path / "repository")
    thread = Thread(target=served.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.server.shutdown()
    thread.join()
    served.server.server_close()


def test_the_lock_file_pins_kafka_and_its_own_clients() -> None:
    versions = {jar.artifact: jar.version for jar in locked_jars()}
    assert versions["kafka_2.13"] == versions["kafka-clients"] == versions["kafka-metadata"] == KAFKA_VERSION
    assert all(len(jar.sha256) == 64 and jar.size > 0 for jar in locked_jars())


def test_a_jar_is_fetched_once(repository: Repository, tmp_path: Path) -> None:
    first = class_path(tmp_path / "jars", repositories=repository.remote)
    assert class_path(tmp_path / "jars", repositories=repository.remote) == first
    assert Path(first).read_bytes() == CONTENT
    assert repository.times_fetched() == 1


@pytest.mark.parametrize("damaged", [b"", CONTENT[:-1], b"x" * len(CONTENT)])
def test_a_damaged_jar_is_fetched_again(repository: Repository, tmp_path: Path, damaged: bytes) -> None:
    jar = Path(class_path(tmp_path / "jars", repositories=repository.remote))
    jar.write_bytes(damaged)
    class_path(tmp_path / "jars", repositories=repository.remote)
    assert jar.read_bytes() == CONTENT


def test_a_jar_that_is_not_the_pinned_one_is_refused_and_not_kept(repository: Repository, tmp_path: Path) -> None:
    repository.jar.write_bytes(b"a forgery")
    with pytest.raises(BrokerUnavailable, match=r"little-1\.0\.jar was downloaded, but it is not the file"):
        class_path(tmp_path / "jars", repositories=repository.remote)
    assert [path.name for path in (tmp_path / "jars").iterdir()] == [".lock"]


def test_starts_at_the_same_time_fetch_once(
    repository: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch = partial(class_path, tmp_path / "jars", repositories=repository.remote)
    with ThreadPoolExecutor(8) as pool:
        paths = {future.result() for future in [pool.submit(fetch) for _ in range(8)]}
    assert len(paths) == 1
    assert repository.times_fetched() == 1
    assert "Downloading Apache Kafka" in capsys.readouterr().err


def test_a_jar_that_the_repository_lacks_is_named(repository: Repository, tmp_path: Path) -> None:
    repository.jar.unlink()
    with pytest.raises(
        BrokerUnavailable, match=r"little-1\.0\.jar .* cannot be downloaded .*it does not hand the file out"
    ):
        class_path(tmp_path / "jars", repositories=repository.remote)


def test_an_unreachable_repository_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(download_module, "PAUSE_SECONDS", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    with pytest.raises(BrokerUnavailable, match=f"cannot be downloaded from {url} .*check the network, or set KAFKA_B"):
        class_path(tmp_path / "jars", repositories={"nobody": url})
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MELDINGSVAKT_CACHE", str(tmp_path / "file"))
    with pytest.raises(BrokerUnavailable, match="set MELDINGSVAKT_CACHE to a folder that can be written"):
        EmbeddedKafka().start()
