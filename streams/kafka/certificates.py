"""The client's certificates, read again whenever their files change: short-lived ones are exchanged while it runs."""

import logging
import ssl
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from pydantic import SecretStr

from streams.errors import ConfigurationError

log = logging.getLogger(__name__)

Seen = tuple[tuple[int, ...] | None, ...]


class Certificates:
    """Whom to trust, and who this client is. Raises ConfigurationError when that cannot be read at the start.

    Later on, files that cannot be read (half of a pair may be written so far) leave in use what was read before.
    """

    def __init__(
        self,
        cafile: Path | None,
        certfile: Path | None = None,
        keyfile: Path | None = None,
        password: str | None = None,
    ) -> None:
        self._cafile, self._certfile, self._keyfile, self._password = cafile, certfile, keyfile, password
        self._seen = self._look()
        self._context = self._read()

    def context(self) -> ssl.SSLContext:
        """A context for clients to keep: each of its connections uses the files as they are then."""
        return _Rereading(self.current)

    def current(self) -> ssl.SSLContext:
        """The context of the files as they are now, or as they were when they could be read last."""
        seen = self._look()
        if seen != self._seen:
            self._seen = seen  # as it was before it is read: what changes meanwhile is seen the next time
            try:
                self._context = self._read()
                log.info("The certificates have changed: new connections use the new ones.")
            except ConfigurationError as error:
                log.warning("The certificates have changed, and the former ones stay in use: %s", error)
        return self._context

    def _look(self) -> Seen:
        return tuple(_identity(path) for path in (self._cafile, self._certfile, self._keyfile))

    def _read(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self._cafile)
        except OSError as error:
            raise _unreadable("KAFKA_SSL_CAFILE", self._cafile, error) from None
        if self._certfile:
            self._read_pair(context, self._certfile)
        return context

    def _read_pair(self, context: ssl.SSLContext, certfile: Path) -> None:
        # Looked at one by one: OpenSSL does not tell which file it is that is missing or wrong.
        _certificate(certfile)
        _readable("KAFKA_SSL_KEYFILE", self._keyfile)
        try:
            # Without a password OpenSSL would ask the terminal for one.
            context.load_cert_chain(certfile, self._keyfile, self._password or "")
        except ssl.SSLError as error:
            raise ConfigurationError(self._mismatch(error)) from None

    def _mismatch(self, error: ssl.SSLError) -> str:
        if error.reason == "KEY_VALUES_MISMATCH":
            return "The key in KAFKA_SSL_KEYFILE is not that of the certificate in KAFKA_SSL_CERTFILE: name a pair."
        # A wrong password is told in many ways: what OpenSSL says depends on its version and on the key's format.
        encrypted = self._keyfile is not None and b"ENCRYPTED" in self._keyfile.read_bytes()
        if encrypted and not self._password:
            return "The key in KAFKA_SSL_KEYFILE is encrypted: set KAFKA_SSL_PASSWORD."
        if encrypted:
            return "KAFKA_SSL_PASSWORD does not open the key in KAFKA_SSL_KEYFILE: correct one of them."
        return f"KAFKA_SSL_KEYFILE holds no key ({self._keyfile}): name a PEM file that does."


class _Rereading(ssl.SSLContext):
    """Both event loops ask their context for one TLS object a connection: it comes from the current one."""

    _current: Callable[[], ssl.SSLContext]

    def __new__(cls, current: Callable[[], ssl.SSLContext]) -> "_Rereading":
        made = super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)
        made._current = current
        return made

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        return self._current().wrap_bio(*args, **kwargs)


def subject(certfile: Path) -> str:
    """Whose certificate it is, as brokers name a principal. Raises ConfigurationError."""
    return _certificate(certfile).subject.rfc4514_string()


def expires(certfile: Path) -> datetime:
    """Until when it is valid. Raises ConfigurationError."""
    return _certificate(certfile).not_valid_after_utc


def _certificate(certfile: Path) -> x509.Certificate:
    content = _readable("KAFKA_SSL_CERTFILE", certfile)
    try:
        return x509.load_pem_x509_certificates(content)[0]
    except ValueError:
        raise ConfigurationError(
            f"KAFKA_SSL_CERTFILE holds no certificate ({certfile}): name a PEM file that does."
        ) from None


def _readable(setting: str, path: Path | None) -> bytes:
    try:
        return path.read_bytes() if path else b""
    except OSError as error:
        raise _unreadable(setting, path, error) from None


def _unreadable(setting: str, path: Path | None, error: OSError) -> ConfigurationError:
    if isinstance(error, ssl.SSLError):
        return ConfigurationError(f"{setting} holds no certificates ({path}): name a PEM file that does.")
    return ConfigurationError(f"{setting} cannot be read ({path}: {error.strerror}): name a file that can.")


def _identity(path: Path | None) -> tuple[int, ...] | None:
    """What changes when a file is written or exchanged, also by a link that leads elsewhere; None without one."""
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size) if found else None


def certificates(
    cafile: Path | None, certfile: Path | None, keyfile: Path | None, password: SecretStr | None
) -> Certificates:
    """Those that the settings name."""
    return Certificates(cafile, certfile, keyfile, password.get_secret_value() if password else None)
