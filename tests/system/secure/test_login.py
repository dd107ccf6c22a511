"""Settings that cannot work together: one sentence that names the setting, before anything is asked."""

from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import SecretStr

from streams.errors import ConfigurationError
from streams.kafka.client import client_options, principal, tokens
from streams.settings import KafkaSettings
from tests.system.secure.credentials import Issuer, chain_pem, issue

SECRET = SecretStr("not to be seen")
USER = {"sasl_username": "checker", "sasl_password": SECRET}
FILE = Path("/nowhere")
OAUTH = {"security_protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER"}
ENDPOINT = OAUTH | {"sasl_oauthbearer_token_endpoint_url": "https://login.test/token"}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"security_protocol": "SASL_SSL"}, "set KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"),
        ({"security_protocol": "SASL_SSL", "sasl_username": "u"}, "SCRAM-SHA-512: set KAFKA_SASL_PASSWORD"),
        ({"security_protocol": "SASL_SSL", "sasl_password": SECRET}, "set KAFKA_SASL_USERNAME"),
        ({"sasl_username": "u"}, "A SASL user is not used with KAFKA_SECURITY_PROTOCOL=PLAINTEXT"),
        ({"security_protocol": "SSL", "ssl_certfile": FILE}, "set KAFKA_SSL_KEYFILE too"),
        ({"security_protocol": "SSL", "ssl_keyfile": FILE}, "set KAFKA_SSL_CERTFILE too"),
        ({"ssl_certfile": FILE, "ssl_keyfile": FILE}, "not used with KAFKA_SECURITY_PROTOCOL=PLAINTEXT"),
        (
            USER | {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN", "brokers": "127.0.0.1:1,k:9092"},
            "PLAIN over SASL_PLAINTEXT sends the password in the clear",
        ),
        (
            OAUTH | {"security_protocol": "SASL_PLAINTEXT", "brokers": "k:9092", "sasl_oauthbearer_token_file": FILE},
            "OAUTHBEARER over SASL_PLAINTEXT sends the token in the clear",
        ),
        (OAUTH, "set either KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL or KAFKA_SASL_OAUTHBEARER_TOKEN_FILE"),
        (ENDPOINT | {"sasl_oauthbearer_token_file": FILE}, "set either"),
        (ENDPOINT, "set KAFKA_SASL_OAUTHBEARER_CLIENT_ID and KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET too"),
        (OAUTH | {"sasl_oauthbearer_token_endpoint_url": "http://login.test/token"}, "must begin with https://"),
        ({"brokers": "a:b:c", "sasl_mechanism": "PLAIN", "security_protocol": "SASL_PLAINTEXT"} | USER, "host:port"),
    ],
)
def test_what_cannot_work_is_refused_in_one_sentence(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        client_options(KafkaSettings(**settings))
    assert sentence in str(raised.value)
    assert SECRET.get_secret_value() not in str(raised.value)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        USER | {"security_protocol": "SASL_SSL"},
        USER | {"security_protocol": "SASL_PLAINTEXT", "brokers": "kafka-1:9092"},  # SCRAM keeps its secret
        USER | {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN", "brokers": "127.0.0.1:9092"},
        {"security_protocol": "SSL"},
        OAUTH | {"sasl_oauthbearer_token_file": FILE},
        ENDPOINT | {"sasl_oauthbearer_client_id": "c", "sasl_oauthbearer_client_secret": SECRET},
    ],
)
def test_what_can_work_is_taken(settings: dict[str, Any]) -> None:
    assert client_options(KafkaSettings(**settings))["bootstrap_servers"]


def test_all_clients_share_the_tokens_of_one_endpoint() -> None:
    kafka = KafkaSettings(**ENDPOINT, sasl_oauthbearer_client_id="c", sasl_oauthbearer_client_secret=SECRET)  # type: ignore[arg-type]
    assert tokens(kafka) is tokens(kafka.model_copy())


def test_what_is_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KafkaSettings.model_fields:
        monkeypatch.setenv(f"KAFKA_{name.upper()}", "")
    assert KafkaSettings() == KafkaSettings.model_construct()


async def test_it_knows_who_it_is_for_the_brokers(tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_bytes(chain_pem(issue(trustme.CA(), "who")))
    (tmp_path / "token").write_text(Issuer().token("somebody"))
    (tmp_path / "opaque").write_text("opaque")
    named = [
        KafkaSettings(),
        KafkaSettings(security_protocol="SASL_SSL", sasl_username="checker"),
        KafkaSettings(security_protocol="SSL", ssl_certfile=tmp_path / "c.pem"),
        KafkaSettings(security_protocol="SSL", ssl_certfile=FILE),
        *(
            KafkaSettings(**OAUTH, sasl_oauthbearer_token_file=tmp_path / name)  # type: ignore[arg-type]
            for name in ("token", "opaque", "none")
        ),
    ]
    assert [await principal(kafka) for kafka in named] == [
        "User:ANONYMOUS",
        "User:checker",
        r"User:CN=who,OU=Barnevern\, nord,O=Kommunen",
        "User:<the subject of KAFKA_SSL_CERTFILE>",
        "User:somebody",
        "User:<the subject of its token>",
        "User:<the subject of its token>",
    ]
