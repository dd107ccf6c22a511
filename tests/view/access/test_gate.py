"""What the gate does with too much, too long and from elsewhere; and what the mapping says when it cannot be read."""

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from streams.access import organisations
from streams.access.organisations import Mapping
from streams.access.scope import ReceiverScope
from streams.errors import ConfigurationError
from streams.view.http import application
from streams.view.queries import queries
from streams.view.services import Desk
from tests.view.access.conftest import fill
from tests.view.access.issuer import BERGEN, MAPPING, NATIONAL, OSLO, OWN, SQL, Issuer, Recorded, with_token

SUMMARY, QUERY = "/api/v1/summary", "/api/v1/sql"


async def test_one_organisation_takes_no_more_than_its_share(issuer: Issuer) -> None:
    desk = issuer.desk(view_requests_a_minute=5)
    async with with_token(desk, issuer.token(NATIONAL)) as client:
        answers = [await client.get(SUMMARY) for _ in range(7)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
        assert answers[-1].headers["retry-after"] == "60"
        assert answers[-1].json()["type"] == "urn:meldingsvakt:problem:too-many-requests"
        assert (await client.get("/")).status_code == 429
        other = {"Authorization": f"Bearer {issuer.token(NATIONAL, organisation=BERGEN)}"}
        assert (await client.get(SUMMARY, headers=other)).status_code == 200
        bad = [(await client.get(SUMMARY, headers={"Authorization": "Bearer x"})).status_code for _ in range(7)]
        assert bad == [401] * 5 + [429] * 2
        assert (await client.get(SUMMARY, headers=other)).status_code == 200
        assert (await client.get("/livez")).status_code == 200
    await desk.stop()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, 200),
        ({"Origin": "http://localhost"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://attacker.example"}, 403),
        ({"Origin": "http://localhost.attacker.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
async def test_what_another_sites_page_sends_is_refused(
    guarded: Desk, keys: Issuer, headers: dict[str, str], status: int
) -> None:
    async with with_token(guarded, keys.token(NATIONAL, SQL)) as client:
        answer = await client.post(QUERY, json={"query": "SELECT 1"}, headers=headers)
        assert answer.status_code == status


FOLLOWED = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/reports", FOLLOWED, 200),
        ("/sql", FOLLOWED, 200),
        ("/sql?query=SELECT+1", FOLLOWED, 403),
        ("/reports", {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403),
        ("/api/v1/reports.csv", {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
        ("/live", {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, 403),
    ],
)
async def test_another_site_may_link_here_but_not_make_anything_run(
    guarded: Desk, keys: Issuer, path: str, headers: dict[str, str], status: int
) -> None:
    async with with_token(guarded, keys.token(NATIONAL, SQL)) as client:
        for site in ("cross-site", "same-site"):
            answer = await client.get(path, headers=headers | {"Sec-Fetch-Site": site})
            assert answer.status_code == status
    record = guarded.record
    assert isinstance(record, Recorded)
    assert len(record.looks) == (2 if path == "/reports" and status == 200 else 0)


@pytest.mark.parametrize("host", ["attacker.example", "127.0.0.1.attacker.example", "attacker.example:8080"])
async def test_a_name_that_somebody_points_at_this_machine_opens_nothing(desk: Desk, host: str) -> None:
    async with with_token(desk, None) as client:
        headers = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
        for answer in (
            await client.get("/api/v1/reports", headers=headers),
            await client.post(QUERY, json={"query": "SELECT 1"}, headers=headers),
        ):
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:meldingsvakt:problem:unknown-host")
        for here in ("localhost:8080", "127.0.0.1", "[::1]:80"):
            assert (await client.get(SUMMARY, headers={"Host": here})).status_code == 200


STRANGE = [
    b"a`", b"`", b"localhost`", b"attacker.example`", b"a b", b"localhost/", b"localhost\\", b"localhost@a.example",
    b"a_b", b"localhost#", b"localhost?", b"[::1", b"::1", b"[::1]x", b"localhost:",
    b"localhost:x", b"localhost:999999",
    b"127.0.0.1:80:80", b".localhost", b"-", b"", b"\xc3\xa6", b"localhost%00", b"loc\xe2\x80\xa5lhost",
    b"localhost, a.example", b"[fe80::1%25lo]",
]  # fmt: skip


@pytest.mark.parametrize("host", STRANGE)
async def test_a_host_that_is_none_opens_nothing(desk: Desk, issuer: Issuer, host: bytes) -> None:
    """The framework takes what it cannot parse for this machine's own name."""
    with_tokens = issuer.desk()
    for at, token in ((desk, None), (with_tokens, issuer.token(NATIONAL))):
        async with with_token(at, token) as client:
            for path in ("/", SUMMARY, "/livez", "/metrics", "/static/page.css"):
                answer = await client.get(path, headers=[(b"Host", host)])
                assert (answer.status_code, "Host" in answer.text) == (400, True), path
    await with_tokens.stop()


async def test_a_host_is_given_once(desk: Desk) -> None:
    async with with_token(desk, None) as client:
        for hosts in ([("Host", "localhost"), ("Host", "attacker.example")], [("Host", "localhost")] * 2):
            assert (await client.get(SUMMARY, headers=hosts)).status_code == 400
        for here in ("LOCALHOST:8080", "localhost.", "127.0.0.1"):
            answer = await client.get(SUMMARY, headers={"Host": here})
            assert answer.status_code == (403 if here == "localhost." else 200)


async def test_what_one_organisation_runs_keeps_nobody_else_waiting(issuer: Issuer) -> None:
    desk = issuer.desk()
    desk.record = Recorded()  # type: ignore[assignment]
    desk.sandbox.limits = desk.sandbox.limits._replace(seconds=3)
    dear = {"query": "SELECT count(*) FROM range(100000000000) a(i)"}
    async with with_token(desk, issuer.token(NATIONAL, SQL)) as client:
        running = [asyncio.create_task(client.post(QUERY, json=dear)) for _ in range(30)]
        await asyncio.sleep(0.3)
        other = {"Authorization": f"Bearer {issuer.token(NATIONAL, SQL, organisation=BERGEN)}"}
        assert (await client.get(SUMMARY, headers=other)).status_code == 200
        await asyncio.to_thread(time.sleep, 0)  # where the tables are written
        assert not [one for one in running if one.done() and one.result().status_code == 400]  # the two still run
        statuses = [answer.status_code for answer in await asyncio.gather(*running)]
        assert sorted(statuses) == [400] * 2 + [429] * 28  # two ran into their time
        assert (await client.post(QUERY, json={"query": "SELECT 1"}, headers=other)).status_code == 200
    await desk.stop()


async def test_too_many_groups_are_refused(guarded: Desk, keys: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MOST_COUNTED_GROUPS", 3)
    async with with_token(guarded, keys.token(NATIONAL)) as client:
        assert (await client.get(f"{SUMMARY}?by=form")).status_code == 200
        for most, path in ((3, SUMMARY), (1, "/api/v1/confirmation-times")):
            monkeypatch.setattr(queries, "MOST_COUNTED_GROUPS", most)
            answer = await client.get(f"{path}?by=receiver&by=hour")
            assert (answer.status_code, answer.json()["type"]) == (400, "urn:meldingsvakt:problem:too-many-groups")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_huge_body_is_refused_before_it_is_held(guarded: Desk, keys: Issuer, chunked: bool) -> None:
    asked = 0

    async def endless() -> Any:
        nonlocal asked
        for asked in range(100_000):  # noqa: B007  # how many were taken
            yield b"x" * 1024

    async with with_token(guarded, keys.token(NATIONAL, SQL)) as client:
        content = endless() if chunked else b"x" * (application.MOST_BODY_BYTES + 1)
        answer = await client.post(QUERY, content=content)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:meldingsvakt:problem:body-too-large")
    assert asked < 100


async def test_a_body_that_is_no_json_is_a_problem(guarded: Desk, keys: Issuer) -> None:
    async with with_token(guarded, keys.token(NATIONAL, SQL)) as client:
        for content in (b"", b"\xff", b'{"query": 1}', b'{"query": "SELECT 1", "more": 2}', b"[" * 60_000):
            answer = await client.post(QUERY, content=content, headers={"Content-Type": "application/json"})
            assert answer.status_code in (400, 422)
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py", "/static/%2e%2e/render.py", "/static/..%2frender.py", "/static//etc/passwd",
        "/static/....//....//etc/passwd", "/static/%2e%2e%2f%2e%2e%2f%2e%2e%2fpyproject.toml",
        "/static/..\\..\\render.py", "/static/%00", "/nn/static/../reports",
    ],
)  # fmt: skip
async def test_no_path_leads_out_of_the_static_folder(guarded: Desk, path: str) -> None:
    async with with_token(guarded, None) as client:
        answer = await client.get(httpx.URL("http://localhost", raw_path=path.encode()))
        assert answer.status_code in (401, 404)
        assert "import" not in answer.text


INJECTIONS = ("0301' OR '1'='1", "0301; DROP TABLE reports", "0301) UNION SELECT * FROM about--", "%", "\\", "0301\0")


@pytest.mark.parametrize("text", INJECTIONS)
async def test_no_filter_is_read_as_sql(guarded: Desk, keys: Issuer, text: str) -> None:
    names = ("receiver", "q", "unit", "case_system", "channel", "flag", "county", "order", "cursor", "district")
    async with with_token(guarded, keys.token(OWN)) as client:
        for path in ("/api/v1/reports", SUMMARY, "/reports", "/receivers"):
            for name in names:
                answer = await client.get(path, params={name: text})
                assert answer.status_code in (200, 400, 404, 422), (path, name)
                assert "3301" not in answer.text
        assert (await client.get(SUMMARY)).json()["total"]["reports"] == 3


async def test_every_answer_tells_browsers_to_trust_nobody_else(guarded: Desk, keys: Issuer) -> None:
    async with with_token(guarded, keys.token(NATIONAL)) as client:
        for path in ("/", SUMMARY, "/api/v1/nothing", "/static/page.css", "/livez"):
            headers = (await client.get(path)).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert (headers["referrer-policy"], headers["x-content-type-options"]) == ("no-referrer", "nosniff")


async def test_nobody_on_the_way_keeps_an_answer(guarded: Desk, keys: Issuer) -> None:
    async with with_token(guarded, keys.token(NATIONAL, SQL)) as client:
        paths = (
            "/",
            "/reports",
            "/receivers",
            "/sql?query=SELECT+1",
            "/api/v1/reports",
            "/api/v1/reports.csv",
            SUMMARY,
        )
        answers = [await client.get(path) for path in paths]
        answers += [await client.post(QUERY, json={"query": "SELECT 1"}), await client.get("/reports?x=1")]
        answers += [await client.get("/reports", headers={"If-None-Match": answers[1].headers["etag"]})]
        assert {answer.headers["cache-control"] for answer in answers} == {"private, no-store"}
        assert (await client.get("/static/page.css")).status_code == 200


async def test_counts_only_is_for_everybody_where_it_is_set(issuer: Issuer) -> None:
    desk = issuer.desk(view_rows=False)
    fill(desk)
    async with with_token(desk, issuer.token(NATIONAL, SQL)) as client:
        assert (await client.get("/api/v1/reports")).status_code == 403
        assert (await client.post(QUERY, json={"query": "SELECT * FROM reports"})).status_code == 400
        assert (await client.get(SUMMARY)).json()["total"]["pending"] is None
    await desk.stop()


ONE = "[[organisation]]\n"


class TestMapping:
    """The file of organisations."""

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "organisation"),
            ("organisation = []", "organisation"),
            ('[[organisation]]\nnumber = "1"\nreceivers = [{municipality = "0301"}]', "organisation.0.number"),
            ('[[organisation]]\nnumber = "958935420"\nreceivers = []', "organisation.0.receivers"),
            (
                '[[organisation]]\nnumber = "958935420"\nreceivers = [{municipality = "301"}]',
                "receivers.0.municipality",
            ),
            ('[[organisation]]\nnumber = "958935420"\nreceivers = [{unit = "u"}]', "receivers.0.municipality"),
            ('[[organisation]]\nnumber = "958935420"\nmunicipalities = ["0301"]', "organisation.0"),
            (MAPPING + MAPPING, "is there twice"),
            ("[[organisation", "is no TOML"),
        ],
    )
    def test_one_that_is_not_right_is_refused_in_a_sentence(self, tmp_path: Path, text: str, said: str) -> None:
        path = tmp_path / "mapping.toml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigurationError, match=r"The mapping .*mapping\.toml ") as caught:
            Mapping(path)
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_one_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="MELDINGSVAKT_VIEW_MAPPING"):
            Mapping(tmp_path / "nothing.toml")

    def test_a_change_is_in_force_soon_and_a_broken_one_never(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(organisations, "LOOK_EVERY_SECONDS", 0.0)
        path = tmp_path / "mapping.toml"
        path.write_text(MAPPING, encoding="utf-8")
        made = Mapping(path)
        assert made.receivers_of(OSLO) == {ReceiverScope("0301")}
        assert made.receivers_of(BERGEN) == {ReceiverScope("4601")}  # today's number
        path.write_text(MAPPING.replace('"0301" }]', '"3301" }]', 1), encoding="utf-8")
        assert made.receivers_of(OSLO) == {ReceiverScope("3301")}
        path.write_text("broken", encoding="utf-8")
        assert made.receivers_of(OSLO) == {ReceiverScope("3301")}
        assert "The one before stays in force." in caplog.text
        path.unlink()
        assert made.receivers_of(OSLO) == {ReceiverScope("3301")}

    async def test_who_is_taken_out_of_it_sees_nothing_any_more(
        self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(organisations, "LOOK_EVERY_SECONDS", 0.0)
        desk = issuer.desk()
        desk.record = Recorded()  # type: ignore[assignment]
        fill(desk)
        async with with_token(desk, issuer.token(OWN)) as client:
            assert len((await client.get("/api/v1/reports")).json()["reports"]) == 3
            issuer.mapping.write_text(MAPPING.replace(OSLO, "889640782"), encoding="utf-8")
            assert (await client.get("/api/v1/reports")).status_code == 403
        await desk.stop()
