"""What was freed goes back to the system, and garbage is looked for again after a restore, however it ended."""

import gc
import platform

import psutil
import pytest

from streams.memory import give_back_memory, without_looking_for_garbage

MEGABYTE = 1 << 20


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to")
def test_holes_between_what_is_kept_are_given_back() -> None:
    process = psutil.Process()
    pages = [bytes(1000) for _ in range(200_000)]
    kept = pages[::1000]
    pages.clear()
    before = process.memory_info().rss
    assert give_back_memory()
    assert process.memory_info().rss < before - 100 * MEGABYTE
    assert len(kept) == 200


def _failing() -> None:
    with without_looking_for_garbage():
        assert not gc.isenabled()
        raise ValueError("over")


def test_garbage_is_looked_for_again_even_after_an_error() -> None:
    with pytest.raises(ValueError, match="over"):
        _failing()
    assert gc.isenabled()
