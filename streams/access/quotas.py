"""What one may take of what all need: requests within a minute, and turns at what is dear."""

import time
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from streams.problems import Problem

MINUTE_SECONDS = 60.0
MOST_KNOWN = 10_000  # who has asked lately; one more forgets the one who did longest ago


class Shares:
    """Who has asked how often within the last minute. It waits for nothing, so that nobody has to wait in it."""

    def __init__(self, amount: int) -> None:
        self.amount = amount
        self._asked: OrderedDict[str, deque[float]] = OrderedDict()

    def take(self, who: str) -> None:
        """One request more. Raises Problem where that is too many."""
        now = time.monotonic()
        times = self._asked.setdefault(who, deque())
        self._asked.move_to_end(who)
        if len(self._asked) > MOST_KNOWN:
            self._asked.popitem(last=False)
        while times and now - times[0] > MINUTE_SECONDS:
            times.popleft()
        if len(times) >= self.amount:
            raise Problem(
                "too-many-requests",
                f"More than {self.amount} requests came within a minute: wait one, and ask for files instead.",
                status=HTTPStatus.TOO_MANY_REQUESTS,
            )
        times.append(now)


class Turns:
    """Who runs something dear, or waits to: so many in all, and so many of one."""

    def __init__(self, most: int, of_one: int, what: str) -> None:
        """`what` goes on there, in words."""
        self._most, self._of_one, self._what = most, of_one, what
        self._of: Counter[str | None] = Counter()

    @contextmanager
    def turn(self, who: str | None) -> Iterator[None]:
        """While it runs or waits. Raises Problem where there are too many; nobody (None) has no share of their own."""
        if self._of.total() >= self._most or (who is not None and self._of[who] >= self._of_one):
            raise Problem(
                f"too-many-{self._what}",
                f"There are too many {self._what} at the same time: try again when some have ended.",
                status=HTTPStatus.TOO_MANY_REQUESTS,
            )
        self._of[who] += 1
        try:
            yield
        finally:
            self._of[who] -= 1
            if not self._of[who]:
                del self._of[who]
