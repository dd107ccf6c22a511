"""Why the brokers let this client not in, or not do something: one sentence that names what is missing."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiokafka.conn import create_conn
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from streams.core.events import written
from streams.errors import ConfigurationError, sentence_of
from streams.kafka.certificates import expires
from streams.kafka.client import addresses, client_options, principal
from streams.kafka.oauth import TokenUnavailable
from streams.settings import KafkaSettings

ASK_SECONDS = 5.0
NO_HOST_MATCHES = (62, 64)  # OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH
EXPIRED = 10
# What an error is about, and the operation that was lacking; None where it depends on what was being done.
DENIED: dict[Any, tuple[str, str | None]] = {
    TopicAuthorizationFailedError: ("the topic", None),
    GroupAuthorizationFailedError: ("the group", "Read"),
    TransactionalIdAuthorizationFailed: ("the transactional id", "Write"),
    ClusterAuthorizationFailedError: ("any topic", "Write"),  # what brokers ask of an idempotent producer
}


class Denied(Exception):
    """This client lacks the right to an operation on a resource."""

    def __init__(self, operation: str, resource: str) -> None:
        super().__init__(f"{operation} {resource}")


@asynccontextmanager
async def naming_denials(kafka: KafkaSettings, operation: str) -> AsyncIterator[None]:
    """What is denied inside is said in a ConfigurationError that names who may not do what.

    `operation`: what is done with topics. To try again is of no use until somebody gives the right.
    """
    try:
        yield
    except (Denied, *DENIED) as error:
        raise ConfigurationError(await denial(error, kafka, operation)) from None


async def explained(error: BaseException, kafka: KafkaSettings, operation: str) -> str:
    """One sentence about an error of aiokafka: why it cannot connect, or what is denied, where it is that."""
    if isinstance(error, KafkaConnectionError):
        return await unreachable(kafka)
    return await named(error, kafka, operation)


async def named(error: BaseException, kafka: KafkaSettings, operation: str) -> str:
    """The same without asking Kafka anything."""
    return await denial(error, kafka, operation) if isinstance(error, tuple(DENIED)) else sentence_of(error)


async def denial(error: BaseException, kafka: KafkaSettings, operation: str) -> str:
    """Who may not do what, and how to allow it."""
    if isinstance(error, Denied):
        lacking = str(error)
    else:
        kind, always = next(of for each, of in DENIED.items() if isinstance(error, each))
        lacking = f"{always or operation} {kind} {', '.join(sorted(_names(error)))}".rstrip()
    return (
        f"{await principal(kafka)} may not {lacking}: allow it; `meldingsvakt doctor` tells all that is missing, with "
        "the commands."
    )


def _names(error: BaseException) -> Iterator[str]:
    for each in error.args:
        yield from (each if isinstance(each, set | frozenset | list | tuple) else [str(each)])


async def unreachable(kafka: KafkaSettings) -> str:
    """Why no broker answers: asked once more without a client in between, which would keep the reason to itself."""
    places = addresses(kafka)
    try:
        whys = await asyncio.gather(*(_ask(kafka, host, port) for host, port in places.values()))
    except ConfigurationError as error:
        return str(error)
    return nobody_answers({address: said or "it answers by now" for address, said in zip(places, whys, strict=True)})


def nobody_answers(whys: Mapping[str, str]) -> str:
    """One sentence for addresses that no broker lets this client in at; `whys` says of each why not."""
    said = "; ".join(f"{address}: {why}" for address, why in whys.items())
    return (
        f"No Kafka broker answers at {','.join(whys)}: start it, or set KAFKA_BROKERS and the other KAFKA_ settings to "
        f"where and how it does ({said})."
    )


async def _ask(kafka: KafkaSettings, host: str, port: int) -> str | None:
    """None if a broker answers there."""
    options = client_options(kafka)
    del options["bootstrap_servers"]
    try:
        async with asyncio.timeout(ASK_SECONDS):
            connection = await create_conn(host, port, request_timeout_ms=int(ASK_SECONDS * 1000), **options)
            try:
                await connection.send(MetadataRequest([]))
            finally:
                connection.close()
    except (KafkaError, OSError, TimeoutError) as error:
        return why(error, kafka)
    return None


def why(error: BaseException, kafka: KafkaSettings) -> str:
    """Why a connection could not be had, as a part of a sentence and without what was sent."""
    for each in _causes(error):
        for explain in (_by_sasl, _by_tls, _by_network):
            said = explain(each, kafka)
            if said is not None:
                return said
    return _by_silence(error, kafka)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what caused it, the first cause first."""
    if error is not None:
        yield from _causes(error.__cause__)
        yield error


