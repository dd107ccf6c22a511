"""What analysts ask, and what they get."""

import json
import threading
import time
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from streams.view.sandbox import QueryLimits, Refused, Sandbox, lock_down
from tests.examples import first
from tests.view.sandbox.database import TABLES, filled
from tests.view.sandbox.queries import USEFUL

ENDLESS = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range < 0"

HUNGRY = [
    "SELECT count(*) FROM (SELECT DISTINCT md5(range::TEXT) FROM range(100000000))",
    "SELECT len(list(range)) FROM range(1000000000)",
    "SELECT length(string_agg(md5(range::TEXT), '')) FROM range(1000000000)",
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
    with pytest.raises(Refused, match="32 MiB"):
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


@pytest.mark.parametrize("times", first(1, [30, 150]))
def test_the_writer_has_memory_while_queries_take_all_that_they_get(
    database: duckdb.DuckDBPyConnection, times: int
) -> None:
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
    for _ in takewhile(lambda number: number < times or not kinds, range(10_000)):
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
