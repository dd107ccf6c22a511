"""The peer: Quix Streams over sent and stored, in one of its two ways that come near the job.

Arguments: the way, bootstrap, application id, sent, stored and output topic, deadline in ms, and the settings as JSON.
"""

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from quixstreams import Application
from quixstreams.state.rocksdb import RocksDBOptions

MATCHED = ""
SENT, STORED = 1, 2


def interval(sent: Any, stored: Any, deadline: timedelta) -> Any:
    """Its own left join; values stay text, so that nothing is spent on reading JSON."""
    joined = sent.join_interval(
        stored,
        how="left",
        on_merge=lambda left, right: left if right is None else MATCHED,
        grace_ms=deadline,
        backward_ms=deadline,
        forward_ms=deadline,
    )
    return joined.filter(lambda value: value != MATCHED)


def sessions(sent: Any, stored: Any, deadline: timedelta) -> Any:
    """Session windows over both: what is over and has seen no stored is missing."""
    both = sent.apply(lambda _: SENT).concat(stored.apply(lambda _: STORED))
    window = both.session_window(inactivity_gap_ms=deadline, grace_ms=0).max()
    over = window.final(closing_strategy="partition")
    return over.filter(lambda one: one["value"] == SENT).apply(lambda _: "missing")


WAYS: dict[str, Callable[[Any, Any, timedelta], Any]] = {"interval": interval, "sessions": sessions}


def main(arguments: list[str]) -> None:
    """Run until the process is ended."""
    way, bootstrap, app_id, sent, stored, missing, deadline_ms, told = arguments
    settings: dict[str, Any] = json.loads(told)
    rocksdb = RocksDBOptions(**settings.pop("rocksdb_options"))
    app = Application(
        broker_address=bootstrap,
        consumer_group=app_id,
        auto_offset_reset="earliest",
        state_dir="state",
        loglevel="WARNING",
        rocksdb_options=rocksdb,
        **settings,
    )
    text = {"key_deserializer": "bytes", "value_deserializer": "str"}
    left, right = (app.dataframe(app.topic(name, **text)) for name in (sent, stored))
    output = app.topic(missing, key_serializer="bytes", value_serializer="str")
    WAYS[way](left, right, timedelta(milliseconds=int(deadline_ms))).to_topic(output)
    app.run()


if __name__ == "__main__":
    main(sys.argv[1:])
