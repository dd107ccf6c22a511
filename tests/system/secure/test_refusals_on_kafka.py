"""Who is not let in, or may not do something, is told in one sentence what is missing; on a real broker."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from streams.doctor import examine
from streams.errors import ConfigurationError
from streams.kafka.permissions import Right, topics_rights, view_rights, worker_rights
from streams.kafka.topics import cluster_id, ensure_topics
from streams.settings import Settings
from tests.engine.world import World, free_port
from tests.examples import first
from tests.system.secure.cluster import PASSWORD, SecuredKafka, kafka_settings
from tests.system.secure.conftest import SecureWorld
from tests.system.secure.credentials import Issuer, Mounted, issue, principal_of

pytestmark = [pytest.mark.kafka, pytest.mark.xdist_group("secured broker")]
MOST_SECONDS = 20
Environment = dict[str, str]


def _certificate(secured: SecuredKafka, name: str, **how: object) -> Environment:
    mounted = Mounted(secured.folder / name)
    authority = how.get("authority", secured.authority)
    mounted.put_pair(issue(authority, name, how.get("valid", timedelta(days=1))), secured.authority)  # type: ignore[arg-type]
    return {"KAFKA_BROKERS": secured.mutual, "KAFKA_SECURITY_PROTOCOL": "SSL"} | mounted.settings()


def _strangers(secured: SecuredKafka) -> str:
    file = secured.folder / "stranger.pem"
    file.write_bytes(secured.stranger.cert_pem.bytes())
    return str(file)


def _token(secured: SecuredKafka, name: str, token: str) -> Environment:
    (secured.folder / name).write_text(token)
    return secured.by_token_file(secured.folder / name)


def _plain(brokers: str) -> Environment:
    return {"KAFKA_BROKERS": brokers}


# What is wrong, the settings, and what is said.
NOT_LET_IN: dict[str, tuple[Callable[[SecuredKafka], Environment], str]] = {
    "wrong password": (
        lambda s: s.by_password("SCRAM-SHA-512", password="wrong"),
        "the broker does not know User:checker by this password (SCRAM-SHA-512)",
    ),
    "unknown user": (
        lambda s: s.by_password("SCRAM-SHA-256", name="nobody"),
        "the broker does not know User:nobody by this password",
    ),
    "wrong password, PLAIN": (
        lambda s: s.by_password("PLAIN", password="wrong"),
        "the broker does not know User:checker by this password (PLAIN)",
    ),
    "unknown authority": (
        lambda s: s.by_password("PLAIN") | {"KAFKA_SSL_CAFILE": _strangers(s)},
        "the broker's certificate is of no authority that KAFKA_SSL_CAFILE holds",
    ),
    "authority not set": (
        lambda s: s.by_password("PLAIN") | {"KAFKA_SSL_CAFILE": ""},
        "of no authority that the system trusts: set KAFKA_SSL_CAFILE",
    ),
    "another name": (
        lambda s: s.by_password("PLAIN") | {"KAFKA_BROKERS": s.sasl.replace("127.0.0.1", "127.1")},
        "the broker's certificate is of another name than the address in KAFKA_BROKERS",
    ),
    "expired certificate": (
        lambda s: _certificate(s, "expired", valid=timedelta(hours=-1)),
        "the certificate in KAFKA_SSL_CERTFILE has expired",
    ),
    "certificate of an authority that the broker does not trust": (
        lambda s: _certificate(s, "alien", authority=s.stranger),
        "the broker does not accept the certificate in KAFKA_SSL_CERTFILE",
    ),
    "no certificate": (
        lambda s: {"KAFKA_BROKERS": s.mutual, "KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CAFILE": s.cafile},
        "the broker wants a client's certificate: set KAFKA_SSL_CERTFILE and KAFKA_SSL_KEYFILE",
    ),
    "plain text to TLS": (
        lambda s: _plain(s.sasl),
        "is KAFKA_SECURITY_PROTOCOL=PLAINTEXT what that listener speaks",
    ),
    "TLS to plain text": (
        lambda s: s.by_password("PLAIN") | {"KAFKA_BROKERS": s.inside.brokers},
        "KAFKA_SECURITY_PROTOCOL",
    ),
    "no user where one is wanted": (
        lambda s: {"KAFKA_BROKERS": s.sasl, "KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CAFILE": s.cafile},
        "is KAFKA_SECURITY_PROTOCOL=SSL what that listener speaks",
    ),
    "a user where none is wanted": (
        lambda s: (
            _certificate(s, "with-a-user")
            | {
                "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
                "KAFKA_SASL_USERNAME": "checker",
                "KAFKA_SASL_PASSWORD": PASSWORD,
            }
        ),
        "the listener takes no SASL, but KAFKA_SECURITY_PROTOCOL is SASL_SSL",
    ),
    "expired token, which the file tells": (
        lambda s: _token(s, "expired-token", s.issuer.token("checker", seconds=-60)),
        "KAFKA_SASL_OAUTHBEARER_TOKEN_FILE",
    ),
    "token of another issuer": (
        lambda s: _token(s, "alien-token", Issuer().token("checker")),
        "the broker does not accept the token",
    ),
    "token for another audience": (
        lambda s: _token(s, "other-token", s.issuer.token("checker", aud="other")),
        "the broker does not accept the token",
    ),
    "token endpoint down": (
        lambda s: s.by_endpoint(f"http://127.0.0.1:{free_port()}/token"),
        "cannot be asked",
    ),
}


# Of each kind one: a password, an authority, a name, a certificate, a listener, a token.
ONE_OF_EACH = (
    "wrong password", "unknown authority", "another name", "no certificate", "plain text to TLS",
    "token of another issuer",
)  # fmt: skip


@pytest.mark.parametrize("what", first(len(ONE_OF_EACH), sorted(NOT_LET_IN, key=lambda what: what not in ONE_OF_EACH)))
async def test_who_is_not_let_in_is_told_why_in_one_sentence(what: str, secured: SecuredKafka) -> None:
    make, sentence = NOT_LET_IN[what]
    kafka = kafka_settings(make(secured))
    asking = (ensure_topics(kafka, Settings(), create=False), examine(kafka, Settings()))
    async with asyncio.timeout(MOST_SECONDS):
        answers = await asyncio.gather(*asking, return_exceptions=True)
    for said in answers:
        assert isinstance(said, ConfigurationError)
        assert sentence in str(said)
        assert "\n" not in str(said)
        assert PASSWORD not in str(said)
    await asyncio.sleep(0.2)  # nobody waits for connections that were refused: they may still be closing


@pytest.fixture
async def outsider(secured: SecuredKafka) -> AsyncIterator[World]:
    """A world whose processes are not let in."""
    world = World(secured.inside.brokers, partitions=2)
    world.environment |= secured.by_password("SCRAM-SHA-512", password="wrong-and-secret")
    yield world
    await world.stop()


@pytest.mark.parametrize("command", first(2, ["worker", "doctor", "topics", "explain"]))
async def test_a_command_that_is_not_let_in_ends_with_that_sentence(command: str, outsider: World) -> None:
    arguments = (command, "00000000-0000-4000-8000-000000000000") if command == "explain" else (command,)
    done = await asyncio.to_thread(outsider.run, *arguments, MELDINGSVAKT_HTTP_PORT="0")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert "wrong-and-secret" not in done.stderr + done.stdout
    said = [line for line in done.stderr.splitlines() if line.startswith("meldingsvakt: ")]
    assert len(said) == 1
    assert "the broker does not know User:checker by this password" in said[0]
    if command != "worker":  # Faust tells more, as log lines
        assert done.stderr.splitlines() == said


@pytest.mark.long
async def test_the_view_says_why_it_is_not_let_in_and_tries_again(outsider: World) -> None:
    log = outsider.folder / "view.log"
    view = outsider.process(("-m", "streams.cli", "view"), log, view_port=str(free_port()), log_level="DEBUG")
    try:
        await _said(log, "Kafka cannot be read: ", "the broker does not know User:checker by this password")
        assert view.poll() is None
    finally:
        view.terminate()
        view.wait(20)
    assert "Traceback" not in log.read_text()
    assert "wrong-and-secret" not in log.read_text()


# What is taken away from the worker's rights, and what is said of it.
LACKING: dict[str, tuple[str, str, str]] = {
    "read an input": ("{app}.sent", "Read", "may not Read the topic {app}.sent"),
    "write an input": ("{app}.receipt", "Write", "may not Write the topic {app}.receipt"),
    "read the state": ("{app}.state", "Read", "may not Read the topic {app}.state"),
    "write announcements": ("{app}.missing", "Write", "may not Write the topic {app}.missing"),
    "see the settings": ("{app}.stored", "DescribeConfigs", "may not DescribeConfigs the topic {app}.stored"),
    "see a topic": ("{app}.access", "Describe", "may not Describe the topic {app}.access"),
    "join the group": ("{app}", "Read", "may not Read the group {app}"),
    "transact": ("{app}-", "Write", "may not Write the transactional id {app}-"),
}


@pytest.mark.parametrize("which", first(1, [["read an input", "transact"], list(LACKING)]), ids=len)
async def test_a_worker_that_lacks_a_right_ends_and_names_it(
    secured: SecuredKafka, secure_world: SecureWorld, which: list[str]
) -> None:
    settings = secured.by_certificate("lacking")
    # Side by side: most of it is waiting for a process to start.
    worlds = [await secure_world(settings) for _ in which]
    each = zip(worlds, (LACKING[one] for one in which), strict=True)
    await asyncio.gather(*(_lacks(secured, world, *lacking) for world, lacking in each))


async def _lacks(secured: SecuredKafka, world: World, name: str, operation: str, sentence: str) -> None:
    principal = principal_of("lacking")
    lacking = name.replace("{app}", world.name)
    rights = [_without(right, operation) if right.name == lacking else right for right in worker_rights(world.settings)]
    await secured.grant(principal, rights)
    worker = world.worker()
    await world.sent()
    assert await worker.exit_code(2 * MOST_SECONDS) == 2, worker.output()[-3000:]
    assert "Traceback" not in worker.output()
    said = [line for line in worker.output().splitlines() if line.startswith("meldingsvakt: ")]
    assert len(said) == 1
    assert said[0].startswith(f"meldingsvakt: {principal} {sentence.replace('{app}', world.name)}")


def _without(right: Right, operation: str) -> Right:
    left = {"Describe"} if right.kind == "topic" and operation != "Describe" else set()
    return right._replace(operations=right.operations - {operation} | left)


async def test_a_worker_that_loses_a_right_ends_and_names_it(secured: SecuredKafka, secure_world: SecureWorld) -> None:
    principal = principal_of("losing")
    world = await secure_world(secured.by_certificate("losing"))
    await secured.grant(principal, worker_rights(world.settings))
    worker = world.worker()
    await worker.ready(partitions=2)
    await secured.revoke_all(principal)
    assert await worker.exit_code(MOST_SECONDS) == 2, worker.output()[-3000:]
    assert "Traceback" not in worker.output()
    assert f"meldingsvakt: {principal} may not " in worker.output()


@pytest.mark.long
async def test_who_may_see_but_not_read_or_write_is_told_so_by_every_command(
    secured: SecuredKafka, secure_world: SecureWorld
) -> None:
    principal = principal_of("seeing")
    world = await secure_world(secured.by_certificate("seeing"))
    await secured.grant(principal, topics_rights(world.settings))
    await world.put("sent", b"unreadable", key=b"k")
    for arguments, lacking in (
        (("explain", "00000000-0000-4000-8000-000000000000"), f"Read the topic {world.name}."),
        (("simulate", "--to-kafka", "--reports", "1"), f"Write the topic {world.name}."),
    ):
        done = await asyncio.to_thread(world.run, *arguments)
        assert done.returncode == 2, done.stderr
        (said,) = done.stderr.splitlines()
        assert said.startswith(f"meldingsvakt: {principal} may not {lacking}")


async def test_a_view_that_lacks_a_right_names_it_and_goes_on_once_it_has_it(
    secured: SecuredKafka, secure_world: SecureWorld
) -> None:
    principal = principal_of("viewing")
    world = await secure_world(secured.by_certificate("viewing"))
    *rights, access = view_rights(world.settings)
    state, *others = rights
    await secured.grant(principal, [*others, _without(state, "Read"), access])
    log, port = world.folder / "view.log", free_port()
    view = world.process(("-m", "streams.cli", "view"), log, view_port=str(port))
    try:
        await _said(log, f"{principal} may not ", f" the topic {world.name}.state")
        await secured.grant(principal, [state])
        await _said(log, "Reading from Kafka again.")
    finally:
        view.terminate()
        view.wait(20)
    assert "Traceback" not in log.read_text()


async def _said(log: Path, *words: str) -> None:
    """Wait for a line of another process."""
    async with asyncio.timeout(MOST_SECONDS):
        while not any(all(word in line for word in words) for line in log.read_text().splitlines()):
            await asyncio.sleep(0.1)


async def test_tokens_from_an_endpoint_let_a_client_in_and_a_wrong_secret_does_not(secured: SecuredKafka) -> None:
    async def answer(request: web.Request) -> web.Response:
        wanted = f"checker:{PASSWORD}"
        if request.headers["Authorization"] != f"Basic {b64encode(wanted.encode()).decode()}":
            return web.json_response({"error": "invalid_client"}, status=401)
        return web.json_response({"access_token": secured.issuer.token("checker"), "expires_in": 300})

    app = web.Application()
    app.router.add_post("/token", answer)
    async with TestServer(app) as server:
        url = str(server.make_url("/token"))
        assert await cluster_id(kafka_settings(secured.by_endpoint(url))) == await cluster_id(secured.inside)
        with pytest.raises(ConfigurationError, match="answers 401: correct KAFKA_SASL_OAUTHBEARER_CLIENT_ID"):
            await cluster_id(kafka_settings(secured.by_endpoint(url, secret="wrong")))
