"""What analysts ask, and what they get."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from streams.view.sandbox import QueryLimits, Refused, Sandbox, lock_down
from tests.view.sandbox.database import TABLES, filled

ENDLESS = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range < 0"

HUNGRY = [
    "SELECT count(*) FROM (SELECT DISTINCT md5(range::TEXT) FROM range(100000000))",
    "SELECT len(list(range)) FROM range(1000000000)",
    "SELECT length(string_agg(md5(range::TEXT), '')) FROM range(1000000000)",
]

USEFUL = [
    "SELECT * FROM reports",
    "FROM reports",
    "FROM reports SELECT municipality, count(*) GROUP BY ALL ORDER BY ALL",
    "TABLE books",
    "VALUES (1, 'a'), (2, 'b')",
    "SELECT count(*) AS n FROM main.reports r WHERE r.status = 'missing' AND r.sent_at >= TIMESTAMPTZ '2026-01-02'",
    "SELECT status, municipality, count(*) FROM reports GROUP BY ALL ORDER BY 3 DESC, 1",
    "SELECT municipality, count(*) FILTER (WHERE status = 'missing') AS missing, count(*) AS n FROM reports GROUP BY 1",
    "SELECT municipality, round(100.0 * count_if(status = 'missing') / count(*), 1) AS percent FROM reports GROUP BY 1",
    "SELECT date_trunc('day', sent_at) AS day, count(*) FROM reports GROUP BY day HAVING count(*) > 3 ORDER BY day",
    "SELECT date_trunc('week', sent_at AT TIME ZONE 'Europe/Oslo')::DATE w, count(*) FROM reports GROUP BY 1",
    "SELECT quantile_cont(epoch(sent_at), 0.95), median(epoch(sent_at)), stddev(epoch(sent_at)) FROM reports",
    "SELECT quantile_cont(sent, [0.5, 0.9]) FROM books",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY sent) FROM books",
    "WITH late AS (SELECT * FROM reports WHERE list_contains(flags, 'late')) SELECT municipality, count(*) FROM late "
    "GROUP BY 1",
    "WITH a AS (FROM reports), b AS (SELECT municipality, count(*) n FROM a GROUP BY 1) FROM b JOIN books USING "
    "(municipality) SELECT municipality, n - sent AS difference",
    "SELECT *, row_number() OVER (PARTITION BY municipality ORDER BY sent_at) AS nth FROM reports QUALIFY nth <= 2",
    "SELECT municipality, sent_at, sent_at - lag(sent_at) OVER w AS gap FROM reports WINDOW w AS (PARTITION BY "
    "municipality ORDER BY sent_at)",
    "SELECT sum(sent) OVER (ORDER BY municipality ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM books",
    "SELECT first_value(sent_at) OVER (PARTITION BY status ORDER BY sent_at), rank() OVER (ORDER BY sent_at), "
    "ntile(4) OVER (ORDER BY sent_at) FROM reports",
    "SELECT flag, count(*) FROM reports, unnest(flags) AS t(flag) GROUP BY ALL",
    "SELECT report_id, unnest(flags) AS flag FROM reports",
    "SELECT len(flags), flags[1], list_sort(flags), array_to_string(flags, ', ') FROM reports",
    "SELECT [upper(f) FOR f IN flags IF f LIKE 'l%'] AS loud FROM reports",
    "SELECT list_transform(flags, lambda f: f || '!') AS loud, list_filter(flags, lambda f: f <> 'copy') FROM reports",
    "SELECT status, list(DISTINCT municipality ORDER BY municipality) AS places FROM reports GROUP BY ALL",
    "SELECT status, string_agg(DISTINCT municipality, ', ') AS places FROM reports GROUP BY ALL",
    "SELECT r.municipality, b.stored FROM reports r LEFT JOIN books b ON r.municipality = b.municipality",
    "SELECT b.*, l.latest_report FROM books b, LATERAL (SELECT max(sent_at) AS latest_report FROM reports r WHERE "
    "r.municipality = b.municipality) l",
    "SELECT * FROM books b ASOF JOIN reports r ON b.municipality = r.municipality AND b.latest >= r.sent_at",
    "SELECT municipality FROM reports UNION SELECT municipality FROM books EXCEPT SELECT 'Oslo' ORDER BY 1",
    "SELECT * FROM reports WHERE municipality IN (SELECT municipality FROM books) AND EXISTS (FROM books)",
    "SELECT municipality, (SELECT max(sent) FROM books) AS most FROM reports LIMIT 5 OFFSET 2",
    "SELECT CASE WHEN status IN ('missing', 'waiting') THEN 'open' ELSE 'closed' END AS state, count(*) FROM reports "
    "GROUP BY ROLLUP (state)",
    "SELECT coalesce(nullif(municipality, ''), 'unknown'), if(len(flags) > 0, 'yes', 'no'), status::TEXT FROM reports",
    "SELECT lower(municipality), replace(municipality, 'ø', 'o'), municipality || ' kommune', left(municipality, 2), "
    "split_part(report_id::TEXT, '-', 5), concat_ws(', ', municipality, status) FROM reports",
    "SELECT regexp_extract(municipality, '^(.)', 1), regexp_matches(municipality, 's'), regexp_replace(municipality, "
    "'[aeiou]', '', 'g') FROM reports WHERE municipality SIMILAR TO '[A-Z].*' OR municipality ILIKE 'o%'",
    "SELECT strftime(sent_at, '%Y-%m'), extract(hour FROM sent_at), dayname(sent_at), sent_at + INTERVAL 1 DAY, "
    "date_diff('hour', sent_at, now()), age(now(), sent_at), current_date FROM reports",
    "SELECT time_bucket(INTERVAL '6 hours', sent_at) AS hours, count(*) FROM reports GROUP BY hours",
    "SELECT arg_min(municipality, sent_at), arg_max(municipality, sent_at, 3), any_value(status), mode(municipality), "
    "histogram(municipality), approx_count_distinct(report_id) FROM reports",
    "SELECT * EXCLUDE (flags) REPLACE (lower(municipality) AS municipality) FROM reports",
    "SELECT COLUMNS('sent|stored') FROM books",
    "FROM reports PIVOT (count(*) FOR status IN ('missing', 'stored') GROUP BY municipality)",
    "PIVOT reports ON status IN ('missing', 'stored') USING count(*) GROUP BY municipality",
    "UNPIVOT books ON sent, stored",
    "SELECT d::DATE FROM generate_series(DATE '2026-01-01', DATE '2026-01-31', INTERVAL 1 DAY) t(d)",
    "SELECT g.d, count(r.report_id) FROM generate_series(TIMESTAMPTZ '2026-01-01', now(), INTERVAL 1 DAY) g(d) "
    "LEFT JOIN reports r ON r.sent_at >= g.d AND r.sent_at < g.d + INTERVAL 1 DAY GROUP BY ALL ORDER BY ALL",
    "SELECT DISTINCT ON (municipality) municipality, sent_at FROM reports ORDER BY municipality, sent_at DESC",
    "SELECT count(*) FROM reports USING SAMPLE 10",
    "SELECT {'place': municipality, 'n': count(*)} AS pair FROM reports GROUP BY municipality -- a comment; with it",
    "SELECT 1 AS positions, 'DROP TABLE reports; --' AS text;",
    "WITH positions AS (SELECT 1 AS one) SELECT one FROM positions",
    "SELECT lower(municipality).upper() FROM reports ORDER BY municipality COLLATE nocase",
]


@pytest.fixture
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with filled() as connection:
        lock_down(connection)
        yield connection


@pytest.fixture
def sandbox(database: duckdb.DuckDBPyConnection) -> Sandbox:
    return Sandbox(database, TABLES)


@pytest.mark.parametrize("sql", USEFUL)
def test_what_an_analyst_would_ask_is_answered(sandbox: Sandbox, sql: str) -> None:
    answer = sandbox.run(sql)
    assert answer.table.num_columns > 0
    json.dumps(answer.table.to_pylist(), default=str)


def test_the_answer_is_that_of_the_table(sandbox: Sandbox) -> None:
    answer = sandbox.run("SELECT municipality, count(*) AS n FROM reports GROUP BY ALL ORDER BY ALL")
    assert answer.table.to_pylist() == [{"municipality": place, "n": 40} for place in ("Bergen", "Oslo", "Tromsø")]
    assert not answer.truncated
    assert 0 <= answer.seconds < 10


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("  SELECT 1 ;; ", "SELECT 1"),
        ("SELECT 1 -- one", "SELECT 1 -- one"),
        ("SELECT ';'", "SELECT ';'"),
        ("/* ; */ FROM reports;", "/* ; */ FROM reports"),
    ],
)
def test_a_query_comes_back_without_its_semicolon(sandbox: Sandbox, sql: str, text: str) -> None:
    assert sandbox.check(sql).text == text


@pytest.mark.parametrize(("rows", "truncated"), [(119, True), (120, False), (121, False)])
def test_an_answer_is_cut_at_its_rows(database: duckdb.DuckDBPyConnection, rows: int, truncated: bool) -> None:
    answer = Sandbox(database, TABLES, QueryLimits(rows=rows)).run("FROM reports")
    assert (answer.table.num_rows, answer.truncated) == (min(rows, 120), truncated)


def test_a_billion_rows_are_cut_before_they_are_made(sandbox: Sandbox) -> None:
    answer = sandbox.run("SELECT range, md5(range::TEXT) FROM range(1000000000)")
    assert (answer.table.num_rows, answer.truncated) == (10_000, True)
    assert answer.seconds < 5


def test_columns_are_of_plain_types(sandbox: Sandbox) -> None:
    table = sandbox.run(
        "SELECT report_id, status, sent_at, flags, [status] AS list, {'id': report_id, 'status': status} AS struct, "
        "INTERVAL 1 MONTH + INTERVAL 2 DAY + INTERVAL 90 SECOND AS gap, MAP {'a': status} AS map, 1::HUGEINT AS huge "
        "FROM reports WHERE municipality = 'Oslo' ORDER BY sent_at LIMIT 1"
    ).table
    assert table.schema.field("sent_at").type == pa.timestamp("us", tz="UTC")
    assert table.schema.field("status").type == table.schema.field("report_id").type == pa.string()
    row = table.to_pylist()[0]
    assert row["report_id"] == "00000000-0000-0000-0000-000000000000"
    assert row["list"] == ["waiting"]
    assert row["struct"] == {"id": row["report_id"], "status": "waiting"}
    assert row["gap"] == "1 month 2 days 00:01:30"
    assert row["map"] == [("a", "waiting")]


def test_each_column_has_a_name_of_its_own(sandbox: Sandbox) -> None:
    assert sandbox.run("SELECT 1 AS a, 2 AS a, 3 AS A, 4 AS a_2").table.column_names == ["a", "a_2", "A_3", "a_2_2"]


def test_a_sum_is_an_integer_if_it_fits(sandbox: Sandbox) -> None:
    fits = sandbox.run("SELECT sum(sent) AS sent FROM books").table
    assert (fits.schema.types, fits.to_pylist()) == ([pa.int64()], [{"sent": 120}])
    large = sandbox.run("SELECT 100000000000000000000000000000::HUGEINT AS huge").table.to_pylist()
    assert large == [{"huge": 10**29}]


def test_an_empty_answer_has_columns(sandbox: Sandbox) -> None:
    table = sandbox.run("SELECT status, flags FROM reports WHERE false").table
    assert table.num_rows == 0
    assert table.column_names == ["status", "flags"]


@pytest.mark.parametrize(
    ("sql", "kind", "says", "position"),
    [
        ("SELEC 1", "syntax", "SELEC", 0),
        ("SELECT 'Tromsø', count( FROM reports", "syntax", "FROM", 24),
        ("", "syntax", "no query", None),
        ("SELECT * FROM report", "not_allowed", 'Did you mean "reports"?', 14),
        ("SELECT 'Tromsø' FROM positions", "not_allowed", "There are: books, reports", 21),
        ("SELECT strng_agg(status) FROM reports", "not_allowed", 'Did you mean "string_agg"?', 7),
        ("SELECT municipalty FROM reports", "failed", 'Candidate bindings: "municipality"', None),
        ("SELECT sum(status) FROM reports", "failed", "No function matches", None),
        ("SELECT municipality::INTEGER FROM reports", "failed", "Could not convert string", None),
        ("SELECT (SELECT status FROM reports)", "failed", "More than one row", None),
        ("SELECT COLUMNS(c -> c = 'sent') FROM books", "failed", "Deprecated lambda arrow", None),
        (ENDLESS, "too_slow", "longer than 0.2 s", None),
        ("SELECT count(DISTINCT md5(range::TEXT)) FROM range(100000000)", None, "", None),
    ],
)
def test_a_refusal_tells_what_to_do(
    database: duckdb.DuckDBPyConnection, sql: str, kind: str | None, says: str, position: int | None
) -> None:
    with pytest.raises(Refused) as caught:
        Sandbox(database, TABLES, QueryLimits(seconds=0.2)).run(sql)
    assert kind is None or caught.value.kind == kind, caught.value
    assert says in str(caught.value)
    assert caught.value.position == position
    assert not any(inside in str(caught.value) for inside in ("LINE 1", "duckdb", "Error:", "SET ", "/"))


@pytest.mark.parametrize("sql", HUNGRY)
def test_what_needs_too_much_memory_is_refused(database: duckdb.DuckDBPyConnection, sql: str) -> None:
    with pytest.raises(Refused) as caught:
        Sandbox(database, TABLES, QueryLimits(seconds=60)).run(sql)
    assert caught.value.kind == "too_large"


def test_an_answer_of_many_bytes_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(Refused, match="64 MiB"):
        sandbox.run(f"SELECT md5(range::TEXT) || '{'x' * 9_000}' FROM range(20000)")


def test_a_query_is_answered_while_others_are_being_stopped(database: duckdb.DuckDBPyConnection) -> None:
    sandbox = Sandbox(database, TABLES, QueryLimits(seconds=3.0))

    def ask() -> None:
        with pytest.raises(Refused):
            sandbox.run(ENDLESS)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    answer = sandbox.run("SELECT 1")
    for thread in threads:
        thread.join()
    assert answer.table.num_rows == 1


def test_what_has_been_checked_is_not_checked_again(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = sandbox.check("SELECT 1")
    monkeypatch.setattr(sandbox, "check", None)
    assert sandbox.run(checked).table.num_rows == 1


def test_no_interrupt_hits_the_next_query(database: duckdb.DuckDBPyConnection) -> None:
    close = Sandbox(database, TABLES, QueryLimits(seconds=0.02))
    long = Sandbox(database, TABLES)
    kinds = []
    for count in range(0, 2_000_000, 25_000):
        try:
            close.run(f"SELECT sum(sqrt(a.range)) FROM range({count}) a, range(4) b")
        except Refused as refused:
            kinds.append(refused.kind)
        assert long.run("SELECT count(*) AS n FROM reports").table["n"].to_pylist() == [120]
    assert set(kinds) == {"too_slow"}
    assert len(kinds) < 80


@pytest.mark.parametrize("in_file", [False, True])
def test_a_writer_goes_on_while_queries_run_are_interrupted_and_refused(tmp_path: Path, in_file: bool) -> None:
    path = tmp_path / "view.duckdb" if in_file else None
    with filled(path) as writer:
        lock_down(writer)
        sandbox = Sandbox(writer, TABLES, QueryLimits(seconds=0.2))
        over = threading.Event()
        kinds: set[str] = set()

        def ask() -> None:
            while not over.is_set():
                for sql in ("SELECT count(*) FROM reports", ENDLESS, "DROP TABLE reports", "SELECT nothing FROM books"):
                    try:
                        sandbox.run(sql)
                        kinds.add("answered")
                    except Refused as refused:
                        kinds.add(refused.kind)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for number in range(100):
            rows = pa.table({"municipality": ["Bodø"], "sent": [number], "stored": [0]})
            writer.register("arrived", rows)
            writer.execute("INSERT INTO books BY NAME SELECT * FROM arrived")
            writer.unregister("arrived")
            if number % 25 == 0:
                writer.execute("CHECKPOINT")
            time.sleep(0.01)
        over.set()
        for thread in threads:
            thread.join()
        sandbox.close()
        assert {"answered", "too_slow", "not_allowed", "failed"} <= kinds
        assert writer.execute("SELECT count(*) FROM books WHERE municipality = 'Bodø'").fetchone() == (100,)
    if path:
        with duckdb.connect(str(path)) as again:
            assert again.execute("SELECT count(*) FROM books WHERE municipality = 'Bodø'").fetchone() == (100,)


def test_the_writer_has_memory_while_queries_take_all_that_they_get(database: duckdb.DuckDBPyConnection) -> None:
    sandbox, over, kinds = Sandbox(database, TABLES, QueryLimits(seconds=5)), threading.Event(), set()

    def ask() -> None:
        while not over.is_set():
            for sql in HUNGRY:
                with pytest.raises(Refused) as caught:
                    sandbox.run(sql)
                kinds.add(caught.value.kind)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(150):
        database.execute("INSERT INTO books SELECT 'Bodø', range, 0, now() FROM range(1000)")
        time.sleep(0.02)
    over.set()
    for thread in threads:
        thread.join()
    assert "too_large" in kinds


def test_a_query_sees_one_moment_and_the_next_query_the_next(database: duckdb.DuckDBPyConnection) -> None:
    sandbox = Sandbox(database, TABLES)
    database.execute("BEGIN")
    database.execute("DELETE FROM reports")
    assert sandbox.run("SELECT count(*) AS n FROM reports").table["n"].to_pylist() == [120]
    database.execute("COMMIT")
    assert sandbox.run("SELECT count(*) AS n FROM reports").table["n"].to_pylist() == [0]


def test_a_lock_down_is_final_and_may_be_repeated(database: duckdb.DuckDBPyConnection) -> None:
    lock_down(database)
    for statement in ("SET enable_external_access = true", "RESET lock_configuration", "SET memory_limit = '8GB'"):
        with pytest.raises(duckdb.Error):
            database.execute(statement)
    with pytest.raises(duckdb.Error):
        database.execute("FROM read_text('/etc/hostname')")
