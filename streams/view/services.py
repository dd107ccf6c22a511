"""Everything that a request needs: the tables, the answers, the sandbox, and how far all of it can be trusted."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypeVar

from streams.access.access_log import AccessRecord
from streams.access.quotas import Turns
from streams.settings import KafkaSettings, Settings
from streams.view.queries.grounds import watched_since
from streams.view.sandbox import Sandbox, lock_down
from streams.view.store.cache import Answers
from streams.view.store.feed import TopicFollower
from streams.view.store.freshness import CoverageNow, Picture, picture_of
from streams.view.store.kept import Pages
from streams.view.store.store import Store
from streams.view.store.tables import PUBLIC

T = TypeVar("T")

QUERIES, QUERIES_OF_ONE, QUERIES_AT_ONCE = 8, 2, 2
FILES, FILES_OF_ONE = 8, 2
OPEN_PAGES, OPEN_PAGES_OF_ONE = 300, 30


class Desk:
    """One view at work."""

    def __init__(self, kafka: KafkaSettings, settings: Settings) -> None:
        """Open the tables. Raises ConfigurationError."""
        self.settings = settings
        # The other half of the cores is for those who ask.
        threads = max(1, (os.cpu_count() or 1) // 2)
        self.store = Store(settings.view_file, settings.view_memory, threads)
        lock_down(self.store.connection)
        self.feed = TopicFollower(kafka, settings, self.store)
        self.answers = Answers(self.store)
        self.sandbox = Sandbox(self.store.connection, PUBLIC)
        self.record = AccessRecord(kafka, settings)
        # Threads of their own: whoever waits for a query keeps nobody else waiting.
        self._queries = ThreadPoolExecutor(QUERIES_AT_ONCE, "sql")
        self.queries = Turns(QUERIES, QUERIES_OF_ONE, "queries")
        self.files = Turns(FILES, FILES_OF_ONE, "files")
        self.open_pages = Turns(OPEN_PAGES, OPEN_PAGES_OF_ONE, "open-pages")  # that are told when the tables change
        self.pages = Pages()
        self.reading: asyncio.Task[None] | None = None

    def picture(self, coverage: CoverageNow, now: datetime | None = None) -> Picture:
        """How far an answer with this coverage can be trusted now."""
        return picture_of(coverage, self.feed.progress, self.settings.view_silent_after, now)

    async def watched_since(self) -> datetime | None:
        """From when on the checker knows all that arrived; a crowd that needs it looks it up once."""
        since: datetime | None = (await self.answers.get("watched_since", watched_since)).found
        return since

    async def at_queries(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run something where analysts' queries run."""
        return await asyncio.get_running_loop().run_in_executor(self._queries, work, *arguments)

    def start(self, failed: Callable[[BaseException], None]) -> None:
        """Begin to read from Kafka; `failed` is told what makes it impossible to go on."""

        def ended(reading: "asyncio.Task[None]") -> None:
            if not reading.cancelled() and (error := reading.exception()) is not None:
                failed(error)

        self.reading = asyncio.create_task(self.feed.run())
        self.reading.add_done_callback(ended)

    async def stop(self) -> None:
        """Stop reading and close the tables."""
        if self.reading is not None:
            self.reading.cancel()
            await asyncio.gather(self.reading, return_exceptions=True)
        await self.record.close()
        self.answers.close()
        self.pages.close()
        self._queries.shutdown(cancel_futures=True)
        self.sandbox.close()
        self.store.close()
