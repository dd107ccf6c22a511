"""`python -m tests.programs.bench.audit [--reports N ...] [--format parquet]`: time and memory of an audit.

Three exported files with 2.5 facts a report are made (sent, receipts, stored: some late, some twice, some resent, some
for another receiver, some never), and audited by the command as anybody would run it; the clock runs from its start to
its end, memory is that of all its processes together.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import duckdb
import orjson

from streams.audit.load.irregular import EVENT_TIME
from streams.data import municipalities
from tests.programs.bench.figures import table
from tests.programs.bench.ground import machine, say
from tests.programs.bench.measure import sample

SIZES = (100_000, 1_000_000, 10_000_000)
_BASE = """
CREATE TABLE base AS SELECT CAST(uuid() AS VARCHAR) AS report_id, CAST(uuid() AS VARCHAR) AS message_id,
    make_timestamptz(1598918400000000 + CAST(random() * 9.9e13 AS BIGINT)) AS moment,
    1 + CAST(floor(random() * codes) AS INTEGER) AS place, random() AS fate, random() AS habit, random() AS lag
FROM range(?), (SELECT count(*) AS codes FROM codes)
"""
_SENT = """
SELECT report_id, message_id, moment AS sent_at, code AS municipality, 'FIKS_IO' AS channel,
    ['VISMA_FAMILIA', 'VISMA_FLYT_BARNEVERN', 'NETCOMPANY_MODULUS_BARN'][1 + place % 3] AS case_system,
    concat(4 + place % 3, '.', place % 7) AS case_system_version,
    ['PRIVAT', 'OFFENTLIG'][1 + CAST(habit * 100 AS INTEGER) % 2] AS form
FROM base JOIN codes USING (place)
"""
_FILES = {
    "sent": f"""
        {_SENT} UNION ALL BY NAME ({_SENT} WHERE habit BETWEEN 0.02 AND 0.05) UNION ALL BY NAME (
            SELECT * REPLACE (message_id || '-2' AS message_id, sent_at + INTERVAL 10 MINUTE AS sent_at)
            FROM ({_SENT} WHERE habit < 0.02)
        )
    """,
    "receipt": """
        SELECT report_id, message_id, 'MOTTATT' AS receipt, moment + INTERVAL 5 SECOND AS received_at
        FROM base WHERE fate < 0.4485
    """,
    "stored": """
        SELECT report_id, 'READ_BACK' AS evidence, code AS municipality,
            moment + CASE WHEN fate < 0.99 THEN INTERVAL 1 SECOND * (lag * 3600) ELSE INTERVAL 9 HOUR END AS stored_at
        FROM base JOIN codes USING (place) WHERE fate < 0.9985
        UNION ALL BY NAME
        SELECT report_id, 'READ_BACK' AS evidence, '0301' AS municipality, moment + INTERVAL 1 MINUTE AS stored_at
        FROM base WHERE fate > 0.9995
    """,
}
_TO = {"parquet": "FORMAT parquet", "csv": "FORMAT csv, HEADER", "ndjson": "FORMAT json"}


class Taken(NamedTuple):
    """One audit. `peak_bytes`: resident in all its processes at once, at the highest."""

    seconds: float
    peak_bytes: int
    sent: int
    missing: int


def main() -> None:
    """Measure each size and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.programs.bench.audit", description=__doc__)
    parser.add_argument(
        "--reports", type=int, nargs="+", default=SIZES, help="how many reports (100000 1000000 10000000)"
    )
    parser.add_argument("--format", nargs="+", choices=_TO, default=["parquet"], help="parquet, csv or ndjson")
    asked = parser.parse_args()
    say(machine())
    rows = []
    for suffix in asked.format:
        for reports in asked.reports:
            with (
                tempfile.TemporaryDirectory(prefix="meldingsvakt-bench-") as folder,
                _exported(Path(folder), reports, suffix) as facts,
            ):
                taken = _audit(Path(folder), suffix)
            say(f"{suffix}, {reports:,} reports: {taken.seconds:.1f} s, {taken.peak_bytes / 1e9:.2f} GB")
            rows.append((
                suffix, f"{taken.sent:,}", f"{facts:,}", f"{taken.seconds:.1f}", f"{facts / taken.seconds:,.0f}",
                f"{taken.peak_bytes / 1e9:.2f}", f"{taken.missing:,}",
            ))  # fmt: skip
    print(table(("format", "reports", "facts", "s", "facts/s", "peak memory, GB", "missing"), rows))


@contextmanager
def _exported(folder: Path, reports: int, suffix: str) -> Iterator[int]:
    """The files; gives the number of facts in them."""
    codes = [one.code for one in municipalities() if one.valid_to is None]
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; SELECT setseed(0.5)")
        connection.execute(
            "CREATE TABLE codes AS SELECT unnest(?) AS code, generate_subscripts(?, 1) AS place", [codes, codes]
        )
        connection.execute(_BASE, [reports])
        facts = 0
        for kind, query in _FILES.items():
            path = folder / f"{kind}.{suffix}"
            text = query if suffix == "parquet" else _written(query, EVENT_TIME[kind])
            facts += connection.execute(f"COPY ({text}) TO '{path}' ({_TO[suffix]})").fetchall()[0][0]
    yield facts


def _written(query: str, time: str) -> str:
    """Times as text."""
    return f"SELECT * REPLACE (strftime({time}, '%Y-%m-%dT%H:%M:%S.%fZ') AS {time}) FROM ({query})"


def _audit(folder: Path, suffix: str) -> Taken:
    files = [part for kind in _FILES for part in (f"--{kind}", str(folder / f"{kind}.{suffix}"))]
    out = folder / "result"
    command = [sys.executable, "-m", "streams.cli", "audit", *files, "--all-receivers", "--out", str(out)]
    began, peak = time.monotonic(), 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, sample(process.pid).resident_bytes)
            time.sleep(0.1)
        seconds = time.monotonic() - began
        if process.returncode:
            raise SystemExit(f"The audit ended with {process.returncode}.")
    summary = orjson.loads((out / "summary.json").read_bytes())
    shutil.rmtree(out)
    return Taken(seconds, peak, summary["sent"], summary["terms"]["missing"])


if __name__ == "__main__":
    main()
