"""The real application over a desk, on a real Kafka or on none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson

from streams.intake.application import application
from streams.intake.desk import IntakeDesk
from streams.intake.follower import Heard
from streams.intake.writer import Delivered
from streams.kafka.consumers import read_all
from streams.records.decode import FEED_HEADER
from streams.records.record import Write
from streams.settings import KafkaSettings, Settings
from tests.engine.world import World
from tests.real_kafka import true_at_last
from tests.view.access.issuer import BERGEN, OSLO, SEVERAL, Issuer
from tests.view.conftest import NOWHERE

PROOF, DECIDE, PORTAL = (f"meldingsvakt:{name}" for name in ("proof", "decide", "portal"))
PROOFS = "/intake/v1/proofs"
ORGANISATIONS = f"""
[[organisation]]
number = "{OSLO}"
receivers = [{{ municipality = "0301" }}]
feeds = ["flyt-oslo"]

[[organisation]]
number = "{BERGEN}"
receivers = [{{ municipality = "4601" }}]
feeds = ["flyt-bergen"]

[[organisation]]
number = "{SEVERAL}"
receivers = [{{ municipality = "1103" }}, {{ municipality = "0301", district = "03" }}]
feeds = ["flyt-several"]
"""


def issuer_in(folder: Path) -> Issuer:
    """An issuer whose organisations may deliver."""
    made = Issuer(folder)
    made.mapping.write_text(ORGANISATIONS, encoding="utf-8")
    return made


def failed(error: BaseException) -> None:
    """Nothing ends an intake in these tests."""
    raise AssertionError from error


def asking(desk: IntakeDesk, token: str | None = None) -> httpx.AsyncClient:
    """A client of the real application; what it does not foresee comes out as an error of the test."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    transport = httpx.ASGITransport(app=application(desk, failed))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers, timeout=30)


def settings_of(world: World, **changes: Any) -> Settings:
    """The world's settings, with an intake of its own name."""
    given: dict[str, Any] = {"app_id": world.name, "input_prefix": f"{world.name}.", "intake_port": 0} | changes
    return Settings(**given)


@asynccontextmanager
async def working(kafka: KafkaSettings, settings: Settings) -> AsyncIterator[IntakeDesk]:
    """A desk that is ready."""
    desk = IntakeDesk(kafka, settings)
    desk.start(failed)
    try:

        async def ready() -> bool:
            return desk.trouble is None

        await true_at_last(ready)
        yield desk
    finally:
        await desk.stop()


def desk_of(keys: Issuer | None = None, **changes: Any) -> IntakeDesk:
    """A desk that has never reached Kafka."""
    given = {**keys.settings(), **changes} if keys else changes
    return IntakeDesk(NOWHERE, Settings(**given))


def kind(answer: httpx.Response) -> tuple[int, str]:
    """The status and the kind of problem; all refusals are problem documents."""
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


class Kept:
    """Stands where Kafka would be: what would have been committed, transaction by transaction."""

    trouble = None

    def __init__(self) -> None:
        self.transactions: list[list[Write]] = []

    def input_partitions(self) -> int:
        """Two."""
        return 2

    async def write(self, records: list[Write], delivered: Delivered) -> None:
        """Remember it."""
        self.transactions.append(records)

    def proofs(self) -> list[dict[str, Any]]:
        """Every proof."""
        found = [orjson.loads(one.value or b"") for some in self.transactions for one in some if not one.headers]
        return sorted(found, key=lambda value: str(value["report_id"]))

    def marks(self) -> list[str]:
        """Until when marks vouch."""
        headers = [(FEED_HEADER, b"flyt-oslo")]
        marked = [one for some in self.transactions for one in some if one.headers == headers]
        return [orjson.loads(one.value or b"")["vouched_until"] for one in marked]


def desk_and_kept(keys: Issuer | None = None) -> tuple[IntakeDesk, Kept]:
    """A desk that has read what the checker says: nothing."""
    desk, kept = desk_of(keys), Kept()
    desk.writer = kept  # type: ignore[assignment]  # on real Kafka in test_proofs_on_kafka
    desk.follower.heard, desk.follower.trouble = Heard(), None
    return desk, kept


async def stored(world: World) -> list[tuple[int, bytes | None, dict[str, Any]]]:
    """Everything that is committed on the topic of proofs: partition, key and value, in the order of each partition."""
    found = [record async for record in read_all(world.kafka, [f"{world.name}.stored"])]
    return [
        (record.partition, record.key, orjson.loads(record.value))
        for record in sorted(found, key=lambda record: (record.partition, record.offset))
        if record.value is not None
    ]


class Process:
    """`meldingsvakt intake` as a process."""

    def __init__(self, world: World, port: int) -> None:
        log = world.folder / f"intake-{port}.log"
        self.process = world.process(("-m", "streams.cli", "intake"), log, intake_port=str(port))
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30)
        self.log = log

    async def ready(self) -> None:
        """Wait until it says so."""

        async def told() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            try:
                return (await self.client.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        await true_at_last(told, 40)
