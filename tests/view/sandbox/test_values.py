"""Every value that SQL can make is answered, also those that Python has no value for."""

import duckdb
import httpx
import pyarrow as pa
import pytest

from streams.view.sandbox import Refused
from streams.view.sandbox.values import ROW_VALUES, SLICE_VALUES, count, slices, values

ODD = {
    "TIMESTAMPTZ '9999-12-31 23:59:59+00'": "9999-12-31T23:59:59.000000Z",
    "TIMESTAMPTZ '10000-01-01 00:00:00+00'": "after the year 9999",
    "TIMESTAMPTZ '0001-01-01 00:00:00+00'": "0001-01-01T00:00:00.000000Z",
    "TIMESTAMPTZ '0044-03-15 (BC) 00:00:00+00'": "before the year 1",
    "TIMESTAMPTZ 'infinity'": "infinity",
    "TIMESTAMPTZ '-infinity'": "-infinity",
    "TIMESTAMP '294247-01-10 04:00:54'": "after the year 9999",
    "TIMESTAMP '2026-01-01 00:00:00.5'": "2026-01-01T00:00:00.500000",
    "TIMESTAMP_S '2026-01-01 00:00:00'": "2026-01-01T00:00:00.000000",
    "TIMESTAMP_MS 'infinity'": "infinity",
    "TIMESTAMP_NS '2026-01-01 00:00:00.123456789'": "2026-01-01T00:00:00.123456",
    "DATE 'infinity'": "infinity",
    "DATE '-infinity'": "-infinity",
    "DATE '5000000-01-01'": "after the year 9999",
    "TIME '24:00:00'": "24:00:00",
    "MAP {}": [],
    "MAP {'a': NULL}": [["a", None]],
    "MAP {DATE 'infinity': [1, 2]}": [["infinity", [1, 2]]],
    "['infinity'::DATE, NULL]": ["infinity", None],
    "{'x': TIMESTAMP_NS '2026-01-01', 'y': [MAP {1: 'b'}]}": {"x": "2026-01-01T00:00:00.000000", "y": [[[1, "b"]]]},
    "array_value(1, 2)": [1, 2],
    "[INTERVAL 1 DAY]": ["1 day"],
    "INTERVAL 100000000 YEAR": "1200000000 months",
    "'nan'::DOUBLE": None,
    "NULL::STRUCT(a INTEGER)": None,
    "[]": [],
}


@pytest.mark.parametrize("expression", ODD)
async def test_every_value_is_answered(client: httpx.AsyncClient, expression: str) -> None:
    query = f"SELECT {expression} AS x"
    answer = await client.post("/api/v1/sql", json={"query": query})
    assert answer.json().get("rows") == [[ODD[expression]]]
    for path in ("/sql", "/en/sql?utc=1"):
        page = await client.get(path, params={"query": query, "utc": "1"})
        assert page.status_code == 200
        assert 'id="result"' in page.text


@pytest.mark.parametrize("expression", ODD)
def test_a_part_of_a_column_has_its_own_values(expression: str) -> None:
    query = f"SELECT x FROM (SELECT 0, {expression} UNION ALL SELECT 1, NULL UNION ALL SELECT 2, {expression}) t(n, x)"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        column = connection.sql(f"{query} ORDER BY n").to_arrow_table().column("x").combine_chunks()
    first, nothing, last = values(column)
    assert nothing is None
    assert first == last or first != first  # noqa: PLR0124 - nan
    assert values(column.slice(1)) == [nothing, last] or first != first  # noqa: PLR0124


def test_large_batches_are_cut_and_larger_rows_are_refused() -> None:
    batch = pa.record_batch({"n": list(range(9)), "l": [list(range(SLICE_VALUES // 2))] * 9})
    parts = list(slices(batch))
    assert pa.Table.from_batches(parts) == pa.Table.from_batches([batch])
    assert max(count(part) for part in parts) <= SLICE_VALUES
    assert list(slices(batch.slice(0, 0))) == []
    with pytest.raises(Refused, match="One row"):
        list(slices(pa.record_batch({"l": [list(range(ROW_VALUES))]})))
