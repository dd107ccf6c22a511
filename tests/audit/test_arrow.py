"""Arrow tables that statements read: by their names, and no longer than they are lent."""

import duckdb
import pyarrow as pa
import pytest

from streams.audit.arrow import NO_REPLACEMENTS, registered

MEBI = 1 << 20


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config=dict(NO_REPLACEMENTS))


def test_a_table_may_be_read_by_its_name_again_and_again(connection: duckdb.DuckDBPyConnection) -> None:
    table = pa.table({"number": [1, 2, 3]})
    with registered(connection, lent=table, other=table):
        found = connection.sql("SELECT sum(a.number * b.number) FROM lent AS a, lent AS b, other").fetchall()
    assert found == [(108,)]
    with pytest.raises(duckdb.CatalogException):
        connection.sql("FROM lent")


def test_a_transaction_keeps_no_table_that_it_has_read(connection: duckdb.DuckDBPyConnection) -> None:
    """One file is one transaction, and its lines are gigabytes."""
    connection.execute("CREATE TABLE sums (total HUGEINT)")
    connection.begin()
    before = pa.total_allocated_bytes()
    for turn in range(20):
        table = pa.table({"number": pa.array(range(turn, turn + 200_000), pa.int64())})
        with registered(connection, lent=table):
            connection.execute("INSERT INTO sums SELECT sum(number) FROM lent")
        del table
    assert pa.total_allocated_bytes() - before < MEBI
    connection.commit()
    assert connection.sql("SELECT count(*) FROM sums").fetchall() == [(20,)]
