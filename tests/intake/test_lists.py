"""Lists as people and systems write them: read as the audit reads them, and vouching only where they are whole."""

import gzip
import io
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
import pyarrow as pa
import pyarrow.parquet
import pytest
from starlette.requests import ClientDisconnect

from streams.core.events import written
from streams.intake import lists
from streams.intake.lists import ListSizes
from streams.problems import Problem
from tests.intake.door import PROOF, Kept, asking, desk_and_kept, kind
from tests.view.access.issuer import BERGEN, OSLO, Issuer

LISTS = "/intake/v1/lists"
IDS = [str(UUID(int=number)) for number in range(1, 5)]
CSV = {"Content-Type": "text/csv"}
OURS = "report_id,stored_at\n" + "".join(f"{one},2026-01-05T09:00:0{at}Z\n" for at, one in enumerate(IDS))
UNTIL = "2026-01-05T12:00:00Z"


async def send(
    keys: Issuer, content: Any, headers: Mapping[str, str] = CSV, **query: str
) -> tuple[httpx.Response, Kept]:
    """A list for Oslo."""
    desk, kept = desk_and_kept(keys)
    async with asking(desk, keys.token(PROOF, organisation=OSLO)) as client:
        return await client.post(LISTS, content=content, headers=headers, params=query), kept


async def test_a_list_with_our_own_columns_is_proofs_and_the_feeds_word(keys: Issuer) -> None:
    answer, kept = await send(keys, OURS, feed="flyt-oslo", vouched_until=UNTIL)
    assert (answer.status_code, answer.json()) == (
        202,
        {
            "rows": 4, "counts": {"accepted": 4}, "refused": [], "warnings": [],
            "vouched_until": "2026-01-05T12:00:00.000000Z",
        },
    )  # fmt: skip
    assert kept.proofs() == [
        {
            "report_id": one, "stored_at": f"2026-01-05T09:00:0{at}.000000Z", "evidence": "RECONCILIATION",
            "receiver": {"municipality": "0301"}, "feed": "flyt-oslo",
        }
        for at, one in enumerate(IDS)
    ]  # fmt: skip
    assert kept.marks() == ["2026-01-05T12:00:00.000000Z"] * 2


THEIRS = (
    "Sak;Meldings-ID;Arkivert;Navn\r\n"
    f"1;{IDS[0].upper()};05.01.2026 10:00;Kari Nordmann\r\n"
    f"2;{{{IDS[1]}}};25.10.2026 02:30:00;Ola Nordmann\r\n"
    f"3;{IDS[2]};06.01.2026;\r\n"
)
MAPPING: dict[str, str] = {
    "columns.report_id": "Meldings-ID", "columns.stored_at": "Arkivert", "constants.evidence": "READ_BACK",
    "zone": "Europe/Oslo",
}  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
async def test_a_spreadsheets_own_columns_times_and_letters_are_read_by_a_mapping(keys: Issuer, encoding: str) -> None:
    answer, kept = await send(keys, THEIRS.encode(encoding), CSV, **MAPPING)
    assert (answer.status_code, answer.json()["counts"]) == (202, {"accepted": 3}), answer.text
    assert [(value["report_id"], value.get("stored_at")) for value in kept.proofs()] == [
        (IDS[0], "2026-01-05T09:00:00.000000Z"),
        (IDS[1], None),  # in the hour that comes twice
        (IDS[2], None),  # a day is no time at which something was stored
    ]
    assert b"Nordmann" not in b"".join(one.value or b"" for some in kept.transactions for one in some)


async def test_ndjson_and_parquet_are_read_alike(keys: Issuer) -> None:
    rows = [{"report_id": one, "stored_at": f"2026-01-05T09:00:0{at}Z"} for at, one in enumerate(IDS)]
    ndjson = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    times = pa.array([datetime(2026, 1, 5, 9, 0, at, tzinfo=UTC) for at in range(4)], pa.timestamp("us", "UTC"))
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"report_id": IDS, "stored_at": times}), buffer)
    _, by_csv = await send(keys, OURS)
    for content, media in ((ndjson, "application/x-ndjson"), (buffer.getvalue(), "application/vnd.apache.parquet")):
        answer, kept = await send(keys, content, {"Content-Type": media})
        assert answer.status_code == 202, answer.text
        assert kept.proofs() == by_csv.proofs()


