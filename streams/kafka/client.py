"""How this client shows the brokers who it is: settings that cannot work together are refused, with what to set."""

from functools import lru_cache
from typing import Any

from aiokafka.conn import collect_hosts

from streams.addresses import is_loopback, is_safe
from streams.errors import ConfigurationError
from streams.kafka.certificates import Certificates, certificates, subject
from streams.kafka.oauth import EndpointTokens, FileTokens, TokenUnavailable
from streams.settings import KafkaSettings

OAUTH = "KAFKA_SASL_OAUTHBEARER_"


def client_options(kafka: KafkaSettings) -> dict[str, Any]:
    """The keyword arguments that every aiokafka client of ours takes.

    Raises ConfigurationError in one sentence that names the setting which cannot work.
    """
    options: dict[str, Any] = {"bootstrap_servers": kafka.brokers, "security_protocol": kafka.security_protocol}
    if kafka.security_protocol.endswith("SSL"):
        options["ssl_context"] = _certificates(kafka).context()
    elif kafka.ssl_certfile or kafka.ssl_keyfile:
        raise ConfigurationError(
            f"KAFKA_SSL_CERTFILE is not used with KAFKA_SECURITY_PROTOCOL={kafka.security_protocol}: set that to SSL "
            "or SASL_SSL, or remove the certificate."
        )
    if kafka.security_protocol.startswith("SASL"):
        options |= {"sasl_mechanism": kafka.sasl_mechanism} | _sasl(kafka)
    elif kafka.sasl_username or kafka.sasl_password or kafka.sasl_oauthbearer_client_id:
        raise ConfigurationError(
            f"A SASL user is not used with KAFKA_SECURITY_PROTOCOL={kafka.security_protocol}: set that to SASL_SSL, or "
            "remove the KAFKA_SASL_ settings."
        )
    return options


def addresses(kafka: KafkaSettings) -> dict[str, tuple[str, int]]:
    """The bootstrap addresses as they are written, and taken apart. Raises ConfigurationError."""
    try:
        return {f"{host}:{port}": (host, port) for host, port, _ in collect_hosts(kafka.brokers)}
    except ValueError:
        raise ConfigurationError("KAFKA_BROKERS is not valid: write host:port, separated by commas.") from None


def _certificates(kafka: KafkaSettings) -> Certificates:
    if kafka.ssl_certfile and not kafka.ssl_keyfile:
        raise ConfigurationError("KAFKA_SSL_CERTFILE is set without its key: set KAFKA_SSL_KEYFILE too.")
    if kafka.ssl_keyfile and not kafka.ssl_certfile:
        raise ConfigurationError("KAFKA_SSL_KEYFILE is set without its certificate: set KAFKA_SSL_CERTFILE too.")
    return certificates(kafka.ssl_cafile, kafka.ssl_certfile, kafka.ssl_keyfile, kafka.ssl_password)


def _sasl(kafka: KafkaSettings) -> dict[str, Any]:
    if kafka.sasl_mechanism == "OAUTHBEARER":
        return {"sasl_oauth_token_provider": tokens(kafka)}
    missing = [name for name in ("username", "password") if not getattr(kafka, f"sasl_{name}")]
    if missing:
        raise ConfigurationError(
            f"KAFKA_SECURITY_PROTOCOL is {kafka.security_protocol} with {kafka.sasl_mechanism}: set "
            f"{' and '.join(f'KAFKA_SASL_{name.upper()}' for name in missing)}."
        )
    if kafka.sasl_mechanism == "PLAIN":
        _refuse_in_the_clear(kafka, "the password")
    assert kafka.sasl_password is not None
    return {
        "sasl_plain_username": kafka.sasl_username,
        "sasl_plain_password": kafka.sasl_password.get_secret_value(),
    }


def tokens(kafka: KafkaSettings) -> FileTokens | EndpointTokens:
    """Where OAUTHBEARER's tokens come from; the same for all clients. Raises ConfigurationError."""
    _refuse_in_the_clear(kafka, "the token")
    file, url = kafka.sasl_oauthbearer_token_file, kafka.sasl_oauthbearer_token_endpoint_url
    if (file is None) == (url is None):
        raise ConfigurationError(
            f"KAFKA_SASL_MECHANISM is OAUTHBEARER: set either {OAUTH}TOKEN_ENDPOINT_URL or {OAUTH}TOKEN_FILE."
        )
    if file is not None:
        return FileTokens(file)
    if not url or not is_safe(url):
        raise ConfigurationError(
            f"{OAUTH}TOKEN_ENDPOINT_URL must begin with https://, because the client's secret is sent there."
        )
    client_id, secret = kafka.sasl_oauthbearer_client_id, kafka.sasl_oauthbearer_client_secret
    if not client_id or not secret:
        raise ConfigurationError(
            f"{OAUTH}TOKEN_ENDPOINT_URL is set: set {OAUTH}CLIENT_ID and {OAUTH}CLIENT_SECRET too."
        )
    return _endpoint(url, client_id, secret.get_secret_value(), kafka.sasl_oauthbearer_scope)


@lru_cache(maxsize=8)
def _endpoint(url: str, client_id: str, secret: str, scope: str | None) -> EndpointTokens:
    return EndpointTokens(url, client_id, secret, scope)


def _refuse_in_the_clear(kafka: KafkaSettings, what: str) -> None:
    """Whoever sees it on the way can use it: only SCRAM keeps the secret to itself."""
    if kafka.security_protocol == "SASL_PLAINTEXT" and not all(
        is_loopback(host) for host, _ in addresses(kafka).values()
    ):
        raise ConfigurationError(
            f"{kafka.sasl_mechanism} over SASL_PLAINTEXT sends {what} in the clear: set KAFKA_SECURITY_PROTOCOL to "
            "SASL_SSL."
        )


async def principal(kafka: KafkaSettings) -> str:
    """Who this client is for the brokers, as far as it can tell: they may map names as they like."""
    if kafka.security_protocol.startswith("SASL"):
        if kafka.sasl_mechanism != "OAUTHBEARER":
            return f"User:{kafka.sasl_username}"
        try:
            token = await tokens(kafka).read()
        except (ConfigurationError, TokenUnavailable):
            return "User:<the subject of its token>"
        return f"User:{token.subject or '<the subject of its token>'}"
    if kafka.security_protocol == "SSL" and kafka.ssl_certfile:
        try:
            return f"User:{subject(kafka.ssl_certfile)}"
        except ConfigurationError:
            return "User:<the subject of KAFKA_SSL_CERTFILE>"
    return "User:ANONYMOUS"
