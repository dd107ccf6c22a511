"""The heartbeat for an external dead man's switch: who hears nothing any more raises the alarm, whatever has failed."""

import logging
from typing import Any

import aiohttp
from mode import Service

from streams.engine.health.readiness import unready
from streams.engine.metrics import Metrics
from streams.engine.source import Source
from streams.engine.table import WindowedTable
from streams.settings import Settings

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0


class Heartbeat(Service):  # type: ignore[misc]  # mode has no types for us
    """Asks for an address again and again, but only while this worker is ready and its partitions move on.

    The address is a secret (whoever knows it can keep the switch quiet) and stands in no log line.
    """

    def __init__(
        self, settings: Settings, source: Source, table: WindowedTable, metrics: Metrics, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._settings, self._source, self._table, self._metrics = settings, source, table, metrics
        self._last = "sent"

    @Service.task  # type: ignore[untyped-decorator]
    async def _beat_on(self) -> None:
        url = self._settings.heartbeat_url
        if url is None:
            return
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
            while not self.should_stop:
                result, why = await self._beat(session, url.get_secret_value())
                self._metrics.count("heartbeats", result)
                self._say(result, why)
                await self.sleep(self._settings.heartbeat_every.total_seconds())

    async def _beat(self, session: aiohttp.ClientSession, url: str) -> tuple[str, str]:
        """What came of it, and why."""
        reasons = self._doubts()
        if reasons:
            return "withheld", reasons[0]
        try:
            async with session.get(url, allow_redirects=False) as answer:
                return ("sent", "") if answer.ok and answer.status < 300 else ("failed", f"status {answer.status}")
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            return "failed", type(error).__name__  # what the error itself says may hold the address

    def _doubts(self) -> list[str]:
        stale = self._settings.gap_after.total_seconds()
        return unready(self._source, self._table) + [
            f"partition {number}: completeness stands still"
            for number, partition in sorted(self._table.partitions.items())
            if partition.stood_still() > stale
        ]

    def _say(self, result: str, why: str) -> None:
        """A line for each change; how often it goes on so is in the metrics."""
        if result == self._last:
            return
        self._last = result
        if result == "sent":
            log.info("The heartbeat is heard again.")
        elif result == "withheld":
            log.warning("The heartbeat is withheld: %s.", why)
        else:
            log.warning("The heartbeat was not heard (%s): look at MELDINGSVAKT_HEARTBEAT_URL and the way to it.", why)
