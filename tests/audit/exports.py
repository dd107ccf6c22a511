"""The demo's three years as exported files, and small exports line by line."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from streams.simulation.incident import Virtual, virtual
from streams.simulation.script import ScriptLine

REPORTS = 1_500
TOPICS = ("sent", "receipt", "stored")


@cache
def incident() -> Virtual:
    """The three years, with few reports in the background; all that were lost are in it."""
    return virtual(REPORTS, 2020)


def of_topic(topic: str) -> list[ScriptLine]:
    """The incident's records on one topic."""
    return [line for line in incident().lines if line.topic == topic]


def flat(line: ScriptLine) -> dict[str, Any]:
    """A record in our own flat columns, as the systems themselves export it: nobody knows when it arrived."""
    receiver: dict[str, Any] = line.value.get("receiver", {})
    return {name: value for name, value in line.value.items() if name != "receiver"} | receiver


def write(folder: Path, suffix: str, topics: Iterable[str] = TOPICS) -> dict[str, Path]:
    """The incident as one file a topic, with the simulation's own lines as NDJSON, or flat as CSV or Parquet."""
    files = {}
    for topic in topics:
        files[topic] = path = folder / f"{topic}.{suffix}"
        lines = of_topic(topic)
        if suffix == "ndjson":
            path.write_bytes(b"".join(line.encoded() for line in lines))
            continue
        table = pa.Table.from_pylist(rows := [flat(line) for line in lines], pa.schema(_columns(rows)))
        if suffix == "csv":
            pyarrow.csv.write_csv(table, path)
        else:
            pyarrow.parquet.write_table(table, path)
    return files


def _columns(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, pa.DataType]]:
    names = dict.fromkeys(name for row in rows for name in row)
    return [(name, pa.string()) for name in names]


def ndjson(path: Path, *lines: Mapping[str, Any]) -> Path:
    """A small export."""
    path.write_bytes(b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines))
    return path
