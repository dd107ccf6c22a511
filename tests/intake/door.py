"""The real application over a desk, on a real Kafka or on none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from streams.intake.application import application
from streams.intake.desk import IntakeDesk
from streams.settings import KafkaSettings, Settings
from tests.engine.world import World
from tests.real_kafka import true_at_last
from tests.view.access.issuer import BERGEN, OSLO, SEVERAL, Issuer

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
