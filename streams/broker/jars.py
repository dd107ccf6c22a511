"""Kafka's jars: pinned Maven artifacts with their SHA-256, downloaded once into a cache."""

import fcntl
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from jgo.maven import MavenContext
from requests import RequestException
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from streams.broker.errors import BrokerUnavailable

KAFKA_VERSION = "4.1.1"
LOCK_FILE = "jars.lock"


class Jar(NamedTuple):
    """One artifact of the lock file. `size` in bytes."""

    group: str
    artifact: str
    version: str
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        """The name that the artifact has in every Maven repository."""
        return f"{self.artifact}-{self.version}.jar"

    def intact(self, folder: Path) -> bool:
        """True if the cached file is exactly the pinned one."""
        try:
            content = (folder / self.file_name).read_bytes()
        except FileNotFoundError:
            return False
        return hashlib.sha256(content).hexdigest() == self.sha256


def locked_jars() -> tuple[Jar, ...]:
    """What the lock file pins: `group artifact version size sha256` a line."""
    lines = files("streams.broker").joinpath(LOCK_FILE).read_text(encoding="utf-8").splitlines()
    fields = (line.split() for line in lines if line and not line.startswith("#"))
    return tuple(Jar(group, artifact, version, int(size), sha256) for group, artifact, version, size, sha256 in fields)


def cache_folder() -> Path:
    """Where jars are kept: MELDINGSVAKT_CACHE, else the user's cache folder."""
    chosen = os.environ.get("MELDINGSVAKT_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "meldingsvakt"


def class_path(folder: Path | None = None, *, remote_repos: dict[str, str] | None = None) -> str:
    """Kafka's class path, after downloading what is missing or damaged. Raises BrokerUnavailable."""
    folder = (folder or cache_folder()) / f"kafka-{KAFKA_VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    jars = locked_jars()
    with _only_one(folder):
        wanted = [jar for jar in jars if not jar.intact(folder)]
        if wanted:
            _download(wanted, folder, remote_repos)
    return os.pathsep.join(str(folder / jar.file_name) for jar in jars)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Two processes may find an empty cache at the same time: one downloads, the other waits."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(wanted: list[Jar], folder: Path, remote_repos: dict[str, str] | None) -> None:
    console = Console(stderr=True)
    total = sum(jar.size for jar in wanted)
    if not console.is_terminal:
        print(f"Downloading Apache Kafka {KAFKA_VERSION} ({total / 1e6:.0f} MB) into {folder}", file=sys.stderr)
    columns = (TextColumn("Apache Kafka"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with (
        tempfile.TemporaryDirectory(dir=folder) as staging,
        Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress,
    ):
        task = progress.add_task("download", total=total)
        context = MavenContext(repo_cache=Path(staging), local_repos=[], remote_repos=remote_repos)
        for jar in wanted:
            _fetch(context, jar, folder)
            progress.advance(task, jar.size)


def _fetch(context: MavenContext, jar: Jar, folder: Path) -> None:
    """Fetch one artifact; it appears in the cache whole and as pinned, or not at all."""
    try:
        found = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    except (RequestException, RuntimeError, OSError) as error:
        raise BrokerUnavailable(
            f"{jar.file_name} of Apache Kafka cannot be downloaded from "
            f"{', '.join(context.remote_repos.values())} ({type(error).__name__}): check the network, "
            "or set KAFKA_BROKERS to a Kafka that runs already."
        ) from error
    if hashlib.sha256(found.read_bytes()).hexdigest() != jar.sha256:
        raise BrokerUnavailable(
            f"{jar.file_name} was downloaded, but it is not the file that {LOCK_FILE} pins: "
            "do not trust this source; try another network, or set KAFKA_BROKERS."
        )
    found.replace(folder / jar.file_name)
