"""What the API answers, and what it says to what it cannot answer."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator, FormatChecker

from streams.view.http.application import application
from streams.view.services import Desk
from streams.view.store.cache import PATIENCE_SECONDS
from tests.view.conftest import asking, failed
from tests.view.filled import fill
from tests.view.stock import STATUSES, after, books, changes, decided, missing, recovered, report_id, state

API = "/api/v1"
LOSS = {
    "topic": "reports.sent",
    "from_offset": 0,
    "to_offset": None,
    "cause": "deleted",
    "since": after(),
    "until": None,
}


async def until_old(desk: Desk) -> None:
    """Wait until no answer is kept that was worked out before the tables changed."""
    for kept in list(desk.answers._kept.values()):
        await asyncio.sleep(PATIENCE_SECONDS * kept.took_seconds)


ANSWERS = {
    "/reports": "/reports",
    "/reports?order=alarm_at&limit=3": "/reports",
    f"/reports/{report_id(900)}": "/reports/{report_id}",
    f"/reports/{report_id(901)}": "/reports/{report_id}",
    "/announcements": "/announcements",
    "/summary": "/summary",
    "/summary?by=receiver&by=county&by=status": "/summary",
    "/summary?by=hour&by=day&by=month": "/summary",
    "/summary?by=reason&by=form&by=evidence": "/summary",
    "/summary?by=status&by=alarm&by=outcome": "/summary",
    "/summary?by=district&by=channel&by=case_system": "/summary",
    "/confirmation-times": "/confirmation-times",
    "/confirmation-times?by=case_system&by=case_system_version&by=month": "/confirmation-times",
    "/statements/4601/2026-03": "/statements/{municipality}/{month}",
    "/coverage": "/coverage",
    "/books": "/books",
}


_DESCRIPTION: dict[str, Any] = {}


async def description(client: httpx.AsyncClient) -> dict[str, Any]:
    """What the API says of itself: asked for once, for it takes half a second and is of no desk."""
    if not _DESCRIPTION:
        _DESCRIPTION.update((await client.get(f"{API}/openapi.json")).json())
    return _DESCRIPTION


@pytest.mark.parametrize(
    ("path", "route", "filled"),
    [(*one, filled) for one in ANSWERS.items() for filled in (True, False) if filled or "{" not in one[1]],
)
async def test_every_answer_is_as_the_description_says(
    desk: Desk, client: httpx.AsyncClient, path: str, route: str, filled: bool
) -> None:
    if filled:
        fill(desk)
    answer = await client.get(f"{API}{path}")
    assert answer.status_code == 200
    described = await description(client)
    content = described["paths"][f"{API}{route}"]["get"]["responses"]["200"]["content"]
    schema = content["application/json"]["schema"] | {"components": described["components"]}
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(answer.json())
    assert answer.headers["x-complete-until"] == (after(days=1) if filled else "unknown")
    assert ("x-gap" in answer.headers) == filled


async def test_it_says_how_far_it_can_be_trusted(desk: Desk, client: httpx.AsyncClient) -> None:
    fill(desk)
    answer = await client.get(f"{API}/coverage")
    picture = answer.json()["picture"]
    assert picture["complete_until"] == after(days=1)
    assert picture["gaps"] == [{"partition": 0, "since": after(), "cause": "no_marks"}]
    assert (picture["losses"], picture["behind"]) == (1, "reading")
    assert (answer.headers["x-behind"], answer.headers["x-gap"]) == ("reading", "no_marks")
    desk.feed.progress.unreachable_since = datetime(2026, 3, 4, tzinfo=UTC)
    desk.feed.progress.trouble = "No broker answers."
    picture = (await client.get(f"{API}/reports")).json()["picture"]
    assert (picture["behind"], picture["trouble"]) == ("kafka_unreachable", "No broker answers.")
    assert picture["unreachable_since"] == "2026-03-04T00:00:00.000000Z"


async def test_pages_follow_one_another_by_next(desk: Desk, client: httpx.AsyncClient) -> None:
    fill(desk)
    whole = (await client.get(f"{API}/reports?limit=1000")).json()
    found, following = [], ""
    while following is not None:
        page = (
            await client.get(f"{API}/reports", params={"limit": 7} | ({"cursor": following} if following else {}))
        ).json()
        found += page["reports"]
        following = page["next"]
    assert found == whole["reports"]
    assert whole["next"] is None


async def test_a_report_is_found_by_its_id_however_it_is_written(desk: Desk, client: httpx.AsyncClient) -> None:
    desk.store.apply(changes([state(1)]))
    for text in (report_id(1), report_id(1).upper(), report_id(1).replace("-", "")):
        assert (await client.get(f"{API}/reports/{text}")).json()["report"]["report_id"] == report_id(1)


async def test_announcements_are_chosen_by_their_kind(desk: Desk, client: httpx.AsyncClient) -> None:
    rows = [state(1, "missing", outcome="handled"), state(2, "recovered")]
    events = [missing(1), decided(1), decided(1, None, at=300), missing(2), recovered(2)]
    desk.store.apply(changes(rows, events))
    for kinds in (["closed"], ["reopened"], ["closed", "recovered"], ["missing"]):
        answer = await client.get("/api/v1/announcements", params={"type": kinds})
        assert {event["type"] for event in answer.json()["announcements"]} == set(kinds)
    assert (await client.get("/api/v1/announcements", params={"type": "erased"})).status_code == 422
    assert (await client.get("/api/v1/reports", params={"status": "erased"})).status_code == 422


async def test_the_summary_counts_what_the_list_shows(desk: Desk, client: httpx.AsyncClient) -> None:
    fill(desk)
    rows = (await client.get(f"{API}/reports?limit=1000&channel=FIKS_IO")).json()["reports"]
    answer = (await client.get(f"{API}/summary?by=receiver&channel=FIKS_IO")).json()
    assert answer["total"]["reports"] == len(rows)
    for group in answer["groups"]:
        mine = [row for row in rows if row["municipality_today"] == group["municipality"]]
        assert group["reports"] == len(mine)
        assert {status: group[status] for status in STATUSES} == {
            status: sum(row["status"] == status for row in mine) for status in STATUSES
        }


async def test_missing_is_open_and_closed_by_outcome(desk: Desk, client: httpx.AsyncClient) -> None:
    rows = [state(n, "missing") for n in (1, 2, 3)]
    rows += [state(n, "missing", outcome=outcome) for n, outcome in ((4, "lost"), (5, "lost"), (6, "found"))]
    rows += [state(7, "recovered", outcome="lost"), state(8, "missing", outcome="found", case_system="OTHER")]
    desk.store.apply(changes(rows))
    said = (await client.get(f"{API}/summary?by=alarm&by=outcome")).json()
    assert said["alarms"] == {"open": 3, "closed": {"found": 2, "lost": 2}}
    assert said["total"]["missing"] == 7
    counted = {(group["alarm"], group["outcome"]): group["reports"] for group in said["groups"]}
    assert counted == {("open", None): 3, ("closed", "lost"): 2, ("closed", "found"): 2, (None, "lost"): 1}
    part = (await client.get(f"{API}/summary?case_system=OTHER")).json()
    assert part["alarms"] == {"open": 0, "closed": {"found": 1}}
    file = (await client.get(f"{API}/reports.csv?alarm=closed&outcome=found")).text
    assert [number for number in range(1, 9) if report_id(number) in file] == [6, 8]


async def test_books_that_do_not_balance_are_said(desk: Desk, client: httpx.AsyncClient) -> None:
    desk.store.apply(changes(spoken=[books(stored=7)]))
    assert (await client.get(f"{API}/books")).json()["balanced"] is True
    desk.store.apply(changes(spoken=[books("4601", stored=7, sent=8)], at=1))
    await until_old(desk)
    answer = (await client.get(f"{API}/books")).json()
    assert answer["balanced"] is False
    assert [(row["municipality_name"], row["difference"]) for row in answer["books"]] == [("Oslo", 0), ("Bergen", 1)]


async def test_what_a_client_has_already_is_not_sent_again(desk: Desk, client: httpx.AsyncClient) -> None:
    desk.store.apply(changes([state(1)]))
    first = await client.get(f"{API}/reports")
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await client.get(f"{API}/reports", headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["x-complete-until"] == first.headers["x-complete-until"]
    desk.store.apply(changes([state(1, "stored")], at=1))
    await until_old(desk)
    changed = await client.get(f"{API}/reports", headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()["reports"][0]["status"]) == (200, "stored")


PROBLEMS = [
    ("GET", "/reports?colour=red", 422, "unknown-parameter", "There is no parameter colour"),
    ("GET", "/summary?order=sent_at", 422, "unknown-parameter", "There is no parameter order"),
    ("GET", "/reports?limit=many", 422, "invalid-parameter", "limit cannot be read"),
    ("GET", "/reports?limit=0", 422, "invalid-parameter", "limit cannot be read"),
    ("GET", "/reports?limit=99999999999999", 422, "invalid-parameter", "limit cannot be read"),
    ("GET", "/reports?limit=1001", 400, "page-too-large", "A page has at most 1000 rows: follow `next`"),
    ("GET", "/reports?status=lost", 422, "invalid-parameter", "status cannot be read"),
    (
        "GET",
        "/reports?sent_from=yesterday",
        422,
        "invalid-parameter",
        "sent_from cannot be read: write a time with a zone",
    ),
    (
        "GET",
        "/reports?sent_from=2026-01-01T00:00:00",
        422,
        "invalid-parameter",
        "write a time with a zone, as 2026-01-31T",
    ),
    ("GET", "/reports?order=name", 422, "invalid-parameter", "order cannot be read"),
    ("GET", "/reports?cursor=x", 400, "bad-cursor", "leave the cursor out"),
    ("GET", "/reports.csv?cursor=x", 400, "bad-cursor", "A file holds the whole list"),
    ("GET", "/announcements?cursor=x", 400, "bad-cursor", "leave the cursor out"),
    ("GET", "/announcements?type=found", 422, "invalid-parameter", "type cannot be read"),
    ("GET", "/summary?by=colour", 422, "invalid-parameter", "by cannot be read"),
    ("GET", "/summary?by=day&by=day&by=day&by=day", 422, "invalid-parameter", "by cannot be read"),
    ("GET", "/reports.xml", 422, "invalid-parameter", "suffix cannot be read"),
    ("GET", "/reports/17", 422, "invalid-parameter", "report_id cannot be read"),
    ("GET", f"/reports/{report_id(17)}", 404, "not-found", "no report with this id here"),
    ("GET", "/nothing", 404, "not-found", "/api/v1/openapi.json lists"),
    ("DELETE", "/reports", 405, "method-not-allowed", "DELETE is not possible here"),
]


@pytest.mark.parametrize(("method", "path", "status", "kind", "detail"), PROBLEMS)
async def test_a_request_that_cannot_be_answered_gets_a_problem_that_says_what_to_do(
    client: httpx.AsyncClient, method: str, path: str, status: int, kind: str, detail: str
) -> None:
    answer = await client.request(method, f"{API}{path}")
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["status"]) == (status, status)
    assert problem["type"] == f"urn:meldingsvakt:problem:{kind}"
    assert detail in problem["detail"]


async def test_a_format_that_there_is_not_gets_a_problem(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{API}/reports", headers={"Accept": "application/pdf"})
    assert (answer.status_code, answer.headers["content-type"]) == (406, "application/problem+json")


async def test_what_fails_shows_nothing_and_is_logged_by_the_route_alone(
    desk: Desk, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    desk.store.connection.execute("ALTER TABLE reports RENAME TO elsewhere")
    with caplog.at_level(logging.INFO):
        answer = await client.get(f"{API}/reports/{report_id(17)}")
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:meldingsvakt:problem:failed")
    assert "elsewhere" not in answer.text
    said = [record.getMessage() for record in caplog.records if record.name.startswith("streams")]
    assert said == [f"GET {API}/reports/{{report_id}} failed: CatalogException"]
    assert report_id(17) not in caplog.text.replace(f"{API}/reports/{report_id(17)}", "", caplog.text.count("httpx"))


class TestCountsOnly:
    """Where single reports may not be seen."""

    @pytest.fixture
    async def few(self, counting: Desk) -> AsyncIterator[httpx.AsyncClient]:
        fill(counting)
        counting.store.apply(changes(spoken=[books("4601", stored=8, missing=2), books("0301", missing=1)], at=9))
        async with asking(counting) as made:
            yield made

    @pytest.mark.parametrize(
        "path", ["/reports", "/reports.csv", f"/reports/{report_id(1)}", "/announcements", "/announcements.ndjson"]
    )
    async def test_there_are_no_rows(self, few: httpx.AsyncClient, path: str) -> None:
        answer = await few.get(f"{API}{path}")
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:meldingsvakt:problem:counts-only")
        assert "ask /api/v1/summary" in answer.json()["detail"]


async def test_the_description_is_there_for_every_route(desk: Desk) -> None:
    app: FastAPI = application(desk, failed)
    described: dict[str, Any] = app.openapi()["paths"]
    for path, methods in described.items():
        for one in methods.values():
            assert one["summary"], path
            assert "422" in one["responses"], path


async def test_several_who_ask_the_same_at_once_get_the_same_answer(desk: Desk, client: httpx.AsyncClient) -> None:
    fill(desk)
    answers = await asyncio.gather(*[client.get(f"{API}/summary?by=receiver") for _ in range(20)])
    assert len({answer.headers["etag"] for answer in answers}) == 1