async def test_a_list_that_is_cut_off_anywhere_vouches_for_nothing(keys: Issuer) -> None:
    desk, kept = desk_and_kept(keys)
    query = {"feed": "flyt-oslo", "vouched_until": UNTIL, "rows": "4", "insist": "true"}
    async with asking(desk, keys.token(PROOF, organisation=OSLO)) as client:
        for end in range(1, len(OURS)):
            kept.transactions.clear()
            answer = await client.post(LISTS, content=OURS[:end], headers=CSV, params=query)
            assert answer.status_code in (202, 422), end
            assert kept.marks() == [] or len(kept.proofs()) == 4, end  # nothing but the last newline is not there
            if answer.status_code == 202 and not kept.marks():
                assert answer.json()["vouched_until"] is None, end


async def test_one_that_is_cut_at_a_lines_end_is_known_by_its_rows(keys: Issuer) -> None:
    """Nothing in it tells that it was longer."""
    lines = OURS.splitlines(keepends=True)
    for count in range(2, 5):
        content = "".join(lines[:count])
        answer, kept = await send(keys, content, feed="flyt-oslo", vouched_until=UNTIL)
        assert (answer.json()["warnings"], len(kept.marks())) == ([], 2)
        answer, kept = await send(keys, content, feed="flyt-oslo", vouched_until=UNTIL, rows="4")
        told = answer.json()
        assert (told["warnings"], told["vouched_until"], kept.marks()) == (["cut_off"], None, [])


@pytest.mark.parametrize("rest", ["", "\n", ",\n", " \n"])
@pytest.mark.parametrize("insist", ["true", "false"])
async def test_a_list_without_rows_vouches_for_nothing(keys: Issuer, rest: str, insist: str) -> None:
    content = OURS.splitlines(keepends=True)[0] + rest
    answer, kept = await send(keys, content, feed="flyt-oslo", vouched_until=UNTIL, insist=insist)
    assert (kind(answer), kept.transactions) == ((422, "list-unreadable"), [])


async def test_nor_does_one_whose_last_line_does_not_end_unless_its_rows_are_as_many_as_it_says(keys: Issuer) -> None:
    answer, kept = await send(keys, OURS.rstrip("\n"), feed="flyt-oslo", vouched_until=UNTIL)
    assert (answer.json()["warnings"], answer.json()["vouched_until"], kept.marks()) == (["cut_off"], None, [])
    assert len(kept.proofs()) == 4
    answer, kept = await send(keys, OURS.rstrip("\n"), feed="flyt-oslo", vouched_until=UNTIL, rows="4")
    assert len(kept.marks()) == 2


async def test_a_parquet_file_that_is_cut_off_is_no_list(keys: Issuer) -> None:
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"report_id": IDS, "stored_at": [UNTIL] * 4}), buffer)
    for end in range(1, len(buffer.getvalue()), 97):
        answer, kept = await send(keys, buffer.getvalue()[:end], {"Content-Type": "application/vnd.apache.parquet"})
        assert kind(answer) == (422, "list-unreadable")
        assert kept.transactions == []


