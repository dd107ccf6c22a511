"""Fetching artifacts from a Maven repository, with progress on standard error."""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from jgo.maven import MavenContext, PythonResolver
from requests import RequestException
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from streams.broker.pins import KAFKA_VERSION, LOCK_FILE, Jar
from streams.errors import BrokerUnavailable

ATTEMPTS = 3
PAUSE_SECONDS = 1.0


def download(jars: Sequence[Jar], folder: Path, repositories: Mapping[str, str]) -> None:
    """Fetch each jar; it appears in `folder` whole and as pinned, or not at all. Raises BrokerUnavailable."""
    if not jars:
        return
    console = Console(stderr=True)
    total = sum(jar.size for jar in jars)
    if not console.is_terminal:
        print(f"Downloading Apache Kafka {KAFKA_VERSION} ({total / 1e6:.0f} MB) into {folder}", file=sys.stderr)
    columns = (TextColumn(f"Apache Kafka {KAFKA_VERSION}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("download", total=total)

        @contextmanager
        def count_bytes(_name: str, _size: int) -> Iterator[Callable[[int], None]]:
            yield lambda size: progress.advance(task, size)

        for jar in jars:
            _fetch(jar, folder, repositories, PythonResolver(progress_callback=count_bytes))


def _fetch(jar: Jar, folder: Path, repositories: Mapping[str, str], resolver: PythonResolver) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        # A staging folder for each attempt: what a broken one left there would pass for the artifact.
        with tempfile.TemporaryDirectory(dir=folder) as staging:
            context = MavenContext(resolver, Path(staging), local_repos=[], remote_repos=dict(repositories))
            try:
                found = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
            except (RequestException, RuntimeError) as error:
                if attempt == ATTEMPTS or isinstance(error, RuntimeError):
                    raise _unreachable(jar, repositories, error) from error
            else:
                _take(jar, found, folder)
                return
        time.sleep(PAUSE_SECONDS)


def _take(jar: Jar, found: Path, folder: Path) -> None:
    """Believe the pin, not the repository: its own checksum comes the same way as the file."""
    if not jar.is_at(found):
        raise BrokerUnavailable(
            f"{jar.file_name} was downloaded, but it is not the file that {LOCK_FILE} pins: "
            "do not trust this source; try another network, or set KAFKA_BROKERS to a Kafka that runs already."
        )
    found.replace(folder / jar.file_name)


def _unreachable(jar: Jar, repositories: Mapping[str, str], error: Exception) -> BrokerUnavailable:
    # jgo raises RuntimeError when every repository answered, but none with the file.
    why = "it does not hand the file out" if isinstance(error, RuntimeError) else type(error).__name__
    return BrokerUnavailable(
        f"{jar.file_name} of Apache Kafka cannot be downloaded from {', '.join(repositories.values())} "
        f"({why}): check the network, or set KAFKA_BROKERS to a Kafka that runs already."
    )
