"""The sandbox behind the API: what is refused is a problem document, and whatever is found can be written."""

import httpx
import pytest

from streams.view.services import Desk
from tests.view.conftest import asking
from tests.view.filled import fill
from tests.view.stock import STATUSES


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("SELEC 1", "sql-syntax"),
        ("DROP TABLE reports", "sql-not-allowed"),
        ("SELECT * FROM positions", "sql-not-allowed"),
        ("SELECT * FROM placed_reports", "sql-not-allowed"),
        ("SELECT * FROM nowhere", "sql-not-allowed"),
        ("SELECT nothing FROM reports", "sql-failed"),
        ("SELECT 1; SELECT 2", "sql-not-allowed"),
    ],
)
async def test_what_is_refused_says_why_and_what_to_do(client: httpx.AsyncClient, query: str, kind: str) -> None:
    answer = await client.post("/api/v1/sql", json={"query": query})
    assert answer.status_code == 400
    problem = answer.json()
    assert problem["type"] == f"urn:meldingsvakt:problem:{kind}", problem
    assert problem["detail"].endswith((".", "?", "…")) or problem["detail"]
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1/0", None), ("CAST('1.50' AS DECIMAL(9, 2))", 1.5), ("TIME '12:30:00'", "12:30:00"),
        ("DATE '2026-03-01'", "2026-03-01"), ("TIMESTAMPTZ '2026-03-01 12:00:00+00'", "2026-03-01T12:00:00.000000Z"),
        ("[1, 2]", [1, 2]), ("NULL", None), ("true", True), ("INTERVAL 90 MINUTE", "01:30:00"),
    ],
)  # fmt: skip
async def test_every_kind_of_value_can_be_written(client: httpx.AsyncClient, expression: str, value: object) -> None:
    answer = await client.post("/api/v1/sql", json={"query": f"SELECT {expression} AS x"})
    assert answer.json()["rows"] == [[value]]


async def test_sql_finds_what_the_api_finds(desk: Desk, client: httpx.AsyncClient) -> None:
    fill(desk)
    counted = "SELECT status, count(*) FROM reports GROUP BY status"
    rows = (await client.post("/api/v1/sql", json={"query": counted})).json()["rows"]
    total = (await client.get("/api/v1/summary")).json()["total"]
    assert dict(rows) == {status: total[status] for status in STATUSES if total[status]}


async def test_where_rows_may_not_be_seen_sql_has_hidden_counts_only(counting: Desk) -> None:
    fill(counting)
    async with asking(counting) as client:
        for table in ("reports", "announcements", "books", "counts_by_month", "missing_now", "balance"):
            refused = await client.post("/api/v1/sql", json={"query": f"SELECT * FROM {table}"})
            assert refused.status_code == 400, table
        found = (await client.post("/api/v1/sql", json={"query": "FROM counts_suppressed"})).json()
    numbers = [row[found["columns"].index(status)] for row in found["rows"] for status in STATUSES]
    assert numbers
    assert not [number for number in numbers if number in (1, 2, 3, 4)]