async def test_a_body_that_breaks_off_has_written_nothing(keys: Issuer, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield OURS[:80].encode()
        raise ClientDisconnect

    with pytest.raises(Problem, match="did not come to its end"):
        await lists.save(broken(), "identity", tmp_path / "list.csv")


async def test_a_list_that_has_shrunk_by_half_is_refused_unless_the_sender_insists(keys: Issuer) -> None:
    desk, kept = desk_and_kept(keys)
    query = {"feed": "flyt-oslo", "vouched_until": UNTIL}
    one = "".join(OURS.splitlines(keepends=True)[:2])
    two = "".join(OURS.splitlines(keepends=True)[:3])
    async with asking(desk, keys.token(PROOF, organisation=OSLO)) as client:

        async def sent(content: str, **more: str) -> httpx.Response:
            return await client.post(LISTS, content=content, headers=CSV, params=query | more)

        assert (await sent(OURS)).status_code == 202
        before = len(kept.transactions)
        assert kind(await sent(one)) == (409, "list-shrunk")
        assert len(kept.transactions) == before
        assert (await sent(two)).status_code == 202  # half of it
        assert (await sent(OURS)).status_code == 202
        assert (await sent(one, insist="true")).json()["vouched_until"] is not None
        assert (await sent(one)).status_code == 202


def test_each_feeds_lists_are_compared_with_its_own() -> None:
    sizes = ListSizes()
    sizes.took("a", 100)
    sizes.ensure_not_shrunk("b", 1, insists=False)
    sizes.ensure_not_shrunk("a", 50, insists=False)
    with pytest.raises(Problem, match="has 49 rows and the last one of this feed had 100"):
        sizes.ensure_not_shrunk("a", 49, insists=False)


async def test_rows_that_are_not_taken_are_told_by_their_lines(keys: Issuer) -> None:
    content = (
        "report_id,stored_at,municipality\n"
        f"{IDS[0]},2026-01-05T09:00:00Z,0301\n"
        f"{IDS[1]},2026-01-05T09:00:00Z,4601\n"
        "none,2026-01-05T08:00:00Z,0301\n"
        f"{IDS[2]},soon,0301\n"
        f"{IDS[3]},2026-01-05T09:00:00Z,0301,Kari Nordmann\n"
    )
    answer, kept = await send(keys, content, feed="flyt-oslo", vouched_until=UNTIL)
    assert answer.json()["refused"] == [
        {"line": 3, "verdict": "not_yours"},
        {"line": 4, "verdict": "unreadable:report_id"},
        {"line": 5, "verdict": "unreadable:stored_at"},
        {"line": 6, "verdict": "unreadable:line"},
    ]
    assert [value["report_id"] for value in kept.proofs()] == [IDS[0]]
    assert answer.json()["vouched_until"] is None  # of two rows nobody can tell when they were stored
    assert "Kari" not in answer.text


@pytest.mark.parametrize(
    ("content", "headers", "query", "said"),
    [
        (OURS, {"Content-Type": "application/vnd.ms-excel"}, {}, (415, "other-media-type")),
        (OURS, {**CSV, "Content-Encoding": "br"}, {}, (415, "packed-otherwise")),
        (OURS, {**CSV, "Content-Encoding": "gzip"}, {}, (400, "not-gzip")),
        (gzip.compress(OURS.encode(), mtime=0)[:-9], {**CSV, "Content-Encoding": "gzip"}, {}, (400, "not-gzip")),
        (gzip.compress(bytes(64 << 20), mtime=0), {**CSV, "Content-Encoding": "gzip"}, {}, (413, "body-too-large")),
        (bytes((16 << 20) + 1), CSV, {}, (413, "body-too-large")),
        ("", CSV, {}, (422, "list-unreadable")),
        ("Sak;Navn\n1;Kari\n", CSV, {}, (422, "list-unreadable")),
        ("PK\x03\x04", CSV, {}, (422, "list-unreadable")),
        (OURS, CSV, {"columns.report_id": "Id"}, (422, "list-unreadable")),
        (OURS, CSV, {"columns.child": "Navn"}, (422, "invalid-parameter")),
        (OURS, CSV, {"zone": "Europe/Bergen"}, (422, "bad-mapping")),
        (OURS, CSV, {"constants.municipality": "Oslo"}, (422, "bad-mapping")),
        (OURS, CSV, {"colums.report_id": "Id"}, (422, "unknown-parameter")),
        (OURS, CSV, {"vouched_until": UNTIL}, (400, "no-feed")),
        (OURS, CSV, {"feed": "flyt-bergen"}, (403, "not-your-feed")),
        (OURS, CSV, {"feed": "flyt-oslo", "vouched_until": "2999-01-01T00:00:00Z"}, (422, "vouches-ahead")),
        (OURS.replace("Z\n", "\n"), CSV, {}, (422, "no-zone")),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_what_is_refused_as_a_whole(
    keys: Issuer, content: Any, headers: dict[str, str], query: dict[str, str], said: tuple[int, str]
) -> None:
    answer, kept = await send(keys, content, headers, **query)
    assert kind(answer) == said, answer.text
    assert kept.transactions == []
    assert "Kari" not in answer.text


async def test_a_packed_list_is_unpacked(keys: Issuer) -> None:
    answer, _ = await send(keys, gzip.compress(OURS.encode()), {**CSV, "Content-Encoding": "gzip"})
    assert answer.json()["counts"] == {"accepted": 4}


async def test_nobody_else_delivers_lists(keys: Issuer) -> None:
    desk, kept = desk_and_kept(keys)
    async with asking(desk, keys.token(organisation=BERGEN)) as client:
        assert kind(await client.post(LISTS, content=OURS, headers=CSV)) == (403, "no-scope")
    assert kept.transactions == []


async def test_a_long_list_goes_part_by_part_and_its_word_with_the_last(keys: Issuer) -> None:
    at = datetime(2026, 1, 5, tzinfo=UTC)
    lines = [f"{UUID(int=n)},{written(at + timedelta(seconds=n))}\n" for n in range(12_000)]
    answer, kept = await send(keys, "report_id,stored_at\n" + "".join(lines), feed="flyt-oslo", vouched_until=UNTIL)
    assert answer.json()["counts"] == {"accepted": 12_000}
    assert [len(some) for some in kept.transactions] == [5_000, 5_000, 2_002]
    assert [one.headers is not None for one in kept.transactions[-1]][-2:] == [True, True]
    assert len({value["report_id"] for value in kept.proofs()}) == 12_000