def _by_sasl(error: BaseException, kafka: KafkaSettings) -> str | None:
    if isinstance(error, TokenUnavailable):
        return str(error)
    if isinstance(error, SaslAuthenticationFailed):
        if kafka.sasl_mechanism == "OAUTHBEARER":
            return (
                "the broker does not accept the token: it may have expired, or be of another issuer, audience or "
                "scope than the broker wants"
            )
        return (
            f"the broker does not know User:{kafka.sasl_username} by this password ({kafka.sasl_mechanism}): correct "
            "KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD"
        )
    if isinstance(error, UnsupportedSaslMechanismError):
        return f"the listener does not take KAFKA_SASL_MECHANISM={kafka.sasl_mechanism}"
    if isinstance(error, IllegalSaslStateError):
        return f"the listener takes no SASL, but KAFKA_SECURITY_PROTOCOL is {kafka.security_protocol}"
    return None


def _by_tls(error: BaseException, kafka: KafkaSettings) -> str | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code == EXPIRED:
            return "the broker's certificate has expired"
        if error.verify_code in NO_HOST_MATCHES:
            return "the broker's certificate is of another name than the address in KAFKA_BROKERS"
        trusted = "KAFKA_SSL_CAFILE holds" if kafka.ssl_cafile else "the system trusts: set KAFKA_SSL_CAFILE"
        return f"the broker's certificate is of no authority that {trusted}"
    if isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or ""):
        return _refused_certificate(kafka)
    if isinstance(error, ssl.SSLError):
        return f"it speaks no TLS, but KAFKA_SECURITY_PROTOCOL is {kafka.security_protocol}"
    return None


def _refused_certificate(kafka: KafkaSettings) -> str:
    if kafka.ssl_certfile is None:
        return "the broker wants a client's certificate: set KAFKA_SSL_CERTFILE and KAFKA_SSL_KEYFILE"
    until = expires(kafka.ssl_certfile)
    if until < datetime.now(UTC):
        return f"the certificate in KAFKA_SSL_CERTFILE has expired ({written(until)}): renew it"
    return "the broker does not accept the certificate in KAFKA_SSL_CERTFILE: is it of an authority that it trusts?"


def _by_network(error: BaseException, _: KafkaSettings) -> str | None:
    if isinstance(error, KafkaError) or not isinstance(error, OSError) or isinstance(error, TimeoutError):
        return None
    if isinstance(error, ConnectionResetError | BrokenPipeError | ConnectionAbortedError):
        return None  # it was there, and hung up
    return os.strerror(error.errno) if isinstance(error, ConnectionError) and error.errno else error.strerror


def _by_silence(error: BaseException, kafka: KafkaSettings) -> str:
    """It hung up or waits for more: what a listener does with a client of another protocol."""
    if not isinstance(error, KafkaConnectionError | OSError | TimeoutError):
        return f"{type(error).__name__}"
    if kafka.security_protocol == "SSL" and kafka.ssl_certfile is not None:
        until = expires(kafka.ssl_certfile)
        if until < datetime.now(UTC):
            return _refused_certificate(kafka)
    hung_up = "it does not answer in time" if isinstance(error, TimeoutError) else "it hangs up"
    certificate = ", and does it want a client's certificate" if kafka.security_protocol == "SSL" else ""
    return f"{hung_up}: is KAFKA_SECURITY_PROTOCOL={kafka.security_protocol} what that listener speaks{certificate}?"
