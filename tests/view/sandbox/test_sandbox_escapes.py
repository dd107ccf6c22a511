"""What must not get out of the sandbox: each attempt is refused, and has changed nothing."""

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.view.sandbox import QueryLimits, Refused, Sandbox, lock_down
from tests.examples import examples, first
from tests.view.sandbox.database import TABLES, Content, content, filled
from tests.view.sandbox.queries import BOMBS, LONG_ROWS, SHAPES, TOGETHER, USEFUL

MARKER = "{tmp}/marker"  # a file that is there, and must neither be read nor written

WRITES = [
    "INSERT INTO reports SELECT * FROM reports",
    "INSERT OR REPLACE INTO books VALUES ('Oslo', 1, 1, NULL)",
    "UPDATE books SET sent = 0",
    "DELETE FROM reports",
    "TRUNCATE reports",
    "MERGE INTO books USING reports ON true WHEN MATCHED THEN DELETE",
    "WITH gone AS (DELETE FROM reports RETURNING *) SELECT * FROM gone",
    "WITH gone AS (DELETE FROM reports RETURNING *) SELECT 1",
    "WITH new AS (INSERT INTO books VALUES ('x', 1, 1, NULL) RETURNING *) FROM new",
    "WITH new AS (UPDATE books SET sent = 0 RETURNING *) FROM new",
    "SELECT * FROM (WITH gone AS (DELETE FROM reports RETURNING *) SELECT * FROM gone)",
    "SELECT * INTO copy FROM reports",
    "CREATE TABLE mine AS FROM reports",
    "CREATE OR REPLACE TABLE reports AS SELECT 1",
    "CREATE TEMP TABLE mine (a INTEGER)",
    "CREATE VIEW mine AS FROM positions",
    "CREATE TEMP VIEW reports AS FROM positions",
    "CREATE MACRO lower(x) AS 'mine'",
    "CREATE TEMP MACRO mine() AS TABLE FROM positions",
    "CREATE FUNCTION mine(x) AS x",
    "CREATE SCHEMA mine",
    "CREATE SEQUENCE mine",
    "CREATE TYPE mine AS ENUM ('a')",
    "CREATE INDEX mine ON books (sent)",
    "CREATE SECRET mine (TYPE http, BEARER_TOKEN 'x')",
    "CREATE TRIGGER mine AFTER INSERT ON books FOR EACH ROW SELECT 1",
    "DROP TABLE reports",
    "DROP TABLE IF EXISTS reports CASCADE",
    "DROP SCHEMA main CASCADE",
    "DROP TYPE report_status",
    "ALTER TABLE books RENAME TO mine",
    "ALTER TABLE books ADD COLUMN mine INTEGER",
    "COMMENT ON TABLE books IS 'mine'",
    "PIVOT reports ON status USING count(*)",
]
FILES = [
    f"COPY reports TO '{MARKER}'",
    f"COPY (SELECT 1) TO '{MARKER}' (FORMAT parquet)",
    f"COPY books FROM '{MARKER}'",
    "COPY FROM DATABASE memory TO other",
    f"EXPORT DATABASE '{MARKER}.d'",
    f"IMPORT DATABASE '{MARKER}.d'",
    f"ATTACH '{MARKER}.db'",
    "ATTACH ':memory:' AS mine",
    "DETACH memory",
    "USE memory.main",
    "INSTALL httpfs",
    "FORCE INSTALL httpfs FROM community",
    "LOAD httpfs",
    f"LOAD '{MARKER}'",
    "UPDATE EXTENSIONS",
    f"FROM read_csv('{MARKER}')",
    f"FROM read_csv_auto('{MARKER}')",
    f"FROM read_parquet('{MARKER}')",
    f"FROM read_json('{MARKER}')",
    f"FROM read_ndjson_objects(['{MARKER}'])",
    f"FROM read_text('{MARKER}')",
    f"FROM read_blob('{MARKER}')",
    f"FROM read_duckdb('{MARKER}')",
    f"FROM parquet_metadata('{MARKER}')",
    f"FROM sniff_csv('{MARKER}')",
    "FROM glob('/etc/*')",
    f"FROM '{MARKER}'",
    "FROM 'reports.csv'",
    'FROM "/etc/passwd"',
    "FROM 'https://example.org/reports.parquet'",
    "FROM 's3://bucket/reports.parquet'",
    "FROM 'reports'.'csv'",
    f"SELECT * FROM reports, read_text('{MARKER}')",
    f"SELECT (SELECT content FROM read_text('{MARKER}'))",
    f"SELECT * FROM reports, LATERAL (FROM read_text('{MARKER}' || municipality))",
    f"WITH a AS (FROM read_text('{MARKER}')) FROM reports",
    f"SELECT 1 ORDER BY (SELECT content FROM read_text('{MARKER}'))",
    f"SELECT 1 LIMIT (SELECT length(content) FROM read_text('{MARKER}'))",
    f"VALUES ((SELECT content FROM read_text('{MARKER}')))",
    f"SELECT count(*) FILTER (WHERE (SELECT content FROM read_text('{MARKER}')) = 'x') FROM reports",
    f"SELECT sum(1) OVER (PARTITION BY (SELECT content FROM read_text('{MARKER}'))) FROM reports",
]
SETTINGS = [
    "SET memory_limit = '100GB'",
    "SET SESSION errors_as_json = true",
    "SET VARIABLE mine = 1",
    "SET schema = 'temp'",
    "RESET memory_limit",
    "RESET VARIABLE mine",
    "PRAGMA memory_limit = '100GB'",
    "PRAGMA enable_profiling",
    "PRAGMA database_list",
    "PRAGMA table_info('positions')",
    "PRAGMA show_tables",
    "CALL pragma_version()",
    "CALL enable_logging()",
    "CALL force_checkpoint()",
    "CHECKPOINT",
    "FORCE CHECKPOINT",
    "VACUUM",
    "VACUUM ANALYZE reports",
    "ANALYZE",
    "ANALYZE reports",
    "EXPLAIN SELECT 1",
    "EXPLAIN ANALYZE FROM reports",
    "EXPLAIN ANALYZE DELETE FROM reports",
    "DESCRIBE positions",
    "DESCRIBE reports",
    "SHOW TABLES",
    "SHOW ALL TABLES",
    "SHOW DATABASES",
    "SUMMARIZE positions",
    "SUMMARIZE reports",
    "FROM (DESCRIBE positions)",
    "FROM (SHOW TABLES)",
    "FROM (SUMMARIZE positions)",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "BEGIN TRANSACTION READ ONLY",
    "PREPARE mine AS SELECT 1",
    "EXECUTE mine",
    "DEALLOCATE mine",
    "SELECT ?",
    "SELECT $1",
    "SELECT $mine",
]
STACKED = [
    "SELECT 1; SELECT 2",
    "SELECT 1;; DROP TABLE reports",
    "SELECT 1 -- one\n; DROP TABLE reports",
    "/* one */ SELECT 1; /* two */ DROP TABLE reports",
    "SELECT 1;\u00a0DROP TABLE reports",
    "SELECT 1;\u200bDROP TABLE reports",
    "SELECT ''; DROP TABLE reports --'",
    "SELECT $$;$$; DROP TABLE reports",
    'SELECT 1 AS "a"; DROP TABLE reports --"',
    "; DROP TABLE reports",
    "SELECT 1) AS a; DROP TABLE reports --",
    "BEGIN; DROP TABLE reports; COMMIT",
    "COMMIT; DROP TABLE reports",
    "SELECT 1\uff1b DROP TABLE reports",
    "SELECT 1\0; DROP TABLE reports",
    "SELECT 1;\0DROP TABLE reports",
]
CATALOGS = [
    "FROM positions",
    "FROM main.positions",
    'FROM "Positions"',
    "FROM POSITIONS",
    "FROM memory.main.positions",
    "FROM memory.positions",
    "FROM memory.main.reports",
    "TABLE positions",
    "SELECT (SELECT secret FROM positions)",
    "SELECT * FROM reports WHERE EXISTS (FROM positions)",
    "SELECT * FROM reports UNION ALL BY NAME SELECT * FROM positions",
    "SELECT * FROM reports JOIN positions ON true",
    "SELECT * FROM reports, positions",
    "WITH positions AS (FROM positions) FROM positions",
    "WITH a AS (FROM positions), positions AS (SELECT 2) FROM a",
    "WITH a AS (WITH positions AS (SELECT 1) SELECT 2) FROM positions",
    "SELECT * FROM (WITH positions AS (SELECT 1) FROM positions) a, positions",
    "WITH positions AS (SELECT 1) FROM main.positions",
    "(WITH positions AS (SELECT 1) FROM positions) UNION ALL FROM positions",
    "WITH po\u017fitions AS (SELECT 1) FROM positions",
    "FROM positions AS reports",
    "FROM reports AT (VERSION => 1)",
    "SELECT a.secret FROM books b, LATERAL (SELECT secret FROM positions) a",
    "FROM (PIVOT positions ON topic IN ('a') USING count(*))",
    "UNPIVOT positions ON secret",
    "FROM positions SELECT COLUMNS(*)",
    "FROM information_schema.tables",
    "FROM information_schema.columns",
    "FROM pg_catalog.pg_class",
    "FROM pg_tables",
    "FROM sqlite_master",
    "FROM main.sqlite_master",
    "FROM system.main.duckdb_tables",
    "FROM temp.main.reports",
    "FROM temp.reports",
    "FROM duckdb_tables",
    "FROM duckdb_tables()",
    "FROM duckdb_settings()",
    "FROM duckdb_secrets()",
    "FROM duckdb_functions()",
    "FROM duckdb_live_query_metrics()",
    "FROM duckdb_logs",
    "FROM duckdb_logs_parsed('FileSystem')",
    "FROM duckdb_variables()",
    "FROM duckdb_table_sample('positions')",
    "FROM pragma_table_info('positions')",
    "FROM pragma_storage_info('positions')",
    "FROM pragma_version()",
    "FROM pragma_user_agent()",
    "FROM query('FROM positions')",
    "FROM query_table('positions')",
    "FROM query_table(['reports', 'positions'])",
    "FROM seq_scan('positions')",
    "FROM histogram_values(positions, secret)",
    "FROM summary((FROM reports))",
    "FROM test_all_types()",
    "FROM repeat('x', 1000000)",
    "FROM checkpoint()",
    "FROM force_checkpoint()",
    "FROM enable_logging()",
    "FROM disable_logging()",
    "FROM truncate_duckdb_logs()",
    "FROM enable_profiling()",
    "FROM json_execute_serialized_sql(json_serialize_sql('FROM positions'))",
    "FROM which_secret('s3://x', 's3')",
    "FROM add_grammar_extension('x')",
    "FROM arrow_scan(1, 2, 3)",
    "FROM python_map_function(1)",
    "FROM arrow_table",
    "FROM TABLES",
]
FUNCTIONS = [
    "getenv('HOME')",
    "current_setting('memory_limit')",
    "getvariable('mine')",
    "current_user",
    "user",
    "session_user",
    "current_database()",
    "current_schemas(true)",
    "current_query()",
    "version()",
    "in_search_path('memory', 'main')",
    "txid_current()",
    "nextval('mine')",
    "currval('mine')",
    "setval('mine', 1)",
    "setseed(0.5)",
    "write_log('mine')",
    "parse_duckdb_log_message('FileSystem', '')",
    "sleep_ms(100000)",
    "pg_sleep(1000)",
    "error('mine')",
    "json_serialize_sql('SELECT 1')",
    "json_serialize_plan('FROM positions')",
    "pg_get_viewdef(1)",
    "has_table_privilege('positions', 'select')",
    "'positions'::regclass",
    "stats(1)",
    "index_key('memory', 'main', 'positions', 'x', 1)",
    "system.main.version()",
    "main.current_setting('memory_limit')",
    "\"current_setting\"('memory_limit')",
    "\"Current_Setting\"('memory_limit')",
    "CURRENT_SETTING('memory_limit')",
    "'memory_limit'.current_setting()",
    "('memory_limit').current_setting()",
    "lower('memory_limit').current_setting()",
    "list_transform(['memory_limit'], lambda x: current_setting(x))",
    "list_transform(['memory_limit'], x -> x.current_setting())",
    "[current_setting(x) FOR x IN ['memory_limit']]",
    "list_aggregate([1, 2], 'sum')",
    "list_aggr(['a'], 'string_agg')",
    "list_reduce(['a', 'a'], lambda x, y: x || y)",
    "invoke(lambda x: x, 1)",
    "apply('x', 'version')",
    "coalesce(NULL, current_setting('memory_limit'))",
    "CASE WHEN true THEN current_setting('memory_limit') END",
    "TRY(current_setting('memory_limit'))",
    "CAST(current_setting('memory_limit') AS TEXT)",
    "current_setting('memory_limit') IN ('x')",
    "count(*) FILTER (WHERE current_setting('memory_limit') = 'x')",
    "sum(1) OVER (ORDER BY current_setting('memory_limit'))",
    "COLUMNS(c -> current_setting(c) IS NULL)",
    "repeat('x', 1000000000)",
    "lpad('x', 1000000000, 'y')",
    "rpad('x', 1000000000, 'y')",
    "format('{:1000000000d}', 1)",
    "printf('%1000000000d', 1)",
    "bar(1, 0, 1, 1000000000)",
    "to_base(1, 2, 1000000000)",
    "list_resize([1], 1000000000, 1)",
    "range(1000000000)",
    "generate_series(1, 1000000000)",
    "'1'::BITSTRING",
    "NULL::INTEGER[100000000]",
    "'1'::VARINT",
    "'1'::memory.main.report_status",
    "'x' COLLATE mine",
    "#1",
]
ESCAPES = [
    *WRITES,
    *FILES,
    *SETTINGS,
    *STACKED,
    *CATALOGS,
    *(f"SELECT {function}" for function in FUNCTIONS),
    *(f"SELECT {function} FROM reports" for function in FUNCTIONS if "::" not in function),
    *BOMBS,
]


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with filled() as connection:
        lock_down(connection)
        yield connection


