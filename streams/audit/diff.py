"""An audit's verdicts beside what was announced live: what was never said, what was said and is not so, what came late.

Every announced event has one line, and so has every missing event of the audit that was not announced, and every report
of which it cannot tell whether one had to be. Events are the
same where their ids are: an id is made of the report, the kind of event and the alarm time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args

import duckdb

from streams.audit.topics.announcements import Announcements
from streams.errors import ConfigurationError

REPORTS = "reports.parquet"
MEMORY = "2GB"
LINES_AT_ONCE = 10_000

Category = Literal[
    "lost",  # the audit says missing or recovered, and it was never announced
    "phantom",  # announced missing, but the audit says stored, pending or unproven
    "differs",  # announced for another alarm time, so under another id
    "late",  # announced, but later after the alarm time than allowed
    "missing_recovered",  # found again, which was never announced
    "phantom_recovered",  # announced as found again, which the audit does not say
    "not_comparable",  # the audit cannot tell (announced or not), does not know the report, or ends before
    "agree",
]
CATEGORIES: tuple[Category, ...] = get_args(Category)
WRONG: frozenset[Category] = frozenset({"lost", "phantom", "differs"})
# The statements below have the parameters `late` (microseconds) and `until`, where the audit ends: null where the
# result does not tell it. `said` is a category and, behind a blank, why. A report has at most one line in `ours`; every
# line in `theirs` comes out once.
NEEDED = (
    "report_id", "status", "untold", "municipality_today", "alarm_at", "missing_event_id", "policy_version",
    "by_event_time",
)  # fmt: skip
COLUMNS = (
    "category", "event", "report_id", "municipality", "alarm_at", "announced_at", "seconds_late", "missing_event_id",
    "announced_event_id", "why",
)  # fmt: skip

# What the audit holds of reports that are due or were announced, or of which it cannot tell: however many reports there
# are, these are few.
OURS = """
    CREATE TABLE ours AS
    SELECT report_id, status, untold, municipality_today AS municipality, alarm_at, policy_version, by_event_time,
        CASE WHEN status IN ('missing', 'recovered') THEN missing_event_id END AS missing_event_id
    FROM read_parquet($file)
    WHERE status IN ('missing', 'recovered', 'undetermined') OR report_id IN (SELECT report_id FROM given)
"""
# Announcements several times with one id counts once, and the first time.
THEIRS = """
    CREATE TABLE theirs AS
    SELECT event_id, any_value(event) AS event, any_value(missing_event_id) AS missing_event_id,
        any_value(report_id) AS report_id, any_value("at") AS "at", any_value(policy_version) AS policy_version,
        min(recorded) AS recorded
    FROM given GROUP BY event_id
"""
_ANNOUNCED_MISSING = """
    SELECT CASE
            WHEN o.report_id IS NULL THEN 'not_comparable not_in_audit'
            WHEN o.missing_event_id = t.event_id AND t.recorded > t."at" + to_microseconds($late) THEN 'late'
            WHEN o.missing_event_id = t.event_id THEN 'agree'
            WHEN o.missing_event_id IS NOT NULL AND o.policy_version IS DISTINCT FROM t.policy_version
                THEN 'differs policy_version'
            WHEN o.missing_event_id IS NOT NULL THEN if(o.by_event_time, 'differs by_event_time', 'differs alarm_at')
            WHEN o.status = 'pending' AND (t."at" = o.alarm_at OR t."at" >= $until) THEN 'not_comparable ends_earlier'
            WHEN o.status IN ('stored', 'pending', 'unproven') THEN 'phantom ' || o.status
            ELSE 'not_comparable ' || coalesce(o.untold, o.status)
        END AS said,
        t.event, t.report_id, o.municipality, t."at" AS alarm_at, t.recorded, o.missing_event_id, t.event_id
    FROM theirs t LEFT JOIN ours o USING (report_id)
    WHERE t.event = 'missing'
"""
_NEVER_ANNOUNCED = """
    SELECT 'lost ' || o.status, 'missing', o.report_id, o.municipality, o.alarm_at, NULL, o.missing_event_id, NULL
    FROM ours o ANTI JOIN (SELECT report_id FROM theirs WHERE event = 'missing') t USING (report_id)
    WHERE o.missing_event_id IS NOT NULL
"""
# An id tells the report, the kind of event and the alarm time: where the missing events are the same, so are these.
_ANNOUNCED_RECOVERED = """
    SELECT CASE
            WHEN o.report_id IS NULL THEN 'not_comparable not_in_audit'
            WHEN o.status = 'recovered' THEN if(o.missing_event_id = t.missing_event_id, 'agree', 'differs alarm_at')
            WHEN o.status IN ('missing', 'pending') AND t."at" >= $until THEN 'not_comparable ends_earlier'
            WHEN o.status = 'pending' AND t."at" >= o.alarm_at THEN 'not_comparable ends_earlier'
            WHEN o.status IN ('missing', 'stored', 'pending', 'unproven') THEN 'phantom_recovered ' || o.status
            ELSE 'not_comparable ' || coalesce(o.untold, o.status)
        END,
        t.event, t.report_id, o.municipality, o.alarm_at, t.recorded, o.missing_event_id, t.event_id
    FROM theirs t LEFT JOIN ours o USING (report_id)
    WHERE t.event = 'recovered'
