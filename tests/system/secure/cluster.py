"""A broker with every kind of lock: mTLS, and SASL over TLS with all four mechanisms; it allows nothing by itself."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import trustme

from streams.broker import EmbeddedKafka, Listener
from streams.kafka.permissions import Right
from streams.settings import KafkaSettings
from tests.broker.rights import allow, revoke_all
from tests.engine.world import free_port
from tests.system.secure.credentials import AUDIENCE, ISSUER, Issuer, Mounted, chain_pem, issue, key_pem

PASSWORD = "not-to-be-seen-anywhere"
LOGIN = "org.apache.kafka.common.security"
SASL = "listener.name.client"


class SecuredKafka:
    """What a test needs to know of the broker, and of the authorities that it trusts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority, self.next_authority, self.stranger = trustme.CA(), trustme.CA(), trustme.CA()
        self.issuer = Issuer()
        # What clients of the last one are sent to is a port where a test may put a proxy.
        self.mutual_port, self.cut_port, self.proxy_port = free_port(), free_port(), free_port()
        self.mutual = f"127.0.0.1:{self.mutual_port}"
        self.through_proxy = f"127.0.0.1:{self.proxy_port}"
        self.broker = self._broker()

    @property
    def sasl(self) -> str:
        """Where SASL_SSL is spoken."""
        return self.broker.bootstrap

    @property
    def inside(self) -> KafkaSettings:
        """The broker's own listener, where everybody may do everything."""
        return KafkaSettings(brokers=self.broker.internal_bootstrap)

    @property
    def cafile(self) -> str:
        """The broker's authority."""
        return str(self.folder / "ca.pem")

    def by_certificate(self, name: str, **address: str) -> dict[str, str]:
        """The settings of a client that shows a certificate."""
        mounted = Mounted(self.folder / name)
        mounted.put_pair(issue(self.authority, name), self.authority)
        brokers = address.get("brokers", self.mutual)
        return {"KAFKA_BROKERS": brokers, "KAFKA_SECURITY_PROTOCOL": "SSL"} | mounted.settings()

    def by_password(self, mechanism: str, name: str = "checker", password: str = PASSWORD) -> dict[str, str]:
        """The settings of a client that says a password."""
        return self._by_sasl(mechanism) | {"KAFKA_SASL_USERNAME": name, "KAFKA_SASL_PASSWORD": password}

    def by_token_file(self, path: Path) -> dict[str, str]:
        """The settings of a client that shows a token from a file."""
        return self._by_sasl("OAUTHBEARER") | {"KAFKA_SASL_OAUTHBEARER_TOKEN_FILE": str(path)}

    def by_endpoint(self, url: str, secret: str = PASSWORD) -> dict[str, str]:
        """The settings of a client that fetches its tokens."""
        return self._by_sasl("OAUTHBEARER") | {
            "KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL": url,
            "KAFKA_SASL_OAUTHBEARER_CLIENT_ID": "checker",
            "KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET": secret,
            "KAFKA_SASL_OAUTHBEARER_SCOPE": "kafka",
        }

    def _by_sasl(self, mechanism: str) -> dict[str, str]:
        return {
            "KAFKA_BROKERS": self.sasl,
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": mechanism,
            "KAFKA_SSL_CAFILE": self.cafile,
        }

    async def grant(self, principal: str, rights: Iterable[Right]) -> None:
        """Allow somebody something."""
        await allow(self.inside, principal, rights)

    async def revoke_all(self, principal: str) -> None:
        """Take everything from somebody."""
        await revoke_all(self.inside, principal)

    def _broker(self) -> EmbeddedKafka:
        own = self.authority.issue_cert("127.0.0.1", "localhost")
        (self.folder / "broker.pem").write_bytes(key_pem(own) + chain_pem(own))
        trusted = self.authority.cert_pem.bytes() + self.next_authority.cert_pem.bytes()
        (self.folder / "trusted.pem").write_bytes(trusted)
        (self.folder / "ca.pem").write_bytes(self.authority.cert_pem.bytes())
        (self.folder / "jwks.json").write_text(self.issuer.jwks())
        keys = f"file://{self.folder / 'jwks.json'}"
        users = [f"SCRAM-SHA-{bits}=[name=checker,password={PASSWORD}]" for bits in (256, 512)]
        return EmbeddedKafka(
            protocol="SASL_SSL",
            listeners={
                "MUTUAL": Listener("SSL", self.mutual_port),
                "CUT": Listener("SSL", self.cut_port, self.through_proxy),
            },
            settings=_tls(self.folder) | _sasl_settings(keys) | _AUTHORISER,
            java_options=[f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={keys}"],
            format_arguments=[argument for user in users for argument in ("--add-scram", user)],
        )


def kafka_settings(environment: Mapping[str, str]) -> KafkaSettings:
    """The settings that a process would read from its environment."""
    return KafkaSettings.model_validate(
        {name.removeprefix("KAFKA_").lower(): value for name, value in environment.items()}
    )


_AUTHORISER = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
}


def _tls(folder: Path) -> dict[str, str]:
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "trusted.pem"),
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.cut.ssl.client.auth": "required",
    }


def _sasl_settings(keys: str) -> dict[str, str]:
    scram = {
        f"{SASL}.scram-sha-{bits}.sasl.jaas.config": f"{LOGIN}.scram.ScramLoginModule required;" for bits in (256, 512)
    }
    return scram | {
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
        f"{SASL}.plain.sasl.jaas.config": f'{LOGIN}.plain.PlainLoginModule required user_checker="{PASSWORD}";',
        f"{SASL}.oauthbearer.sasl.jaas.config": f"{LOGIN}.oauthbearer.OAuthBearerLoginModule required;",
        f"{SASL}.oauthbearer.sasl.server.callback.handler.class": (
            f"{LOGIN}.oauthbearer.OAuthBearerValidatorCallbackHandler"
        ),
        # Without it Kafka 4.1 looks at a token's shape only, and takes one that anybody has signed.
        "sasl.oauthbearer.jwt.validator.class": f"{LOGIN}.oauthbearer.BrokerJwtValidator",
        "sasl.oauthbearer.jwks.endpoint.url": keys,
        "sasl.oauthbearer.expected.audience": AUDIENCE,
        "sasl.oauthbearer.expected.issuer": ISSUER,
        "sasl.oauthbearer.clock.skew.seconds": "0",
        # Brokers end a session with its token or after this time: a client must log in again without loss.
        f"{SASL}.oauthbearer.connections.max.reauth.ms": "60000",
    }


@contextmanager
def secured_kafka() -> Iterator[SecuredKafka]:
    """One that lives as long as the block."""
    with tempfile.TemporaryDirectory(prefix="meldingsvakt-secure-") as folder:
        secured = SecuredKafka(Path(folder))
        with secured.broker:
            yield secured
