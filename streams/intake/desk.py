"""The intake at work: what it writes by, what it looks things up in, and who may do what."""

import asyncio
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, NamedTuple

from streams.access.grants import Grants
from streams.access.quotas import Turns
from streams.access.scope import ReceiverScope
from streams.access.tokens import Visitor
from streams.intake.feed_marks import NotDelivered
from streams.intake.follower import Follower, Heard
from streams.intake.lists import ListSizes
from streams.intake.metrics import Written
from streams.intake.writer import Writer
from streams.problems import Problem
from streams.settings import KafkaSettings, Settings

LISTS, LISTS_OF_ONE = 4, 2  # that are read at the same time


class IntakeDesk:
    """One intake."""

    def __init__(self, kafka: KafkaSettings, settings: Settings) -> None:
        self.settings = settings
        self.told = Written()
        self.writer = Writer(kafka, settings, self.told)
        self.follower = Follower(kafka, settings)
        self.not_delivered = NotDelivered()
        self.list_sizes = ListSizes()
        self.lists = Turns(LISTS, LISTS_OF_ONE, "lists")
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def trouble(self) -> str | None:
        """Why it is not ready; None if it is."""
        return self.writer.trouble or self.follower.trouble

    def heard(self) -> Heard:
        """What the checker says. Raises Problem while it has not been read."""
        if self.follower.heard is None:
            raise _not_read_yet()
        return self.follower.heard

    def current(self) -> Heard:
        """Likewise, and as new as the topics. Raises Problem while these cannot be read, or are read once more.

        By an old copy a message is unknown for a day, or told to be of one report where it is of two by now.
        """
        if self.follower.trouble is not None:
            raise _not_read_yet()
        return self.heard()

    def start(self, failed: Callable[[BaseException], None]) -> None:
        """Begin to write and read; `failed` is told what makes it impossible to go on."""

        def ended(task: "asyncio.Task[None]") -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                failed(error)

        work: list[Coroutine[Any, Any, None]] = [self.writer.run(), self.follower.run()]
        for one in work:
            task = asyncio.create_task(one)
            task.add_done_callback(ended)
            self._tasks.append(task)

    async def stop(self) -> None:
        """Disconnect."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _not_read_yet() -> Problem:
    return Problem(
        "not-read-yet",
        "What the checker knows has not been read yet: try again in a moment.",
        status=HTTPStatus.SERVICE_UNAVAILABLE,
    )


class Caller(NamedTuple):
    """Who is at the door; `visitor` is None where nobody is asked."""

    desk: IntakeDesk
    grants: Grants
    visitor: Visitor | None

    def ensure_scope(self, name: str) -> None:
        """Raise Problem unless the token has the scope."""
        scope = self.grants.settings.view_scopes + name
        if self.visitor is not None and scope not in self.visitor.scopes:
            raise Problem(
                "no-scope",
                f"The token has no scope for this: ask the issuer for {scope}.",
                status=HTTPStatus.FORBIDDEN,
            )

    def own(self) -> frozenset[ReceiverScope] | None:
        """Whose proofs may be delivered; None for everybody's. Raises Problem where nobody's."""
        return None if self.visitor is None else self.grants.receivers(self.visitor)

    def ensure_feed(self, feed: str) -> None:
        """Raise Problem where it is another's feed: who vouches for it decides when its receivers are alarmed."""
        if self.visitor is not None and feed not in self.grants.feeds(self.visitor):
            raise Problem(
                "not-your-feed",
                "The organisation that the token acts for has no feed of this name: ask who runs this to add it to its "
                "feeds, or correct the name.",
                "feed",
                status=HTTPStatus.FORBIDDEN,
            )
