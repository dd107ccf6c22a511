"""Log lines: one JSON object each, and nothing in them that a record said."""

import logging
import logging.config
import sys
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from streams.logs import JsonFormatter, TextFormatter, logging_config
from streams.settings import Settings
from tests.engine.conftest import MakeWorld
from tests.engine.world import World, now, receipt_value, sent_value, stored_value
from tests.system.operations.conftest import MUNICIPALITIES, NATIONAL_ID, Eventful
from tests.view.page.conftest import Viewing

SECRETS = (NATIONAL_ID, "Nordmann", "unit-7")


def lines(output: str) -> list[dict[str, Any]]:
    """Every line as the JSON object that it must be."""
    odd = [line for line in output.splitlines() if not line.startswith("{")]
    assert not odd, odd[:5]
    found = [orjson.loads(line) for line in output.splitlines()]
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in found)
    return found


@pytest.mark.kafka
@pytest.mark.asyncio(loop_scope="module")
async def test_a_worker_and_a_view_say_one_json_object_a_line_and_nothing_of_a_report(eventful: Eventful) -> None:
    viewing = eventful.viewing
    for report_id in eventful.reports:
        viewing.get(f"/api/v1/reports/{report_id}")
        viewing.get(f"/reports/{report_id}?receiver={MUNICIPALITIES[0]}")
    viewing.get("/api/v1/reports?receiver=3907&cursor=x")
    viewing.get(f"/{NATIONAL_ID}")
    for output, spoken in (
        (eventful.worker.output(), {("streams.engine.source", "INFO"), ("faust.worker", "DEBUG")}),
        (viewing.output(), {("uvicorn.error", "INFO"), ("meldingsvakt", "INFO")}),
    ):
        assert spoken <= {(line["logger"], line["level"]) for line in lines(output)}
        assert not [secret for secret in (*SECRETS, *eventful.reports) if secret in output]


def _with_a_number_in_each_field() -> Iterator[tuple[str, dict[str, Any]]]:
    """Records that have a national number in one field each: as its value, or within it."""
    receiver = {"municipality": "0301", "district": "03", "unit_id": "unit-7", "org_number": "974760673"}
    whole: dict[str, dict[str, Any]] = {
        "sent": {"case_system_version": "5", "message_id": "m", "form": "PRIVAT", "receiver": receiver},
        "receipt": {"message_id": "m"},
        "stored": {"receiver": receiver, "case_system": "UKJENT"},
    }
    make: dict[str, Callable[[str], dict[str, Any]]]
    make = {"sent": sent_value, "receipt": receipt_value, "stored": stored_value}
    for kind, more in whole.items():
        value = make[kind](str(uuid4())) | more
        for field in [*value, "navn"]:
            for number in (NATIONAL_ID, f"{value.get(field)} {NATIONAL_ID}"):
                yield kind, value | {"report_id": str(uuid4()), field: number}
        for field in receiver if "receiver" in value else ():
            yield kind, value | {"report_id": str(uuid4()), "receiver": receiver | {field: NATIONAL_ID}}


@pytest.mark.kafka
async def test_a_national_number_in_any_field_key_or_header_comes_into_no_log(make_world: MakeWorld) -> None:
    world = await make_world(partitions=2, allowance=1, log_level="DEBUG")
    worker, viewing = world.worker(log_format="text"), Viewing(world, log_format="json")
    written = list(_with_a_number_in_each_field())
    try:
        await worker.ready()
        for number, (kind, value) in enumerate(written):
            key = NATIONAL_ID if number % 10 == 9 else value["report_id"]
            await world.put(kind, value, key=key.encode(), headers=[("navn", NATIONAL_ID.encode())])
        viewing.until("/api/v1/summary", lambda said: said["total"]["missing"] > 10)
        viewing.get(f"/api/v1/reports?receiver={NATIONAL_ID}&{NATIONAL_ID}=1")
        async with httpx.AsyncClient(base_url=viewing.address) as client:
            await client.post("/api/v1/sql", json={"sql": f"SELECT '{NATIONAL_ID}' FROM nowhere"})
        await world.complete_beyond(now())
        shown = (await worker.get("/metrics"))[1] + viewing.get("/metrics").text
        assert worker.stop() == 0
    finally:
        viewing.stop()
    said = worker.output() + viewing.output() + shown
    assert "DEBUG" in worker.output()
    assert len(written) > 40
    assert not [secret for secret in (NATIONAL_ID, *(value["report_id"] for _, value in written)) if secret in said]


@pytest.mark.kafka
async def test_a_worker_that_ends_in_doubt_says_so_in_json(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1)
    worker = world.worker(log_format="json", policy=str(world.folder / "none.toml"))
    assert await worker.exit_code() == 2
    assert lines(worker.output())[-1]["level"] == "CRITICAL"
    assert "none.toml" in lines(worker.output())[-1]["message"]


@pytest.mark.kafka
async def test_commands_speak_json_too(make_world: MakeWorld) -> None:
    world: World = await make_world(partitions=1)
    report = await world.sent(receiver={"municipality": "0301", "unit_id": "unit-7"}, sent_at=now().isoformat())
    await world.put("receipt", receipt_value(report))
    spoken = world.run("explain", str(NATIONAL_ID), MELDINGSVAKT_LOG_FORMAT="json")
    assert spoken.returncode != 0
    lines(spoken.stderr)
    unknown = world.run("config", MELDINGSVAKT_LOG_FORMAT="json", MELDINGSVAKT_KEEP="no time")
    assert unknown.returncode == 2
    assert lines(unknown.stderr)[-1]["level"] == "ERROR"


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_a_traceback_says_where_and_what_kind_but_not_what_the_error_says(formatter: logging.Formatter) -> None:
    try:
        try:
            raise ValueError(NATIONAL_ID)
        except ValueError as error:
            raise RuntimeError(NATIONAL_ID) from error
    except RuntimeError:
        record = logging.getLogger("x").makeRecord("x", logging.ERROR, "f", 1, "It failed.", (), sys.exc_info())
    line = formatter.format(record)
    assert "It failed." in line
    assert "RuntimeError" in line
    assert "ValueError" in line
    assert "test_logs_on_kafka.py" in line
    assert NATIONAL_ID not in line


def test_a_line_of_json_holds_what_we_added_and_nothing_that_others_did() -> None:
    extra = {"partition": 3, "cause": "lag", "data": {"value": NATIONAL_ID}}
    record = logging.getLogger("x").makeRecord("x", logging.WARNING, "f", 1, "Line\nof %s.", ("two",), None, "f", extra)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    said = orjson.loads(line)
    assert said.pop("time").endswith("Z")
    assert said.pop("process")
    assert said == {"level": "WARNING", "logger": "x", "message": "Line\nof two.", "partition": 3, "cause": "lag"}


def test_what_prints_records_at_debug_is_capped() -> None:
    config = logging_config(Settings(log_level="DEBUG"))
    assert config["loggers"]["aiokafka"]["level"] == "WARNING"
    assert config["root"]["level"] == "DEBUG"
