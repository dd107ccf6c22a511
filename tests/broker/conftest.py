"""What the broker's tests share."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from streams.broker import EmbeddedKafka

GONE_SECONDS = 10


@pytest.fixture(scope="module")
def kafka() -> Iterator[EmbeddedKafka]:
    """One running broker."""
    with EmbeddedKafka() as running:
        yield running


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with nothing in it."""
    monkeypatch.setenv("MELDINGSVAKT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def wait_until(true: Callable[[], bool], seconds: float = GONE_SECONDS) -> bool:
    """Look until it is true; False if the time is over."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def gone(pid: int) -> bool:
    """True if no such process lives (a zombie that nobody has buried yet does not)."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
