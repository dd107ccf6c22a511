"""What the door says before anything reaches Kafka: who may, what is too much, what cannot be read."""

import gzip
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from fastapi import Request
from starlette.types import Message

from streams.errors import ConfigurationError
from streams.intake.bodies import MOST_DELIVERED_BYTES, content_of
from streams.intake.server import serve
from streams.problems import Problem
from streams.settings import Settings
from tests.intake.door import DECIDE, PROOF, PROOFS, asking, desk_of, kind
from tests.view.access.issuer import BERGEN, NATIONAL, NOBODY, OWN, Issuer
from tests.view.conftest import NOWHERE

REPORT = "0b7f3d52-6c1e-4f4e-9d0a-1c2b3a4d5e6f"
ONE: dict[str, Any] = {"items": [{"report_id": REPORT}]}
ITS_OWN = {**ONE, "feed": "flyt-bergen"}
NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.mark.parametrize(
    ("scopes", "organisation", "body", "said"),
    [
        ([NATIONAL, OWN, DECIDE], BERGEN, ONE, (403, "no-scope")),
        ([PROOF], NOBODY, ONE, (403, "no-receiver")),
        ([PROOF], BERGEN, {**ONE, "feed": "flyt-oslo"}, (403, "not-your-feed")),
        ([PROOF], BERGEN, {**ONE, "vouched_until": "2026-01-05T12:00:00Z"}, (400, "no-feed")),
        ([PROOF], BERGEN, {**ITS_OWN, "vouched_until": "2999-01-01T00:00:00Z"}, (422, "vouches-ahead")),
        ([PROOF], BERGEN, {**ITS_OWN, "vouched_until": "2026-01-05T12:00:00"}, (422, "invalid-parameter")),
        ([PROOF], BERGEN, {**ONE, "zone": "Europe/Bergen"}, (422, "invalid-parameter")),
        ([PROOF], BERGEN, {**ONE, "vouched": "2026-01-05T12:00:00Z"}, (422, "unknown-parameter")),
        ([PROOF], BERGEN, {"items": [{}] * 1001}, (413, "too-many-items")),
        ([PROOF], BERGEN, {"items": {}}, (422, "invalid-parameter")),
        ([PROOF], BERGEN, {}, (422, "invalid-parameter")),
        ([PROOF], BERGEN, [], (400, "not-an-object")),
        ([PROOF], BERGEN, {"items": [{"message_id": "m-1"}]}, (503, "not-read-yet")),
        ([PROOF], BERGEN, ONE, (503, "not-written")),
    ],
)  # fmt: skip
async def test_what_is_refused_as_a_whole(
    keys: Issuer, scopes: list[str], organisation: str, body: Any, said: tuple[int, str]
) -> None:
    async with asking(desk_of(keys), keys.token(*scopes, organisation=organisation)) as client:
        assert kind(await client.post(PROOFS, json=body)) == said


async def test_a_supplier_without_its_consumer_delivers_for_nobody(keys: Issuer) -> None:
    supplier = {"authority": "iso6523-actorid-upis", "ID": f"0192:{BERGEN}"}
    async with asking(desk_of(keys), keys.token(PROOF, consumer=None, supplier=supplier)) as client:
        assert kind(await client.post(PROOFS, json=ONE)) == (403, "no-receiver")


async def test_nobody_delivers_without_a_token_where_tokens_are_asked_for(keys: Issuer) -> None:
    async with asking(desk_of(keys)) as client:
        assert kind(await client.post(PROOFS, json=ONE)) == (401, "no-token")
        assert kind(await client.get("/intake/v1/feeds/flyt-oslo")) == (401, "no-token")
        assert kind(await client.get("/intake/v1/openapi.json")) == (401, "no-token")


@pytest.mark.parametrize("path", ["/intake/v1/feeds/flyt-oslo/marks", "/intake/v1/feeds/flyt-oslo"])
async def test_nobody_vouches_for_anothers_feed_nor_asks_for_it(keys: Issuer, path: str) -> None:
    async with asking(desk_of(keys), keys.token(PROOF, organisation=BERGEN)) as client:
        method = "POST" if path.endswith("marks") else "GET"
        body = {"vouched_until": "2026-01-05T12:00:00Z"} if method == "POST" else None
        assert kind(await client.request(method, path, json=body)) == (403, "not-your-feed")


