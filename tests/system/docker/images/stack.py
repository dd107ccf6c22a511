"""A compose stack under a name and ports of its own, with a policy of seconds."""

import os
import shlex
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx
import orjson

from tests.engine.world import free_port

T = TypeVar("T")
ROOT = Path(__file__).parents[4]
IMAGE = "meldingsvakt:local"
SERVICES = ("kafka", "topics", "worker-1", "worker-2", "view", "intake", "prometheus", "grafana")
POLICY = """
portal_retention = "P30D"
[[version]]
id = "test"
grace = "PT1S"
default = "P1D"
[version.allowance]
SVARINN = "PT5S"
"""
START_SECONDS = 240.0
OSLO, BERGEN = "958935420", "964338531"  # in docker/secure/organisations.toml


def run(command: Sequence[str], given: str = "", *, environment: dict[str, str] | None = None) -> str:
    """What a command said; an AssertionError with all of it if it failed."""
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, cwd=ROOT, env=environment, check=False, timeout=300
    )
    assert done.returncode == 0, f"{shlex.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build() -> None:
    """Build the image under the name that compose gives it."""
    options = shlex.split(os.environ.get("TEST_BUILD_OPTIONS", ""))
    run(["docker", "build", *options, "--build-arg", "REVISION=test", "-f", "docker/Dockerfile", "-t", IMAGE, "."])


def eventually(ask: Callable[[], T | None], what: str, seconds: float = 60) -> T:
    """Ask until there is an answer."""
    deadline = time.monotonic() + seconds
    while (answer := ask()) is None:
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.25)
    return answer


