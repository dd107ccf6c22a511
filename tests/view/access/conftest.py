"""An issuer, a desk that trusts it, and what was recorded."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from streams.view.services import Desk
from tests.view.access.issuer import UNIT, Issuer, Recorded
from tests.view.stock import after, books, changes, coverage, missing, receiver, recovered, state, word

# municipality, district, unit of ten reports; 1201 is Bergen's former number, 4601 today's.
WHERE = (
    ("0301", "03", None), ("0301", "04", None), ("0301", None, None), ("4601", None, None), ("1201", None, None),
    ("1103", None, None), ("5001", None, UNIT), ("5001", None, None), ("3301", None, None), (None, None, None),
)  # fmt: skip
FEEDS = {"0301": "flyt-oslo", "4601": "flyt-bergen", "1201": "flyt-bergen", "3301": "familia-3301"}
STATUSES = ("missing", "recovered", "stored", "missing", "stored", "missing", "missing", "stored", "pending", "missing")


def fill(desk: Desk) -> None:
    """Ten reports of several receivers, each number its place in WHERE."""
    rows, events = [], []
    for number, ((municipality, district, unit), status) in enumerate(zip(WHERE, STATUSES, strict=True)):
        of = receiver(municipality, district=district, unit_id=unit) if municipality else None
        feed = "quiet" if municipality == "1103" else FEEDS.get(municipality or "")
        rows.append(state(number, status, receiver=of, feed=feed))
        if status in ("missing", "recovered"):
            events.append(missing(number, receiver=of))
        if status == "recovered":
            events.append(recovered(number, receiver=of))
    said = [
        coverage(
            0,
            after(days=1),
            first_complete=after(days=-40),
            feeds={feed: word(vouched=0, heard=1, proofs=3) for feed in FEEDS.values()}
            | {"quiet": word(proofs=1)},  # of which nobody knows more than that a proof has come
        ),
        *(books(number, stored=1) for number in ("0301", "1201", "4601", "5001")),
    ]
    desk.store.apply(changes(rows, events, said))


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    """An issuer whose keys are not changed."""
    return Issuer(tmp_path_factory.mktemp("issuer"))


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    """An issuer of the test's own."""
    return Issuer(tmp_path)


def filled(keys: Issuer) -> Desk:
    """A desk behind the gate, with ten reports in its tables."""
    desk = keys.desk()
    desk.record = Recorded()  # type: ignore[assignment]  # on real Kafka in test_record_on_kafka
    fill(desk)
    return desk


@pytest.fixture
async def guarded(keys: Issuer) -> AsyncIterator[Desk]:
    """A desk of the test's own."""
    desk = filled(keys)
    yield desk
    await desk.stop()


@pytest.fixture(scope="module")
def asked(keys: Issuer) -> Iterator[Desk]:
    """A desk for all that is only read: what one organisation has asked lies in its caches when the next one asks."""
    desk = filled(keys)
    yield desk
    asyncio.run(desk.stop())
