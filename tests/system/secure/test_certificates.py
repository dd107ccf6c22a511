"""Certificates that change on disk, and what is said of files that cannot be used."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
import uvloop

from streams.errors import ConfigurationError
from streams.kafka.certificates import Certificates, expires, subject
from tests.system.secure.credentials import Mounted, chain_pem, issue, key_pem

AUTHORITY, OTHER = trustme.CA(), trustme.CA()
OLD, NEW = issue(AUTHORITY, "old"), issue(AUTHORITY, "new")


@pytest.fixture
def mounted(tmp_path: Path) -> Mounted:
    """The files of one client."""
    folder = Mounted(tmp_path / "mounted")
    folder.put_pair(OLD, AUTHORITY)
    return folder


def read(mounted: Mounted, password: str | None = None) -> Certificates:
    folder = mounted.folder
    return Certificates(folder / "ca.crt", folder / "tls.crt", folder / "tls.key", password)


@asynccontextmanager
async def server(authority: trustme.CA) -> AsyncIterator[Callable[[ssl.SSLContext], Awaitable[str]]]:
    """Who a client is for a server that asks: connects with a context and gives the common name it showed."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.verify_mode = ssl.CERT_REQUIRED
    AUTHORITY.configure_trust(context)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shown = dict(pair for (pair,) in writer.get_extra_info("peercert")["subject"])
        writer.write(shown["commonName"].encode())
        writer.close()

    listening = await asyncio.start_server(tell, "127.0.0.1", 0, ssl=context)

    async def ask(client: ssl.SSLContext) -> str:
        reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname()[:2], ssl=client)
        try:
            return (await reader.read()).decode()
        finally:
            writer.close()

    try:
        yield ask
    finally:
        listening.close()


def on_both_loops(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())
    uvloop.run(test())


def test_the_next_connection_uses_the_files_as_they_are_then(mounted: Mounted) -> None:
    async def rotate() -> None:
        mounted.put_pair(OLD, AUTHORITY)
        context = read(mounted).context()
        async with server(AUTHORITY) as ask:
            assert await ask(context) == "old"
            mounted.put_pair(NEW, AUTHORITY)
            assert await ask(context) == "new"

    on_both_loops(rotate)


def test_an_authority_that_was_replaced_is_trusted_no_more(mounted: Mounted) -> None:
    async def replace() -> None:
        mounted.put_pair(OLD, OTHER)
        context = read(mounted).context()
        async with server(OTHER) as ask:
            assert await ask(context) == "old"
            mounted.put_pair(OLD, AUTHORITY)
            with pytest.raises(ssl.SSLCertVerificationError):
                await ask(context)

    on_both_loops(replace)


@pytest.mark.parametrize("half", ["key of another", "no key", "half a certificate", "no authority"])
def test_half_of_a_change_keeps_what_was_read_and_says_so_once(
    half: str, mounted: Mounted, caplog: pytest.LogCaptureFixture
) -> None:
    certificates = read(mounted)
    before = certificates.current()
    files = {"tls_crt": chain_pem(NEW), "tls_key": key_pem(NEW), "ca_crt": AUTHORITY.cert_pem.bytes()}
    files |= {
        "key of another": {"tls_key": key_pem(OLD)},
        "no key": {"tls_key": b""},
        "half a certificate": {"tls_crt": chain_pem(NEW)[:200]},
        "no authority": {"ca_crt": b""},
    }[half]
    mounted.put(**files)
    with caplog.at_level(logging.INFO):
        assert [certificates.current(), certificates.current()] == [before, before]
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "the former ones stay in use: " in caplog.text
        mounted.put_pair(NEW, AUTHORITY)
        assert certificates.current() is not before
    assert "new connections use the new ones" in caplog.text


def test_files_that_vanish_keep_what_was_read(mounted: Mounted) -> None:
    certificates = read(mounted)
    before = certificates.current()
    (mounted.folder / "..data").unlink()
    assert certificates.current() is before


def test_what_did_not_change_is_not_read_again(mounted: Mounted) -> None:
    certificates = read(mounted)
    assert certificates.current() is certificates.current()


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"ca_crt": b"no PEM"}, "KAFKA_SSL_CAFILE holds no certificates"),
        ({"tls_crt": b"no PEM"}, "KAFKA_SSL_CERTFILE holds no certificate"),
        ({"tls_key": b"no PEM"}, "KAFKA_SSL_KEYFILE holds no key"),
        ({"tls_key": key_pem(NEW)}, "The key in KAFKA_SSL_KEYFILE is not that of the certificate"),
        ({"tls_key": key_pem(OLD, "secret")}, "encrypted: set KAFKA_SSL_PASSWORD"),
    ],
)
def test_files_that_cannot_be_used_are_named(files: dict[str, bytes], sentence: str, mounted: Mounted) -> None:
    whole = {"tls_crt": chain_pem(OLD), "tls_key": key_pem(OLD), "ca_crt": AUTHORITY.cert_pem.bytes()}
    mounted.put(**whole | files)
    with pytest.raises(ConfigurationError, match=sentence):
        read(mounted)


def test_an_encrypted_key_is_opened_by_its_password_only(mounted: Mounted) -> None:
    mounted.put(tls_crt=chain_pem(OLD), tls_key=key_pem(OLD, "right"), ca_crt=AUTHORITY.cert_pem.bytes())
    read(mounted, "right")
    with pytest.raises(ConfigurationError, match="KAFKA_SSL_PASSWORD does not open") as raised:
        read(mounted, "wrong-one")
    assert "wrong-one" not in str(raised.value)


@pytest.mark.parametrize("name", ["ca.crt", "tls.crt", "tls.key"])
def test_a_file_that_is_not_there_is_named(name: str, mounted: Mounted) -> None:
    (mounted.folder / name).unlink()
    with pytest.raises(ConfigurationError, match=f"cannot be read .*{name}: No such file"):
        read(mounted)


def test_a_certificate_tells_whose_it_is_and_until_when(tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_bytes(chain_pem(issue(AUTHORITY, "who", timedelta(days=-3))))
    assert subject(tmp_path / "c.pem") == r"CN=who,OU=Barnevern\, nord,O=Kommunen"
    assert expires(tmp_path / "c.pem").tzinfo is not None
