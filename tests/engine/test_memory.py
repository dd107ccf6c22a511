"""What was freed goes back to the system."""

import sys

import psutil
import pytest

from streams.engine.memory import give_back_memory

MEGABYTE = 1 << 20


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
def test_holes_between_what_is_kept_are_given_back() -> None:
    process = psutil.Process()
    pages = [bytes(1000) for _ in range(200_000)]
    kept = pages[::1000]
    pages.clear()
    before = process.memory_info().rss
    assert give_back_memory()
    assert process.memory_info().rss < before - 100 * MEGABYTE
    assert len(kept) == 200
