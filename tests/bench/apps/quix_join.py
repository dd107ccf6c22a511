"""The peer: Quix Streams' own left join of sent and stored; what it gives unmatched is announced.

Arguments: bootstrap, application id, sent, stored and output topic, deadline in ms, and the settings as JSON.
"""

import json
import sys
from datetime import timedelta
from typing import Any

from quixstreams import Application
from quixstreams.state.rocksdb import RocksDBOptions

MATCHED = ""


def main(arguments: list[str]) -> None:
    """Run until the process is ended. Values stay text, so that nothing is spent on reading JSON."""
    bootstrap, app_id, sent, stored, missing, deadline_ms, told = arguments
    settings: dict[str, Any] = json.loads(told)
    rocksdb = RocksDBOptions(**settings.pop("rocksdb_options"))
    app = Application(
        broker_address=bootstrap,
        consumer_group=app_id,
        auto_offset_reset="earliest",
        state_dir="state",
        loglevel="WARNING",
        auto_create_topics=True,
        rocksdb_options=rocksdb,
        **settings,
    )
    deadline = timedelta(milliseconds=int(deadline_ms))
    text = {"key_deserializer": "bytes", "value_deserializer": "str"}
    left, right = (app.dataframe(app.topic(name, **text)) for name in (sent, stored))
    joined = left.join_interval(
        right,
        how="left",
        on_merge=lambda one, other: one if other is None else MATCHED,
        grace_ms=deadline,
        backward_ms=deadline,
        forward_ms=deadline,
    )
    output = app.topic(missing, key_serializer="bytes", value_serializer="str")
    joined.filter(lambda value: value != MATCHED).to_topic(output)
    app.run()


if __name__ == "__main__":
    main(sys.argv[1:])
