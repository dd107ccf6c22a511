"""An audit's verdicts beside what was announced live: what was never said, what was said and is not so, what came late.

Every announced event has one line, and so has every event of the audit that was not announced, and every report of
which it cannot tell whether one had to be. Events are the same where their ids are: an id is made of the report, the
kind of event and the alarm time, or the decision. Missing events of one report are held against each other episode by
episode.
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

REPORTS, EVENTS = "reports.parquet", "events.parquet"
MEMORY = "2GB"
LINES_AT_ONCE = 10_000

Category = Literal[
    "lost",  # the audit has a missing event of an episode that was never announced
    "phantom",  # announced missing, but the audit says stored, pending or unproven, or has fewer episodes
    "differs",  # announced for another alarm time, so under another id; or closed with another outcome
    "late",  # announced, but later after the alarm time than allowed
    "missing_recovered",  # found again, which was never announced
    "phantom_recovered",  # announced as found again, which the audit does not say
    "missing_decision",  # closed or reopened, which was never announced
    "phantom_decision",  # announced as closed or reopened, which the audit does not say
    "not_comparable",  # the audit cannot tell (announced or not), does not know the report, or ends before
    "agree",
]
CATEGORIES: tuple[Category, ...] = get_args(Category)
WRONG: frozenset[Category] = frozenset(CATEGORIES) - {"late", "not_comparable", "agree"}
# The statements below have the parameters `late` (microseconds), `until`, where the audit ends (null where the result
# does not tell it), `decisions_since`, from when on it knows all decisions (null where it does not), and
# `decisions_until`, before when (null where it knows all that there are). `said` is a category and, behind a blank,
# why. A report has at most one line in `ours`; every line in `theirs` comes out once.
NEEDED = (
    "report_id", "status", "untold", "municipality_today", "alarm_at", "missing_event_id", "policy_version",
    "by_event_time",
)  # fmt: skip
NEEDED_EVENTS = (
    "event", "event_id", "report_id", "missing_event_id", "episode", "at", "outcome", "decision_id",
)  # fmt: skip
COLUMNS = (
    "category", "event", "report_id", "municipality", "episode", "alarm_at", "announced_at", "seconds_late",
    "missing_event_id", "announced_event_id", "outcome", "why",
)  # fmt: skip

# What the audit holds of reports that are due or were announced, or of which it cannot tell: however many reports there
# are, these are few.
OURS = """
    CREATE TABLE ours AS
    SELECT report_id, status, untold, municipality_today AS municipality, alarm_at, policy_version, by_event_time,
        CASE WHEN status IN ('missing', 'recovered') THEN missing_event_id END AS missing_event_id
    FROM read_parquet($file)
    WHERE status IN ('missing', 'recovered', 'undetermined', 'erased') OR untold IS NOT NULL
        OR report_id IN (SELECT report_id FROM given)
"""
_LISTED = ", ".join(f'"{name}"' for name in NEEDED_EVENTS)
OUR_EVENTS = f"CREATE TABLE events AS SELECT {_LISTED} FROM read_parquet($file)"
# Announcements several times with one id counts once, and the first time.
THEIRS = """
    CREATE TABLE theirs AS
    SELECT event_id, any_value(event) AS event, any_value(missing_event_id) AS missing_event_id,
        any_value(report_id) AS report_id, any_value("at") AS "at", any_value(policy_version) AS policy_version,
        any_value(episode) AS episode, any_value(outcome) AS outcome, min(recorded) AS recorded
    FROM given GROUP BY event_id
