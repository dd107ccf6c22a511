"""`meldingsvakt broker`: a Kafka that runs until it is stopped."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from streams.broker.cluster import EmbeddedKafka
from streams.errors import BrokerUnavailable, why_unwritable

ALIVE_LOOK_SECONDS = 0.5
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_broker(nodes: int, port: int, directory: Path | None) -> None:
    """Start Kafka, print `ready BOOTSTRAP`, and stop it in order on Ctrl-C or SIGTERM.

    For the main thread only. Raises BrokerUnavailable if Kafka does not start, or ends by itself later.
    """
    try:
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BrokerUnavailable(
            f"Kafka's data cannot be kept in {directory} ({why_unwritable(error)}): name a folder that is yours."
        ) from None
    with _until_signal(), EmbeddedKafka(nodes, port=port, directory=directory) as kafka:
        print(f"ready {kafka.bootstrap}", flush=True)
        while True:
            time.sleep(ALIVE_LOOK_SECONDS)
            kafka.ensure_alive()


@contextmanager
def _until_signal() -> Iterator[None]:
    """Leave the block at the first stop signal, wherever it is: a download that has just begun stops, too."""
    before = {number: signal.signal(number, _leave) for number in STOPPING}
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not interrupt the orderly end
    raise KeyboardInterrupt
