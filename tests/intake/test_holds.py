"""What a feed has still to deliver holds its word back until the proof of it is committed."""

from http import HTTPStatus
from uuid import UUID

import httpx
import orjson
import pytest

from streams.intake.desk import IntakeDesk
from streams.intake.writer import Delivered
from streams.problems import Problem
from streams.records.messages import message_record
from streams.records.record import BareRecord, Write
from tests.intake.door import PROOF, PROOFS, Kept, asking, desk_and_kept, kind
from tests.view.access.issuer import OSLO, Issuer

REPORT = str(UUID(int=1))
UNTIL = "2026-01-05T12:00:00Z"
ITEM = {"message_id": "m-1", "stored_at": "2026-01-05T09:00:00Z"}
BEFORE_IT = "2026-01-05T08:59:59.999999Z"
MARKS = "/intake/v1/feeds/flyt-oslo/marks"


class Failing(Kept):
    """Kafka does not confirm what comes while `fails`."""

    fails = False

    async def write(self, records: list[Write], delivered: Delivered) -> None:
        """Not certainly written, or remembered."""
        if self.fails:
            raise Problem("not-written", "Not confirmed.", status=HTTPStatus.SERVICE_UNAVAILABLE)
        await super().write(records, delivered)


def known(desk: IntakeDesk) -> None:
    """The checker tells of the message."""
    told = message_record("reports.messages", 0, "m-1", REPORT, known=True)
    desk.heard().messages.take([BareRecord(0, 0, 0, told.key, told.value, ())])


async def mark(client: httpx.AsyncClient) -> str | None:
    """The feed's word alone, as it is answered."""
    until: str | None = (await client.post(MARKS, json={"vouched_until": UNTIL})).json()["vouched_until"]
    return until


@pytest.mark.parametrize("address", ["proofs", "lists"])
async def test_a_message_holds_its_feed_back_until_its_proof_is_committed(keys: Issuer, address: str) -> None:
    desk, _ = desk_and_kept(keys)
    desk.writer = writer = Failing()  # type: ignore[assignment]  # as in desk_and_kept
    async with asking(desk, keys.token(PROOF, organisation=OSLO)) as client:

        async def said() -> int:
            if address == "proofs":
                return (await client.post(PROOFS, json={"feed": "flyt-oslo", "items": [ITEM]})).status_code
            media = {"Content-Type": "application/x-ndjson"}
            body, query = orjson.dumps(ITEM) + b"\n", {"feed": "flyt-oslo"}
            return (await client.post("/intake/v1/lists", content=body, headers=media, params=query)).status_code

        assert await said() == 202
        known(desk)
        writer.fails = True
        assert await said() == 503
        writer.fails = False
        assert await mark(client) == BEFORE_IT
        assert await said() == 202
        assert await mark(client) == "2026-01-05T12:00:00.000000Z"


async def test_no_message_is_looked_up_while_what_the_checker_says_cannot_be_read(keys: Issuer) -> None:
    desk, kept = desk_and_kept(keys)
    known(desk)
    async with asking(desk, keys.token(PROOF, organisation=OSLO)) as client:
        desk.follower.trouble = "Kafka is away."
        assert kind(await client.post(PROOFS, json={"items": [ITEM]})) == (503, "not-read-yet")
        assert (await client.post(PROOFS, json={"items": [{"report_id": REPORT}]})).status_code == 202
        assert [one["report_id"] for one in kept.proofs()] == [REPORT]
        desk.follower.trouble = None
        assert (await client.post(PROOFS, json={"items": [ITEM]})).json()["verdicts"] == ["accepted"]


async def test_a_record_of_coverage_that_cannot_be_read_is_skipped_and_counted(keys: Issuer) -> None:
    desk, _ = desk_and_kept(keys)
    values = (b"{", b"[]", b'{"kind":"coverage"}', b'{"kind":"other"}', None)
    desk.heard().take("reports.coverage", [BareRecord(0, at, 0, b"", value, ()) for at, value in enumerate(values)])
    async with asking(desk) as client:
        assert "meldingsvakt_intake_unreadable_coverage 3.0" in (await client.get("/metrics")).text