"""
# What was announced of an episode, and what the audit has of it.
_ANNOUNCED_MISSING = """
    SELECT CASE
            WHEN o.report_id IS NULL THEN 'not_comparable not_in_audit'
            WHEN same.event_id IS NOT NULL AND t.recorded > t."at" + to_microseconds($late) THEN 'late'
            WHEN same.event_id IS NOT NULL THEN 'agree'
            WHEN its.event_id IS NOT NULL AND o.policy_version IS DISTINCT FROM t.policy_version
                THEN 'differs policy_version'
            WHEN its.event_id IS NOT NULL THEN if(o.by_event_time, 'differs by_event_time', 'differs alarm_at')
            WHEN o.status = 'pending' AND (t."at" = o.alarm_at OR t."at" >= $until) THEN 'not_comparable ends_earlier'
            WHEN o.untold IS NOT NULL THEN 'not_comparable ' || o.untold
            WHEN o.status IN ('stored', 'pending', 'unproven') THEN 'phantom ' || o.status
            WHEN o.status IN ('missing', 'recovered') AND t."at" >= $until THEN 'not_comparable ends_earlier'
            WHEN o.status IN ('missing', 'recovered') THEN 'phantom episode'
            ELSE 'not_comparable ' || o.status
        END AS said,
        t.event, t.report_id, o.municipality, t.episode, t."at" AS alarm_at, t.recorded,
        coalesce(same.event_id, its.event_id, o.missing_event_id) AS missing_event_id, t.event_id, NULL AS outcome
    FROM theirs t LEFT JOIN ours o USING (report_id) LEFT JOIN events same ON same.event_id = t.event_id
        LEFT JOIN events its ON its.event = 'missing' AND its.report_id = t.report_id AND its.episode = t.episode
    WHERE t.event = 'missing'
"""
_NEVER_ANNOUNCED = """
    SELECT 'lost ' || o.status, e.event, e.report_id, o.municipality, e.episode, e."at", NULL, e.event_id, NULL, NULL
    FROM events e JOIN ours o USING (report_id) WHERE e.event = 'missing' AND NOT EXISTS (
        FROM theirs t WHERE t.event = 'missing' AND t.report_id = e.report_id AND t.episode = e.episode)
"""
# An id tells the report, the kind of event and the alarm time: where the missing events are the same, so are these.
_ANNOUNCED_RECOVERED = """
    SELECT CASE
            WHEN o.report_id IS NULL THEN 'not_comparable not_in_audit'
            WHEN o.status = 'recovered' THEN if(o.missing_event_id = t.missing_event_id, 'agree', 'differs alarm_at')
            WHEN o.status IN ('missing', 'pending') AND t."at" >= $until THEN 'not_comparable ends_earlier'
            WHEN o.status = 'pending' AND t."at" >= o.alarm_at THEN 'not_comparable ends_earlier'
            WHEN o.untold IS NOT NULL THEN 'not_comparable ' || o.untold
            WHEN o.status IN ('missing', 'stored', 'pending', 'unproven') THEN 'phantom_recovered ' || o.status
            ELSE 'not_comparable ' || o.status
        END,
        t.event, t.report_id, o.municipality, t.episode, o.alarm_at, t.recorded, o.missing_event_id, t.event_id, NULL
    FROM theirs t LEFT JOIN ours o USING (report_id)
    WHERE t.event = 'recovered'
"""
# Only where the missing event was announced as the audit has it: else that it was not is said already.
_NEVER_RECOVERED = """
    SELECT 'missing_recovered', 'recovered', o.report_id, o.municipality, NULL, o.alarm_at, NULL, o.missing_event_id,
        NULL, NULL
    FROM ours o SEMI JOIN theirs m ON m.event_id = o.missing_event_id
        ANTI JOIN (SELECT report_id FROM theirs WHERE event = 'recovered') t ON t.report_id = o.report_id
    WHERE o.status = 'recovered'
"""
# The same decision: by its id, or where a list gave it none by what it says of which alarm.
_SAME = """e.event = t.event AND e.outcome IS NOT DISTINCT FROM t.outcome
    AND (e.event_id = t.event_id OR (e.decision_id IS NULL AND e.missing_event_id = t.missing_event_id))"""
_ANNOUNCED_DECISIONS = f"""
    SELECT CASE
            WHEN o.report_id IS NULL THEN 'not_comparable not_in_audit'
            WHEN o.status IN ('undetermined', 'unexpected', 'erased') OR o.untold IS NOT NULL
                THEN 'not_comparable ' || coalesce(o.untold, o.status)
            WHEN EXISTS (FROM events e WHERE {_SAME}) THEN 'agree'
            WHEN o.status IN ('missing', 'recovered') AND t."at" >= $decisions_until
                THEN 'not_comparable decisions_not_read'
            WHEN t.event = 'closed' AND EXISTS (FROM events e WHERE e.event = 'closed'
                AND e.missing_event_id = t.missing_event_id AND e.outcome <> t.outcome) THEN 'differs outcome'
            WHEN t."at" >= $until OR (o.status = 'pending' AND t."at" >= o.alarm_at) THEN 'not_comparable ends_earlier'
            WHEN o.status IN ('missing', 'recovered')
                AND NOT EXISTS (FROM events e WHERE e.event_id = t.missing_event_id) THEN 'differs alarm_at'
            WHEN o.status IN ('missing', 'recovered') AND coalesce(t."at" < $decisions_since, TRUE)
                THEN 'not_comparable decisions_not_read'
            ELSE 'phantom_decision ' || o.status
        END,
        t.event, t.report_id, o.municipality, t.episode, o.alarm_at, t.recorded, t.missing_event_id, t.event_id,
        t.outcome
    FROM theirs t LEFT JOIN ours o USING (report_id)
    WHERE t.event IN ('closed', 'reopened')
