"""`python -m tests.system.faults.launch ORDERS COMMAND...`: the commands, with something done to the process.

ORDERS is JSON, any of: `clock` (seconds off; `jump_every`: seconds between jumps), `kill` or `sleep` (SIGKILL or
SIGSTOP at a step of the commit, of the restore or of a rebalance, and at which time), `codec` (one that is missing),
`sabotage` (a way to break the engine, in `tests.system.faults.sabotage`), `slow_restore` (seconds a restore takes
longer), `keep` (seconds that rows are kept: fewer than a setting may say).
The engine knows nothing of it.
"""

import asyncio
import functools
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

STEPS = ("before_produce", "after_produce", "before_commit", "after_commit", "during_restore", "during_rebalance")


def _skew(clock: dict[str, float]) -> None:
    """The wall clock is off, and may jump: to and fro by that much, every so many seconds."""
    import datetime

    offset, every = clock["offset"], clock.get("jump_every", 0.0)
    real_time, real_time_ns, began = time.time, time.time_ns, time.monotonic()

    def off() -> float:
        if not every:
            return offset
        number = int((time.monotonic() - began) / every)
        return (0.0, offset, -offset)[number % 3]

    from streams.engine import rows  # noqa: F401 - what compiles its types wants the real class
    from streams.records import state  # noqa: F401 - the same

    real = datetime.datetime

    class Time(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real)

    class Skewed(datetime.datetime, metaclass=Time):
        """Only its clock is another one: its times are real ones."""

        def __new__(cls, *args: Any, **kwargs: Any) -> "Skewed":
            return real(*args, **kwargs)  # type: ignore[return-value]

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> "Skewed":
            return cls.fromtimestamp(real_time() + off(), tz)

    time.time = lambda: real_time() + off()
    time.time_ns = lambda: real_time_ns() + int(off() * 1e9)
    datetime.datetime = Skewed  # type: ignore[misc]


def _die() -> None:
    sys.__stderr__.write("fault: killed on purpose\n")  # type: ignore[union-attr]
    sys.__stderr__.flush()  # type: ignore[union-attr]
    os.kill(os.getpid(), signal.SIGKILL)


def _sleep() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


class _Countdown:
    """Does something at the n-th time that it is told of, once."""

    def __init__(self, times: int, action: Callable[[], None]) -> None:
        self._left, self._action = times, action

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._action()


def _at(step: str, times: int, action: Callable[[], None]) -> None:
    """Do something at a step. Commits are counted that carry an announcement: the others prove less."""
    from streams.engine import snapshot, source
    from streams.kafka import transaction

    kill = _Countdown(times, action)
    if step == "during_restore":
        _wrap_sync(snapshot.Restored, "take", before=kill)
        return
    if step == "during_rebalance":
        _wrap(source.Source, "give_up", before=kill)
        _wrap_sync(source.Source, "take_over", after=kill)
        return
    whole = transaction.Transactions.commit

    async def commit(self: Any, writes: Any) -> None:
        announces = any(write.topic.endswith(".missing") for write in writes.records)
        now = kill if announces else _nothing
        if step == "before_produce":
            now()
        append, finish = self._append, self._producer.commit_transaction

        async def appended(records: Any) -> None:
            await append(records)
            if step == "after_produce":
                now()

        async def finished() -> None:
            if step == "before_commit":
                now()
            await finish()
            if step == "after_commit":
                now()

        self._append, self._producer.commit_transaction = appended, finished
        try:
            await whole(self, writes)
        finally:
            self._append, self._producer.commit_transaction = append, finish

    transaction.Transactions.commit = commit  # type: ignore[method-assign]


def _nothing() -> None:
    """Not this time."""


def _wrap(owner: Any, name: str, before: Callable[[], None]) -> None:
    whole = getattr(owner, name)

    @functools.wraps(whole)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        before()
        return await whole(*args, **kwargs)

    setattr(owner, name, wrapped)


def _wrap_sync(
    owner: Any, name: str, before: Callable[[], None] = _nothing, after: Callable[[], None] = _nothing
) -> None:
    whole = getattr(owner, name)

    @functools.wraps(whole)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        before()
        result = whole(*args, **kwargs)
        after()
        return result

    setattr(owner, name, wrapped)


def _forget_codec(name: str) -> None:
    """The library of one compression codec was not installed."""
    import aiokafka.codec

    setattr(aiokafka.codec, f"has_{name}", lambda: False)


def _slow_restore(seconds: float) -> None:
    """Restores take that much longer, spread over their reading."""
    from streams.engine import restore

    whole = restore.Restorer._read

    async def read(self: Any, *args: Any) -> Any:
        await asyncio.sleep(seconds)
        return await whole(self, *args)

    restore.Restorer._read = read  # type: ignore[method-assign,assignment]


def _keep(seconds: float) -> None:
    """Rows are kept for seconds only, and nobody minds that the inputs are kept for longer."""
    import datetime

    from streams import settings
    from streams.kafka import topics

    whole = settings.load_settings

    def load_settings() -> Any:
        kafka, usual = whole()
        return kafka, usual.model_copy(update={"keep": datetime.timedelta(seconds=seconds)})

    settings.load_settings = load_settings
    topics.ensure_retention = lambda settings, configs: None  # type: ignore[attr-defined]


def obey(orders: dict[str, Any]) -> None:
    """Change this process as told, before the application is imported where that matters."""
    if "clock" in orders:
        _skew(orders["clock"])
    if "codec" in orders:
        _forget_codec(orders["codec"])
    if "kill" in orders:
        _at(orders["kill"]["at"], orders["kill"]["after"], _die)
    if "sleep" in orders:
        _at(orders["sleep"]["at"], orders["sleep"]["after"], _sleep)
    if "slow_restore" in orders:
        _slow_restore(orders["slow_restore"])
    if "keep" in orders:
        _keep(orders["keep"])
    if "sabotage" in orders:
        from tests.system.faults.sabotage import SABOTAGES

        SABOTAGES[orders["sabotage"]]()
    random.seed(orders.get("seed"))


if __name__ == "__main__":
    obey(json.loads(sys.argv[1]))
    from streams.cli import main

    sys.argv = ["meldingsvakt", *sys.argv[2:]]
    main()