"""
# Only where the missing event was announced as the audit has it: else that it was not is said already.
_NEVER_RECOVERED = """
    SELECT 'missing_recovered', 'recovered', o.report_id, o.municipality, o.alarm_at, NULL, o.missing_event_id, NULL
    FROM ours o SEMI JOIN theirs m ON m.event_id = o.missing_event_id
        ANTI JOIN (SELECT report_id FROM theirs WHERE event = 'recovered') t ON t.report_id = o.report_id
    WHERE o.status = 'recovered'
"""
# Nobody knows whether these had to be announced.
_NEVER_TOLD = """
    SELECT 'not_comparable ' || coalesce(o.untold, o.status), NULL, o.report_id, o.municipality, o.alarm_at, NULL, NULL,
        NULL
    FROM ours o ANTI JOIN theirs t USING (report_id) WHERE o.status = 'undetermined'
"""
LINES = f"""
    CREATE TABLE lines AS
    SELECT split_part(said, ' ', 1) AS category, event, report_id, municipality, alarm_at, recorded AS announced_at,
        if(event = 'missing', (epoch_us(recorded) - epoch_us(alarm_at)) // 1000000, NULL) AS seconds_late,
        missing_event_id, event_id AS announced_event_id, nullif(split_part(said, ' ', 2), '') AS why
    FROM ({_ANNOUNCED_MISSING} UNION ALL {_NEVER_ANNOUNCED} UNION ALL {_ANNOUNCED_RECOVERED}
        UNION ALL {_NEVER_RECOVERED} UNION ALL {_NEVER_TOLD})
"""
_TIME = "strftime({0}, '%Y-%m-%dT%H:%M:%S.%fZ') AS {0}"
_WRITTEN = ", ".join(_TIME.format(name) if name in ("alarm_at", "announced_at") else name for name in COLUMNS)
_ORDERED = "FROM lines WHERE category <> 'agree' ORDER BY list_position($categories, category), alarm_at, report_id"


class Diff:
    """The lines of a comparison. `untimed`: announced missing events of which nothing tells when they were announced.

    `whole`: no announcement was deleted before it could be compared.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, whole: bool) -> None:
        self._connection = connection
        self.whole = whole
        counted = dict(connection.execute("SELECT category, count(*) FROM lines GROUP BY ALL").fetchall())
        self.counts: dict[Category, int] = {category: counted.get(category, 0) for category in CATEGORIES}
        ((self.untimed,),) = connection.execute(
            "SELECT count(*) FROM lines WHERE category = 'agree' AND event = 'missing' AND announced_at IS NULL"
        ).fetchall()

    @property
    def wrong(self) -> bool:
        """True if something was not announced as the audit says it had to be."""
        return any(self.counts[category] for category in WRONG)

    @property
    def uncompared(self) -> bool:
        """True if something could not be compared: what an audit cannot tell, or nobody knows of an announcement."""
        return bool(self.counts["not_comparable"] or self.untimed or not self.whole)

    def lines(self) -> Iterator[dict[str, Any]]:
        """Every line that does not agree, the worst first; times as in every value."""
        with self._connection.cursor() as own:
            own.execute(f"SELECT {_WRITTEN} {_ORDERED}", {"categories": list(CATEGORIES)})
            while some := own.fetchmany(LINES_AT_ONCE):
                yield from (dict(zip(COLUMNS, line, strict=True)) for line in some)

    def write(self, file: Path) -> None:
        """The same as CSV with a column to comment in; whole or not at all. Raises ConfigurationError."""
        part = file.with_name(f".{file.name}.part")
        query = f"SELECT {_WRITTEN}, NULL AS comment {_ORDERED}"
        try:
            self._connection.sql(query, params={"categories": list(CATEGORIES)}).write_csv(str(part), header=True)
            part.replace(file)
        except (duckdb.IOException, OSError):
            part.unlink(missing_ok=True)
            raise ConfigurationError(f"{file} cannot be written: name a file in a folder that exists.") from None


@contextmanager
def compared(result: Path, announced: Announcements, late: timedelta) -> Iterator[Diff]:
    """Compare an audit's result (a folder) with announcements; `late`: how long after alarm_at they may come.

    Raises ConfigurationError where the folder holds no result.
    """
    file = str(result / REPORTS)
    with TemporaryDirectory() as spill, duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": spill}) as own:
        own.execute("SET GLOBAL TimeZone = 'UTC'")
        try:
            own.execute(f"SELECT {', '.join(NEEDED)} FROM read_parquet($file) LIMIT 0", {"file": file}).fetchall()
            until = _until(own, file)
        except duckdb.Error:
            raise ConfigurationError(
                f"{result} holds no result that can be compared (no whole {REPORTS}): name the folder that "
                "`meldingsvakt audit` wrote."
            ) from None
        own.register("given", announced.table)
        own.execute(THEIRS)
        own.execute(OURS, {"file": file})
        own.execute(LINES, {"late": late // timedelta(microseconds=1), "until": until})
        yield Diff(own, announced.whole)


def _until(connection: duckdb.DuckDBPyConnection, file: str) -> datetime | None:
    """Where the audit ends, if its file says so (`until`, among what a Parquet file tells of itself)."""
    query = "SELECT decode(value) FROM parquet_kv_metadata($file) WHERE decode(key) = 'until'"
    found = connection.execute(query, {"file": file}).fetchall()
    return datetime.fromisoformat(found[0][0]) if found else None
