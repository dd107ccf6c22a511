"""A real Prometheus with our rules scrapes a real worker, a real view and a real intake."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import yaml

from tests.engine.world import free_port
from tests.system.operations.conftest import Eventful
from tests.system.operations.promtool import PROMETHEUS, panels, program, rules

pytestmark = [pytest.mark.kafka, pytest.mark.asyncio(loop_scope="module")]


class Prometheus:
    """Its HTTP API."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"

    def get(self, path: str, **query: str) -> Any:
        """The data of an answer."""
        answer = httpx.get(f"{self.address}/api/v1/{path}", params=query, timeout=10).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def firing(self) -> set[str]:
        """The alerts that fire or wait for their time."""
        return {alert["labels"]["alertname"] for alert in self.get("alerts")["alerts"]}

    async def until(self, true: Any, seconds: float = 60) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if true():
                    return
            except httpx.HTTPError:
                pass
            assert time.monotonic() < deadline
            await asyncio.sleep(0.5)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prometheus(eventful: Eventful, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Prometheus]:
    """Our own configuration; only the addresses and the rhythm are the test's."""
    folder = tmp_path_factory.mktemp("prometheus")
    targets = {
        "meldingsvakt-worker": f"127.0.0.1:{eventful.worker.port}",
        "meldingsvakt-view": eventful.viewing.address.removeprefix("http://"),
        "meldingsvakt-intake": eventful.intake.removeprefix("http://"),
    }
    config = yaml.safe_load((PROMETHEUS / "prometheus.yaml").read_text(encoding="utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(PROMETHEUS / name) for name in config["rule_files"]]
    for job in config["scrape_configs"]:
        job["static_configs"] = [{"targets": [targets.pop(job["job_name"])]}]
    assert not targets
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    process, running = _started(folder)
    try:
        await running.until(lambda: httpx.get(f"{running.address}/-/ready").status_code == 200)
        yield running
    finally:
        process.terminate()
        process.wait(20)


def _started(folder: Path) -> tuple["subprocess.Popen[bytes]", Prometheus]:
    port = free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                program("prometheus"), f"--config.file={folder / 'prometheus.yaml'}",
                f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}",
            ],
            cwd=folder, stdout=log, stderr=log,
        )  # fmt: skip
    return process, Prometheus(port)


async def test_all_are_scraped_and_every_rule_can_be_evaluated(prometheus: Prometheus) -> None:
    await prometheus.until(lambda: len(prometheus.get("query", query="up == 1")["result"]) == 3)
    await prometheus.until(lambda: all(rule["health"] == "ok" for rule in _rules(prometheus)))
    assert {rule["name"] for rule in _rules(prometheus)} == {rule["alert"] for rule in rules()}


def _rules(prometheus: Prometheus) -> list[Any]:
    return [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]


async def test_what_happens_to_a_real_checker_raises_the_alerts_for_it_and_no_other(prometheus: Prometheus) -> None:
    # The bad records came before the first scrape. What has to last before it fires waits for its time here.
    expected = {
        "MeldingsvaktReceiverBurst", "MeldingsvaktBlind", "MeldingsvaktRejectedGrowing", "MeldingsvaktWrongPartitioner"
    }  # fmt: skip
    await prometheus.until(lambda: expected <= prometheus.firing())
    assert prometheus.firing() <= expected | {
        "MeldingsvaktStalled",
        "MeldingsvaktNobodyReady",
        "MeldingsvaktNotReady",
        "MeldingsvaktViewBehind",
    }


async def test_every_panel_gets_an_answer(prometheus: Prometheus) -> None:
    def unanswered() -> list[str]:
        return [panel["title"] for panel in panels() if not any(map(answer, panel["targets"]))]

    def answer(target: dict[str, str]) -> Any:
        return prometheus.get("query", query=target["expr"].replace("$__rate_interval", "1m"))["result"]

    await prometheus.until(lambda: not unanswered())
