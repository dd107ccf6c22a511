"""Kafka's class path: pinned jars in a cache, downloaded once, and again if they are damaged."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from streams.broker.file_lock import exclusive
from streams.broker.pins import CENTRAL, KAFKA_VERSION, Jar, locked_jars
from streams.errors import BrokerUnavailable


def cache_folder() -> Path:
    """Where everything that can be fetched again is kept: MELDINGSVAKT_CACHE, else the user's cache folder."""
    chosen = os.environ.get("MELDINGSVAKT_CACHE")
    if chosen:
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "meldingsvakt"


def kafka_cache() -> Path:
    """The part of the cache that belongs to this version of Kafka."""
    return cache_folder() / f"kafka-{KAFKA_VERSION}"


def class_path(folder: Path | None = None, *, repositories: Mapping[str, str] = CENTRAL) -> str:
    """Kafka's class path, after downloading what is missing or damaged. Raises BrokerUnavailable."""
    folder = folder or kafka_cache()
    jars = locked_jars()
    if _wanted(jars, folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _fill(jars, folder, repositories)
        except OSError as error:
            raise BrokerUnavailable(
                f"Kafka's jars cannot be kept in {folder} ({error.strerror or error}): "
                "set MELDINGSVAKT_CACHE to a folder that can be written."
            ) from error
    return os.pathsep.join(str(folder / jar.file_name) for jar in jars)


def _fill(jars: tuple[Jar, ...], folder: Path, repositories: Mapping[str, str]) -> None:
    """Two processes may find an empty cache at the same time: one downloads, the other waits and finds it full."""
    lock = folder / ".lock"
    with exclusive(lock, wait=False) as at_once:
        if at_once:
            _download(_wanted(jars, folder), folder, repositories)
            return
    print("Waiting for another process that downloads Apache Kafka", file=sys.stderr)
    with exclusive(lock, wait=True):
        _download(_wanted(jars, folder), folder, repositories)


def _download(jars: Sequence[Jar], folder: Path, repositories: Mapping[str, str]) -> None:
    # Imported here: its libraries take a moment, and almost every start finds the cache full.
    from streams.broker.download import download  # noqa: PLC0415

    download(jars, folder, repositories)


def _wanted(jars: tuple[Jar, ...], folder: Path) -> list[Jar]:
    return [jar for jar in jars if not jar.is_at(folder / jar.file_name)]
