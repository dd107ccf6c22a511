"""The memory of millions of rows: what was freed is given back, and nobody looks for garbage among what is kept."""

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

GARBAGE_AFTER = 100_000


def _trim() -> "ctypes._FuncPointer | None":
    """glibc's `malloc_trim`, where the C library is glibc."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)


_malloc_trim = _trim()


def give_back_memory() -> bool:
    """Give back what lies free between what is still used; True if there was some.

    Rows as they were published are freed one by one while they are packed. The C library keeps such holes, a kilobyte
    each, for ever: a worker would hold twice what it needs. Elsewhere than on glibc nothing happens.
    """
    return _malloc_trim is not None and bool(_malloc_trim(0))


def look_for_garbage_less_often() -> None:
    """Rows are no garbage: Python's default looks through all that are live after every 700 new ones."""
    gc.collect()
    gc.freeze()  # modules, models, codecs: here to stay
    gc.set_threshold(GARBAGE_AFTER, 50, 100)


@contextmanager
def without_looking_for_garbage() -> Iterator[None]:
    """For a time in which much is made that stays: Python would look through all of it again and again."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
