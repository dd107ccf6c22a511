"""What is kept so that it need not be made again, within a bound of bytes."""

import asyncio
import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")

MOST_KEPT = 200
PAGES_BYTES, PAGES_AT_ONCE = 32 << 20, 2
LARGEST_SHARE = 4  # what takes more than this part of all is not worth the others


class Kept(OrderedDict[K, V]):
    """The last ones, as many as the bytes allow."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__()
        self._most, self._sizes = most_bytes, dict[K, int]()

    def keep(self, key: K, value: V, size: int) -> None:
        """Keep this as the last one; what was asked for longest ago has to go for it."""
        self.pop(key, None)
        if size > self._most // LARGEST_SHARE:
            return
        self[key], self._sizes[key] = value, size
        while len(self) > MOST_KEPT or self.size > self._most:
            self.popitem(last=False)

    @property
    def size(self) -> int:
        """The bytes of all."""
        self._sizes = {key: size for key, size in self._sizes.items() if key in self}
        return sum(self._sizes.values())


def size_of(found: Any) -> int:
    """The bytes that an answer takes, with all that is in it."""
    size = sys.getsizeof(found)
    if isinstance(found, Mapping):
        return size + sum(map(size_of, found.values()))  # the keys are columns, which all rows share
    if isinstance(found, list | tuple):
        return size + sum(map(size_of, found))
    return size


class Pages:
    """Makes pages in threads, because a large one would keep the event loop from everybody else; keeps the last."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(PAGES_AT_ONCE, "page")
        self._kept: Kept[Hashable, bytes] = Kept(PAGES_BYTES)
        self._running: dict[Hashable, asyncio.Future[bytes]] = {}

    async def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """The page of this key; several who ask at once wait for the same one."""
        found = self._kept.get(key)
        if found is not None:
            return found
        running = self._running.get(key)
        if running is None:
            running = asyncio.ensure_future(asyncio.get_running_loop().run_in_executor(self._threads, make))
            self._running[key] = running
            running.add_done_callback(lambda done: self._done(key, done))
        return await asyncio.shield(running)

    async def once(self, make: Callable[[], bytes]) -> bytes:
        """One that nobody else will ask for."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, make)

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(cancel_futures=True)

    def _done(self, key: Hashable, done: "asyncio.Future[bytes]") -> None:
        self._running.pop(key, None)
        if not done.cancelled() and done.exception() is None:
            self._kept.keep(key, done.result(), len(done.result()))