class Stack:
    """What `compose up` starts, until the block ends."""

    def __init__(self, name: str, files: Sequence[str], folder: Path) -> None:
        policy = folder / "policy.toml"
        policy.write_text(POLICY, encoding="utf-8")
        policy.chmod(0o644)
        self._compose = [*_compose(), *(word for file in files for word in ("-f", f"docker/{file}"))]
        self._name = f"mv-{name}-{os.getpid()}"
        self._view = free_port()
        self._prometheus = free_port()
        self._asks_for_tokens = any("secure" in file for file in files)
        self._sent: dict[str, str] = {}
        self._environment = {
            **os.environ,
            "COMPOSE_PROJECT_NAME": self._name,
            "POLICY": str(policy),
            "VIEW_PORT": str(self._view),
            "INTAKE_PORT": str(free_port()),
            "PROMETHEUS_PORT": str(self._prometheus),
            "GRAFANA_PORT": str(free_port()),
        }

    def __enter__(self) -> "Stack":
        left_out = os.environ.get("TEST_LEFT_OUT", "").split()
        began = time.monotonic()
        try:
            self.compose("up", "-d", "--no-build", *(name for name in SERVICES if name not in left_out))
            eventually(lambda: True if self._all_healthy() else None, "every container healthy", START_SECONDS)
            took = time.monotonic() - began
            if self._asks_for_tokens:
                self._sent = bearer(self.token("national", "sql"))
        except BaseException:
            print(self.compose("logs", "--no-color", "--tail", "40"))
            self._down()
            raise
        print(f"{self._name}: from start to ready {took:.1f} s")
        return self

    def __exit__(self, *_: object) -> None:
        self._down()

    def compose(self, *words: str, given: str = "") -> str:
        """A compose command's output."""
        return run([*self._compose, *words], given, environment=self._environment)

    def refused(self, *words: str, given: str = "") -> str:
        """All that a command says that must fail."""
        done = subprocess.run(
            [*self._compose, *words],
            input=given, capture_output=True, text=True, cwd=ROOT, env=self._environment, check=False, timeout=120,
        )  # fmt: skip
        return f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"

    def containers(self) -> list[dict[str, Any]]:
        """Everything that the engine knows of every container of this stack."""
        ids = run(["docker", "ps", "-aq", "--filter", f"label=com.docker.compose.project={self._name}"]).split()
        found: list[dict[str, Any]] = orjson.loads(run(["docker", "inspect", *ids]))
        return found

    def produce(self, topic: str, *values: dict[str, Any]) -> None:
        """Append records as the portal or a case system does, by Kafka's own producer."""
        producer = "casesystem" if topic == "stored" else "portal"
        lines = "".join(f"{value['report_id']}|{orjson.dumps(value).decode()}\n" for value in values)
        self.compose("run", "--rm", "-T", producer, "--topic", f"reports.{topic}", given=lines)

    def announced(self, count: int) -> list[dict[str, Any]]:
        """The product, as a consumer of its own reads it; one more is waited for in vain."""
        said = self.compose("run", "--rm", "-T", "consumer", f"--max-messages={count + 1}", "--timeout-ms=8000")
        return [orjson.loads(line) for line in said.splitlines() if line.startswith("{")]

    def wait_for(self, report_id: str, status: str, seconds: float = 60) -> dict[str, Any]:
        """Wait until the view gives a report this status."""

        def found() -> dict[str, Any] | None:
            answer = self.get(f"/api/v1/reports/{report_id}")
            report = answer.json()["report"] if answer.status_code == 200 else {}
            return report if report.get("status") == status else None

        return eventually(found, f"{report_id} is {status}", seconds)

    def reports(self) -> int:
        """How many reports the view knows."""
        return int(self.ask("SELECT count(*) FROM reports").json()["rows"][0][0])

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """Ask the view on the port that is published, as one who may see everything where no headers are given."""
        return httpx.get(self._address(path), headers=self._sent if headers is None else headers, timeout=10)

    def ask(self, query: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """Ask the view by SQL."""
        sent = self._sent if headers is None else headers
        return httpx.post(self._address("/api/v1/sql"), json={"query": query}, headers=sent, timeout=10)

    def token(self, *scopes: str, organisation: str = OSLO) -> str:
        """One of the trial issuer's; its subject is `trial`."""
        return self.compose("run", "--rm", "-T", "token", *scopes, "--organisation", organisation).strip()

    def looks(self, report_id: str) -> list[dict[str, Any]]:
        """Who looked at a report, as one who may read the record of it."""
        said = self.compose(
            "run", "--rm", "-T", "--entrypoint=/opt/kafka/bin/kafka-console-consumer.sh", "acls",
            "--bootstrap-server=kafka:9092", "--consumer.config=/secure/client.properties",
            "--topic=reports.access", "--from-beginning", "--timeout-ms=8000",
        )  # fmt: skip
        made = [orjson.loads(line) for line in said.splitlines() if line.startswith("{")]
        return [one for one in made if report_id in one["report_ids"]]

    def targets(self) -> list[dict[str, Any]]:
        """What Prometheus scrapes."""
        answer = httpx.get(f"http://127.0.0.1:{self._prometheus}/api/v1/targets?state=active", timeout=10)
        found: list[dict[str, Any]] = answer.json()["data"]["activeTargets"]
        return found

    def kill(self, service: str) -> None:
        """End a container at once, as a machine that fails does."""
        self.compose("kill", "-s", "SIGKILL", service)

    def _address(self, path: str) -> str:
        return f"http://127.0.0.1:{self._view}{path}"

    def _all_healthy(self) -> bool:
        states = [container["State"] for container in self.containers()]
        return all(
            state["Health"]["Status"] == "healthy" if state.get("Health") else state["ExitCode"] == 0
            for state in states
        )

    def _down(self) -> None:
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "20")


def bearer(token: str) -> dict[str, str]:
    """The header that shows a token."""
    return {"Authorization": f"Bearer {token}"}


def _compose() -> list[str]:
    """Compose as a part of docker, or the older command of its own."""
    part = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return ["docker", "compose"] if part.returncode == 0 else ["docker-compose"]
