"""Secrets are shown nowhere: not in settings, errors, logs or the process list."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiokafka.protocol.admin import SaslAuthenticateRequest

from streams.kafka.client import client_options
from streams.kafka.patches import QuietLogin
from streams.kafka.permissions import view_rights, worker_rights
from streams.settings import KafkaSettings, load_settings
from tests.engine.world import free_port
from tests.examples import first
from tests.system.secure.cluster import PASSWORD, SecuredKafka
from tests.system.secure.conftest import SecureWorld

MARKER = "marker-of-a-secret"
SECRETS = [name for name, field in KafkaSettings.model_fields.items() if "SecretStr" in str(field.annotation)]


def environment() -> dict[str, str]:
    return {f"KAFKA_{name.upper()}": f"{MARKER}-{name}" for name in SECRETS}


def run(*arguments: str, **more: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", *arguments],
        env=os.environ | environment() | more,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + done.stderr


def test_what_is_secret_by_its_name_is_kept_as_a_secret() -> None:
    assert SECRETS == ["sasl_password", "sasl_oauthbearer_client_secret", "ssl_password"]
    named = {name for name in KafkaSettings.model_fields if "password" in name or "secret" in name}
    assert named == set(SECRETS)


@pytest.mark.parametrize("arguments", [("config",), pytest.param(("config", "--json"), marks=pytest.mark.long)])
def test_config_masks_them(arguments: tuple[str, ...]) -> None:
    said = run(*arguments)
    assert MARKER not in said
    assert said.count("**********") == len(SECRETS)


@pytest.mark.parametrize("command", first(2, ["worker", "view", "config", "topics", "doctor"]))
def test_an_error_about_other_settings_does_not_show_them(command: str) -> None:
    said = run(command, KAFKA_SECURITY_PROTOCOL="NONE", MELDINGSVAKT_HTTP_PORT="0", MELDINGSVAKT_VIEW_PORT="0")
    assert "KAFKA_SECURITY_PROTOCOL is not valid" in said
    assert MARKER not in said


def test_settings_do_not_show_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    kafka, settings = load_settings()
    for shown in (repr(kafka), str(kafka), kafka.model_dump_json(), f"{settings!r}"):
        assert MARKER not in shown
    endpoint = kafka.model_copy(
        update={
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "OAUTHBEARER",
            "sasl_oauthbearer_token_endpoint_url": "https://login.test/token",
            "sasl_oauthbearer_client_id": "checker",
        }
    )
    assert MARKER not in repr(client_options(endpoint))


@pytest.mark.parametrize("versions", [{36: (0, 0)}, {36: (0, 2)}])
def test_a_login_is_sent_whole_and_shows_nothing(versions: dict[int, tuple[int, int]]) -> None:
    secret = MARKER.encode() * 20
    quiet, plain = (kind(secret).prepare(versions) for kind in (QuietLogin, SaslAuthenticateRequest))
    assert quiet.encode() == plain.encode()
    assert quiet.API_VERSION == plain.API_VERSION
    assert MARKER in repr(plain)
    assert MARKER not in repr(quiet)


def cmdline(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


@pytest.mark.kafka
async def test_a_worker_that_logs_everything_logs_no_password(secured: SecuredKafka, secure_world: SecureWorld) -> None:
    await secured.revoke_all("User:checker")
    world = await secure_world(secured.by_password("PLAIN"))
    await secured.grant("User:checker", worker_rights(world.settings))
    worker = world.worker(log_level="DEBUG")
    await worker.ready(partitions=2)
    assert "[DEBUG]" in worker.output()
    assert PASSWORD not in worker.output() + cmdline(worker.process.pid)
    _, metrics = await worker.get("/metrics")
    assert PASSWORD not in metrics


async def _reason(session: aiohttp.ClientSession, port: int) -> str | None:
    """Why the view is not ready."""
    try:
        async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
            reason: str | None = (await answer.json())["reason"]
            return reason
    except aiohttp.ClientError:
        return "not listening"


@pytest.mark.kafka
async def test_a_view_that_logs_everything_logs_neither_token_nor_client_secret(
    secured: SecuredKafka, secure_world: SecureWorld
) -> None:
    token = secured.issuer.token("checker")

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"access_token": token, "expires_in": 300})

    app = web.Application()
    app.router.add_post("/token", answer)
    await secured.revoke_all("User:checker")
    async with TestServer(app) as server:
        world = await secure_world(secured.by_endpoint(str(server.make_url("/token"))))
        await secured.grant("User:checker", view_rights(world.settings))
        log, port = world.folder / "view.log", free_port()
        view = world.process(("-m", "streams.cli", "view"), log, view_port=str(port), log_level="DEBUG")
        try:
            async with asyncio.timeout(20), aiohttp.ClientSession() as session:
                while await _reason(session, port) != "building":  # nothing to read yet, but it was let in
                    await asyncio.sleep(0.1)
            shown = log.read_text() + cmdline(view.pid)
        finally:
            view.terminate()
            await asyncio.to_thread(view.wait, 20)  # it may ask this process for a token before it ends
    assert "[INFO]" in shown
    for secret in (PASSWORD, token, token.rpartition(".")[2]):
        assert secret not in shown
