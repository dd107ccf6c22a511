"""A lock between processes, held on a file; the system releases it even when its holder is killed."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(file: Path, *, wait: bool) -> Iterator[bool]:
    """Hold the lock for the block. Yields False, without the lock, if another holds it and we are not to wait."""
    with file.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