"""
_NEVER_DECIDED = f"""
    SELECT if(coalesce(e."at" >= $decisions_until, FALSE), 'not_comparable decisions_not_read', 'missing_decision'),
        e.event, e.report_id, o.municipality, e.episode, o.alarm_at, NULL, e.missing_event_id, NULL, e.outcome
    FROM events e JOIN ours o USING (report_id) SEMI JOIN theirs m ON m.event_id = e.missing_event_id
    WHERE e.event IN ('closed', 'reopened') AND NOT EXISTS (FROM theirs t WHERE {_SAME})
"""
# Nobody knows whether these had to be announced.
_NEVER_TOLD = """
    SELECT 'not_comparable ' || coalesce(o.untold, o.status), NULL, o.report_id, o.municipality, NULL, o.alarm_at, NULL,
        NULL, NULL, NULL
    FROM ours o ANTI JOIN theirs t USING (report_id)
    WHERE o.status IN ('undetermined', 'erased') OR o.untold IS NOT NULL
"""
LINES = f"""
    CREATE TABLE lines AS
    SELECT split_part(said, ' ', 1) AS category, event, report_id, municipality, episode, alarm_at,
        recorded AS announced_at,
        if(event = 'missing', (epoch_us(recorded) - epoch_us(alarm_at)) // 1000000, NULL) AS seconds_late,
        missing_event_id, event_id AS announced_event_id, outcome, nullif(split_part(said, ' ', 2), '') AS why
    FROM ({_ANNOUNCED_MISSING} UNION ALL {_NEVER_ANNOUNCED} UNION ALL {_ANNOUNCED_RECOVERED}
        UNION ALL {_NEVER_RECOVERED} UNION ALL {_ANNOUNCED_DECISIONS} UNION ALL {_NEVER_DECIDED}
        UNION ALL {_NEVER_TOLD})
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
    file, events = str(result / REPORTS), str(result / EVENTS)
    with TemporaryDirectory() as spill, duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": spill}) as own:
        own.execute("SET GLOBAL TimeZone = 'UTC'")
        try:
            own.execute(f"SELECT {', '.join(NEEDED)} FROM read_parquet($file) LIMIT 0", {"file": file}).fetchall()
            own.execute(OUR_EVENTS, {"file": events})
            times = {name: _told(own, file, name) for name in ("until", "decisions_since", "decisions_until")}
        except duckdb.Error:
            raise ConfigurationError(
                f"{result} holds no result that can be compared (no whole {REPORTS} and {EVENTS}): name the folder "
                "that `meldingsvakt audit` wrote."
            ) from None
        own.register("given", announced.table)
        own.execute(THEIRS)
        own.execute(OURS, {"file": file})
        late_us = late // timedelta(microseconds=1)
        own.execute(LINES, {"late": late_us} | times)
        yield Diff(own, announced.whole)


def _told(connection: duckdb.DuckDBPyConnection, file: str, name: str) -> datetime | None:
    """A time that an audit's file tells of itself; None where it does not."""
    query = "SELECT decode(value) FROM parquet_kv_metadata($file) WHERE decode(key) = $name"
    found = connection.execute(query, {"file": file, "name": name}).fetchall()
    return datetime.fromisoformat(found[0][0]) if found else None