@pytest.fixture(scope="module")
def untouched(database: duckdb.DuckDBPyConnection) -> Content:
    """What is in the database before anything is tried."""
    return content(database)


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    (tmp_path / "marker").write_text("secret")
    return tmp_path / "marker"


@pytest.mark.parametrize("sql", ESCAPES, ids=lambda sql: ascii(sql)[:80])
def test_an_escape_is_refused_and_changes_nothing(
    database: duckdb.DuckDBPyConnection, untouched: Content, marker: Path, sql: str
) -> None:
    arrow_table = duckdb.values([1]).to_arrow_table()  # what a replacement scan would find
    with pytest.raises(Refused) as caught:
        Sandbox(database, TABLES, QueryLimits(seconds=0.5)).run(sql.replace("{tmp}", str(marker.parent)))
    assert caught.value.kind in {"not_allowed", "syntax", "too_large"}, caught.value
    assert "hunter2" not in str(caught.value)
    assert content(database) == untouched
    assert [path.name for path in marker.parent.iterdir()] == ["marker"]
    assert marker.read_text() == "secret"
    assert arrow_table.num_rows == 1


@pytest.mark.parametrize("sql", SHAPES, ids=lambda sql: ascii(sql)[:40])
def test_text_of_any_shape_is_refused(database: duckdb.DuckDBPyConnection, sql: str) -> None:
    with pytest.raises(Refused):
        Sandbox(database, TABLES, QueryLimits(seconds=2)).run(sql)


