"""How this client shows who it is: will it be let in tomorrow, too, and does the broker look at what it shows?"""

from collections.abc import Iterator
from datetime import timedelta

from streams.core.events import written
from streams.doctor.facts import Facts
from streams.doctor.findings import Finding, fault, in_server_properties, or_ok, warning

CHECK = "login"
RENEW_WITHIN = timedelta(days=14)
VALIDATOR = "sasl.oauthbearer.jwt.validator.class"
OAUTH_PACKAGE = "org.apache.kafka.common.security.oauthbearer"


def login(facts: Facts) -> Iterator[Finding]:
    """Who this client is, and what could end that."""
    secured = f"{facts.principal} by {facts.kafka.security_protocol}"
    if facts.kafka.security_protocol.startswith("SASL"):
        secured += f" with {facts.kafka.sasl_mechanism}"
    yield from or_ok(CHECK, [*_in_the_clear(facts), *_certificate(facts), *_tokens(facts)], secured)


def _in_the_clear(facts: Facts) -> Iterator[Finding]:
    if not facts.kafka.security_protocol.endswith("SSL"):
        yield warning(
            CHECK,
            f"{facts.principal} by {facts.kafka.security_protocol}: whoever is on the way can read and change what is "
            "sent",
            "let the brokers listen with TLS, and set KAFKA_SECURITY_PROTOCOL to SSL or SASL_SSL",
        )


def _certificate(facts: Facts) -> Iterator[Finding]:
    until = facts.certificate_until
    if until is None or until - facts.now > RENEW_WITHIN:
        return
    if until <= facts.now:
        yield fault(
            CHECK,
            f"the certificate in KAFKA_SSL_CERTFILE has expired ({written(until)})",
            "renew it: the next connection uses it, without a restart",
        )
    else:
        yield warning(
            CHECK,
            f"the certificate in KAFKA_SSL_CERTFILE expires {written(until)}",
            "renew it by then, unless something does: the next connection uses it, without a restart",
        )


def _tokens(facts: Facts) -> Iterator[Finding]:
    """Measured: the default looks at a token's shape only, whether or not the issuer's keys are configured."""
    if facts.kafka.sasl_mechanism != "OAUTHBEARER" or not facts.kafka.security_protocol.startswith("SASL"):
        return
    for node_id, validator in facts.broker_setting(VALIDATOR).items():
        if validator.endswith(".DefaultJwtValidator"):
            yield warning(
                CHECK,
                f"broker {node_id} has {VALIDATOR}={validator}, with which Kafka 4.1.1 takes tokens that anybody has "
                "signed: whoever reaches it may be anybody",
                in_server_properties(VALIDATOR, f"{OAUTH_PACKAGE}.BrokerJwtValidator"),
            )