@pytest.mark.parametrize(
    ("content", "headers", "said"),
    [
        (b"", {"Content-Type": "application/json"}, (400, "not-json")),
        (b"{", {"Content-Type": "application/json"}, (400, "not-json")),
        (b"[" * 500_000, {"Content-Type": "application/json"}, (400, "not-json")),
        (b"x", {"Content-Type": "text/csv"}, (415, "other-media-type")),
        (b"x", {}, (415, "other-media-type")),
        (b"x", {"Content-Encoding": "br", **NDJSON}, (415, "packed-otherwise")),
        (b"x", {"Content-Encoding": "gzip", **NDJSON}, (400, "not-gzip")),
        (gzip.compress(b"{}", mtime=0)[:-4], {"Content-Encoding": "gzip", **NDJSON}, (400, "not-gzip")),
        (gzip.compress(b"{}", mtime=0) + b"x", {"Content-Encoding": "gzip", **NDJSON}, (400, "not-gzip")),
        (gzip.compress(bytes(64 << 20), mtime=0), {"Content-Encoding": "gzip", **NDJSON}, (413, "body-too-large")),
        (b"{}\n" * 1001, NDJSON, (413, "too-many-items")),
        (bytes(MOST_DELIVERED_BYTES + 1), NDJSON, (413, "body-too-large")),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_body_that_cannot_be_read_is_a_problem(
    content: bytes, headers: dict[str, str], said: tuple[int, str]
) -> None:
    async with asking(desk_of()) as client:
        assert kind(await client.post(PROOFS, content=content, headers=headers)) == said


async def test_a_body_without_end_is_given_up(keys: Issuer) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100:
            sent += 1
            yield bytes(100_000)

    async with asking(desk_of(keys), keys.token(PROOF)) as client:
        answer = await client.post(PROOFS, content=endless(), headers=NDJSON)
    assert kind(answer) == (413, "body-too-large")
    assert sent < 50


async def test_who_goes_away_within_a_body_is_no_failure_of_ours() -> None:
    async def gone() -> Message:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "POST", "path": PROOFS, "headers": [], "query_string": b""}
    with pytest.raises(Problem, match="did not come to its end") as said:
        await content_of(Request(scope, gone))
    assert said.value.status == 400


async def test_a_page_of_somebody_elses_delivers_nothing() -> None:
    async with asking(desk_of()) as client:
        answer = await client.post(PROOFS, json=ONE, headers={"Origin": "https://elsewhere.example"})
        assert kind(answer) == (403, "cross-site")
        assert kind(await client.post(PROOFS, json=ONE, headers={"Host": "elsewhere.example"})) == (403, "unknown-host")


async def test_no_refusal_repeats_what_was_sent(keys: Issuer) -> None:
    async with asking(desk_of(keys), keys.token(PROOF)) as client:
        for body in ({**ONE, "feed": "Kari Nordmann"}, {**ONE, "zone": "Kari Nordmann"}, {"items": "Kari Nordmann"}):
            answer = await client.post(PROOFS, json=body)
            assert answer.status_code == 422
            assert "Kari" not in answer.text


def test_it_listens_on_loopback_only_unless_it_asks_for_tokens() -> None:
    with pytest.raises(
        ConfigurationError, match=r"The intake does not listen on 0\.0\.0\.0 without tokens: set"
    ) as said:
        serve(NOWHERE, Settings(intake_host="0.0.0.0"))
    assert "MELDINGSVAKT_INTAKE_HOST to 127.0.0.1" in str(said.value)


async def test_it_lives_and_says_why_it_is_not_ready() -> None:
    async with asking(desk_of()) as client:
        assert (await client.get("/livez")).json() == {"alive": True}
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["reason"]) == (503, "It has not reached Kafka yet.")
        assert "meldingsvakt_intake_ready 0.0" in (await client.get("/metrics")).text


async def test_the_examples_of_the_description_are_read(keys: Issuer) -> None:
    async with asking(desk_of(keys), keys.token(PROOF)) as client:
        described = (await client.get("/intake/v1/openapi.json")).json()
    assert described["openapi"].startswith("3.")
    for path, operations in described["paths"].items():
        for operation in operations.values():
            for media, body in operation.get("requestBody", {"content": {}})["content"].items():
                given = body.get("example")
                if given is None:  # of Parquet
                    continue
                async with asking(desk_of()) as client:
                    answer = await client.post(
                        path.replace("{feed}", "familia-3907"),
                        content=given if isinstance(given, str) else orjson.dumps(given),
                        headers={"Content-Type": media},
                    )
                assert kind(answer) in {(503, "not-written"), (503, "not-read-yet")}, path


async def test_what_is_not_confirmed_says_what_does_not_count_once(keys: Issuer) -> None:
    async with asking(desk_of(keys), keys.token(PROOF, organisation=BERGEN)) as client:
        assert (await client.post(PROOFS, json=ONE)).json()["detail"] == (
            "Kafka has not confirmed that this was written: send the same again. What is said twice counts once, but "
            "for decisions without a decision_id; and of a report's receipts the last one counts."
        )
