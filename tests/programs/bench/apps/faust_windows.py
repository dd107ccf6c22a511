"""The peer: plain Faust as its manual shows it, a windowed table that two agents write, and `on_window_close`.

Arguments come from the environment, because Faust's own command line starts the worker.
"""

import json
import os
from typing import Any

import faust

SENT, STORED = 1, 2
settings = json.loads(os.environ["BENCH_FAUST"])
prefix, output = os.environ["BENCH_PREFIX"], os.environ["BENCH_OUTPUT"]
seconds = float(os.environ["BENCH_DEADLINE_SECONDS"])

app = faust.App(
    os.environ["BENCH_APP_ID"], broker=f"kafka://{os.environ['BENCH_BROKERS']}", autodiscover=False, **settings
)
sent_topic = app.topic(f"{prefix}sent", key_type=str, value_type=bytes, value_serializer="raw")
stored_topic = app.topic(f"{prefix}stored", key_type=str, value_type=bytes, value_serializer="raw")
missing_topic = app.topic(output, key_type=str, value_type=bytes, value_serializer="raw")


async def announce(key: Any, value: int) -> None:
    """A window is over: a sent without a stored is missing."""
    if value == SENT:
        await missing_topic.send(key=key[0], value=b"missing")


reports = app.Table("reports", default=int, on_window_close=announce).tumbling(seconds, expires=seconds)


@app.agent(sent_topic)  # type: ignore[untyped-decorator]
async def note_sent(stream: Any) -> None:
    """The left side."""
    async for key, _ in stream.items():
        reports[key] = reports[key].value() | SENT


@app.agent(stored_topic)  # type: ignore[untyped-decorator]
async def note_stored(stream: Any) -> None:
    """The right side."""
    async for key, _ in stream.items():
        reports[key] = reports[key].value() | STORED