@pytest.mark.parametrize("sql", [sql for sql in [*WRITES, *FILES] if "Oslo" not in sql])
def test_the_other_walls_hold_without_the_allow_list(
    database: duckdb.DuckDBPyConnection, untouched: Content, marker: Path, sql: str
) -> None:
    with database.cursor() as cursor:
        cursor.execute("BEGIN TRANSACTION READ ONLY")
        with contextlib.suppress(duckdb.Error):
            cursor.execute(sql.replace("{tmp}", str(marker.parent))).fetchall()
        with contextlib.suppress(duckdb.Error):
            cursor.execute("ROLLBACK")
        cursor.execute("DETACH DATABASE IF EXISTS mine")
    assert content(database) == untouched
    assert [path.name for path in marker.parent.iterdir()] == ["marker"]


def test_the_deepest_text_leaves_the_process_standing() -> None:
    code = (
        "import threading; from tests.view.sandbox.database import filled, TABLES\n"
        "from tests.view.sandbox.queries import SHAPES, BOMBS\n"
        "from streams.view.sandbox import Sandbox, QueryLimits, Refused\n"
        "sandbox = Sandbox(filled(), TABLES, QueryLimits(seconds=1, text_bytes=20_000))\n"
        "def ask():\n"
        "    for sql in [*SHAPES, *BOMBS]:\n"
        "        try: sandbox.run(sql)\n"
        "        except Refused: pass\n"
        "threading.stack_size(2 * 1024 * 1024)\n"
        "thread = threading.Thread(target=ask); thread.start(); thread.join(); print('standing')\n"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert asked.stdout == "standing\n", (asked.returncode, asked.stderr)


HEAVY = [
    f"SELECT max(length(s || s || s || s)) FROM (SELECT '{'x' * 3_000}' || range::TEXT AS s FROM range(10000000))",
    f"SELECT max(length(replace('{'a' * 120}' || range, 'a', '{'b' * 60}'))) FROM range(10000000)",
    f"SELECT '{'x' * 3_500}' || a.range || b.range FROM range(100000) a, range(100000) b ORDER BY 1",
    "SELECT list(md5(range::TEXT)) FROM range(100000000) GROUP BY range % 100",
    "SELECT upper(string_agg(md5(range::TEXT), ', ')) FROM range(1000000)",
    "SELECT list_transform(list(md5(range::TEXT)), lambda x: x || x) FROM range(300000)",
    "SELECT a.municipality || b.municipality || c.municipality FROM reports a, reports b, reports c, reports d "
    "ORDER BY ALL",
    "SELECT histogram(md5(range::TEXT)) FROM range(10000000)",
    "SELECT max(md5(range::TEXT), 900000) FROM range(10000000) GROUP BY range % 50",
    "SELECT count(*) FROM (SELECT DISTINCT md5(a.range::TEXT), b.range FROM range(100000) a, range(100000) b)",
]
# As much as may be worked out at once.
MOST = f"SELECT count(*) FROM {LONG_ROWS} WHERE s || 1 > 'a' AND s || 2 > 'a' AND s || 3 > 'a'"


@pytest.mark.alone  # it says how soon it is over
@pytest.mark.parametrize("sql", first(3, [MOST, *HEAVY]), ids=lambda sql: sql[:60])
def test_the_process_stays_small(database: duckdb.DuckDBPyConnection, sql: str) -> None:
    process, peak = psutil.Process(), [0]
    before = process.memory_info().rss
    sandbox, over = Sandbox(database, TABLES, QueryLimits(seconds=3)), threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            peak[0] = max(peak[0], process.memory_info().rss)

    thread = threading.Thread(target=watch)
    thread.start()
    started, kind = time.monotonic(), "answered"
    try:
        sandbox.run(sql)
    except Refused as refused:
        kind = refused.kind
    finally:
        over.set()
        thread.join()
    assert kind in {"answered", "too_slow", "too_large"}
    assert time.monotonic() - started < 6
    assert (peak[0] - before) / 2**20 < 1_200  # three times the memory_limit of 400 MB


@pytest.mark.parametrize("sql", TOGETHER, ids=lambda sql: sql[:40])
def test_what_is_too_long_together_is_refused_before_it_runs(database: duckdb.DuckDBPyConnection, sql: str) -> None:
    with pytest.raises(Refused) as caught:
        Sandbox(database, TABLES).check(sql)
    assert caught.value.kind == "too_large"


WORDS = """
    SELECT FROM WHERE GROUP BY ORDER HAVING QUALIFY LIMIT WITH RECURSIVE AS MATERIALIZED UNION ALL EXCEPT JOIN LATERAL
    ON USING VALUES TABLE PIVOT UNPIVOT INSERT INTO UPDATE SET DELETE MERGE RETURNING CREATE TEMP MACRO VIEW DROP ALTER
    COPY TO ATTACH DETACH USE INSTALL LOAD PRAGMA CALL CHECKPOINT VACUUM ANALYZE EXPLAIN DESCRIBE SHOW SUMMARIZE BEGIN
    COMMIT ROLLBACK PREPARE EXECUTE EXPORT DATABASE IMPORT CASE WHEN THEN ELSE END IN NOT NULL IS AND OR BETWEEN LIKE
    DISTINCT FILTER OVER PARTITION CAST COLUMNS EXCLUDE REPLACE lambda x * ( ) [ ] { } , . ; : :: -> || + - = <> ' " $$
    -- /* */ ? $1 # @ ! % reports books positions main memory temp status municipality sent_at flags secret 1 'x'
    count sum list unnest range read_text glob read_csv query getenv current_setting 'MARKER' "reports" INTERVAL DAY
    DATE TEXT 'lower'
"""


WORD = st.sampled_from(WORDS.split()) | st.text(max_size=3)


@st.composite
def soups(draw: st.DrawFn) -> str:
    """Words in any order, or a good query in which some words are replaced by others."""
    if draw(st.booleans()):
        return " ".join(
            [draw(st.sampled_from(["", "SELECT", "FROM", "WITH a AS ("])), *draw(st.lists(WORD, max_size=25))]
        )
    words = draw(st.sampled_from(USEFUL)).split()
    for place in draw(st.lists(st.integers(0, len(words) - 1), max_size=4)):
        words[place] = draw(WORD)
    return " ".join(words)


@examples(100, 3_000)
def test_any_words_are_answered_or_refused(
    database: duckdb.DuckDBPyConnection, untouched: Content, marker: Path, examples: int
) -> None:
    sandbox = Sandbox(database, TABLES, QueryLimits(seconds=1))

    @settings(max_examples=examples, deadline=None)
    @given(sql=soups())
    def ask(sql: str) -> None:
        try:
            answer = sandbox.run(sql.replace("MARKER", str(marker)))
        except Refused as refused:
            said = str(refused)
        else:
            said = str(answer.table.to_pylist())
        assert not any(secret in said for secret in ("hunter2", "reports-sent"))

    ask()
    assert content(database) == untouched
    assert [path.name for path in marker.parent.iterdir()] == ["marker"]
