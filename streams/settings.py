"""Settings from the environment: `KAFKA_*` for the connection, `MELDINGSVAKT_*` for everything else."""

import os
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.durations import LONGEST_DURATION
from streams.errors import ConfigurationError, what_it_must_be

TOPIC_NAME = r"^[A-Za-z0-9._-]{1,200}$"
_MEMORY, _SCOPES = r"^[1-9][0-9]*(\.[0-9]+)?[MG]i?B$", r"^[!#-\[\]-~]*$"
_PATTERNS = {
    TOPIC_NAME: "letters without accents, digits, dots, hyphens and underscores, at most 200 of them",
    _MEMORY: "an amount of memory like 4GB or 512MB",
    _SCOPES: "plain letters, digits and signs, without blanks, quotes and backslashes",
}


class KafkaSettings(BaseSettings):
    """How to reach Kafka. The names are the usual ones, so that a platform's own secrets fit."""

    model_config = SettingsConfigDict(env_prefix="KAFKA_", frozen=True, hide_input_in_errors=True)

    brokers: str = Field("127.0.0.1:9092", description="Bootstrap servers, host:port separated by commas.")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How the connection is secured."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = Field(
        "SCRAM-SHA-512", description="The SASL mechanism, where the protocol is SASL_*."
    )
    sasl_username: str | None = Field(None, description="The SASL user.")
    sasl_password: SecretStr | None = Field(None, description="The SASL password.")
    sasl_oauthbearer_token_endpoint_url: str | None = Field(
        None, description="Where OAUTHBEARER's tokens are asked for (https), with the client's credentials."
    )
    sasl_oauthbearer_client_id: str | None = Field(None, description="The client's id at the token endpoint.")
    sasl_oauthbearer_client_secret: SecretStr | None = Field(
        None, description="The client's secret at the token endpoint."
    )
    sasl_oauthbearer_scope: str | None = Field(None, description="The scope that is asked for.")
    sasl_oauthbearer_token_file: Path | None = Field(
        None, description="In place of the endpoint: a file with a token, which something else renews."
    )
    ssl_cafile: Path | None = Field(
        None, description="The certificate authorities to trust (PEM); the system's where not given."
    )
    ssl_certfile: Path | None = Field(None, description="The client's certificate and its chain (PEM), for mTLS.")
    ssl_keyfile: Path | None = Field(None, description="The client's key (PEM), for mTLS.")
    ssl_password: SecretStr | None = Field(None, description="The password of the client's key.")

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object, info: ValidationInfo) -> object:
        """Compose and Kubernetes pass on what is not set as an empty text."""
        return cls.model_fields[info.field_name or ""].default if value == "" else value


class Settings(BaseSettings):
    """What the checker does. Durations are ISO 8601 (`PT10S`, `P120D`)."""

    model_config = SettingsConfigDict(env_prefix="MELDINGSVAKT_", frozen=True, hide_input_in_errors=True)

    app_id: str = Field(
        "reports", pattern=TOPIC_NAME, description="Prefix of output topics, consumer group and transactional ids."
    )
    input_prefix: str = Field("reports.", pattern=TOPIC_NAME, description="Prefix of the four input topics.")
    policy: Path | None = Field(None, description="The policy file (TOML); built-in allowances where not given.")
    partitions: int = Field(12, ge=1, le=1000, description="Partitions of topics that are created.")
    retention: timedelta = Field(
        timedelta(days=90),
        ge=timedelta(days=1),
        le=LONGEST_DURATION,
        description="Retention of the input topics that are created.",
    )
    access_retention: timedelta = Field(
        timedelta(days=730),
        ge=timedelta(days=1),
        le=LONGEST_DURATION,
        description="Retention of the record of who looked, as created.",
    )
    keep: timedelta = Field(
        timedelta(days=120),
        gt=timedelta(0),
        le=LONGEST_DURATION,
        description="How long a row is kept after its last fact.",
    )
    unexpected_after: timedelta = Field(
        timedelta(hours=24),
        gt=timedelta(0),
        le=LONGEST_DURATION,
        description="When a proof without a sent becomes unexpected.",
    )
    mark_every: timedelta = Field(
        timedelta(seconds=10),
        ge=timedelta(milliseconds=100),
        le=timedelta(hours=1),
        description="How often marks are written while no deadline is due.",
    )
    mark_pause: timedelta = Field(
        timedelta(milliseconds=100),
        ge=timedelta(0),
        le=timedelta(minutes=1),
        description="The least time between two sets of marks of one partition.",
    )
    gap_after: timedelta = Field(
        timedelta(seconds=20),
        gt=timedelta(0),
        le=timedelta(hours=1),
        description="How long completeness may stand still before it is a gap.",
    )
    session_timeout: timedelta = Field(
        timedelta(seconds=6),
        ge=timedelta(seconds=2),
        le=timedelta(seconds=10),
        description="After how long without a heartbeat a worker loses its partitions.",
    )
    request_timeout: timedelta = Field(
        timedelta(seconds=10),
        ge=timedelta(seconds=1),
        le=timedelta(seconds=10),
        description="The longest wait for Kafka's answer, a commit included.",
    )
    batch_records: int = Field(20_000, ge=1, le=100_000, description="The most records of one partition in one batch.")
    max_value_bytes: int = Field(
        262_144,
        ge=1024,
        description="Larger input values are rejected as too large (the report is judged all the same).",
    )
    max_batch_bytes: int = Field(
        64 << 20,
        ge=1 << 20,
        description="What one record batch of Kafka may unpack to; what lies behind is rejected, and counts as lost.",
    )
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = Field(
        "zstd", description="The codec of what the checker writes."
    )
    instance_id: str | None = Field(
        None, pattern=TOPIC_NAME, description="Static group membership: this worker's own stable name."
    )
    http_host: str = Field("127.0.0.1", description="Where the worker's /livez, /readyz and /metrics listen.")
    http_port: int = Field(8081, ge=0, le=65535, description="Their port; 0 takes a free one.")
    view_file: Path | None = Field(None, description="Where the view keeps its tables; in memory where not given.")
    view_host: str = Field("127.0.0.1", description="Where the view listens.")
    view_port: int = Field(8080, ge=0, le=65535, description="Its port; 0 takes a free one.")
    view_memory: str = Field("4GB", pattern=_MEMORY, description="How much memory the view's tables may take.")
    view_silent_after: timedelta = Field(
        timedelta(minutes=1),
        ge=timedelta(seconds=1),
        le=timedelta(days=7),
        description="How far completeness may lie behind the clock before the view says that its picture is behind.",
    )
    view_rows: bool = Field(
        True, description="Whether the view shows single reports; if not, only counts, and none of them under 5."
    )
    view_owner: str | None = Field(
        None, max_length=200, description="Who answers for the pages: the name in their accessibility statement."
    )
    view_contact: str | None = Field(
        None, max_length=200, description="Where to tell them what is not accessible: an address or a telephone number."
    )
    view_issuer: str | None = Field(None, description="The issuer whose tokens let people in; none asks for no token.")
    view_audience: str | None = Field(None, description="The audience that tokens must be for.")
    view_jwks: str | None = Field(None, description="The issuer's public keys: an https address, or a file (JWKS).")
    view_algorithms: str = Field("RS256", description="The signature algorithms that are accepted, by commas.")
    view_scopes: str = Field(
        "meldingsvakt:",
        pattern=_SCOPES,
        description="What stands before own, aggregates, national and sql in the names of scopes.",
    )
    view_mapping: Path | None = Field(None, description="Which receivers each organisation acts for (TOML).")
    view_unprotected: bool = Field(
        False, description="Listen beyond loopback without tokens: only where nobody else can reach it."
    )
    view_requests_a_minute: int = Field(
        1200, ge=1, description="How much one organisation may ask, and one address without a good token."
    )
    intake_host: str = Field("127.0.0.1", description="Where the intake listens.")
    intake_port: int = Field(8082, ge=0, le=65535, description="Its port; 0 takes a free one.")
    intake_unprotected: bool = Field(
        False, description="Listen beyond loopback without tokens: only where nobody else can reach it."
    )
    intake_requests_a_minute: int = Field(
        60_000, ge=1, description="How much one organisation may deliver, and one address without a good token."
    )
    heartbeat_url: SecretStr | None = Field(
        None, description="What a worker asks for again and again while it can vouch: an external dead man's switch."
    )
    heartbeat_every: timedelta = Field(
        timedelta(minutes=1), ge=timedelta(seconds=1), le=timedelta(days=1), description="How often it does."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="The least severe log line.")
    log_format: Literal["text", "json"] = Field(
        "text", description="Log lines for people (text), or one JSON object a line."
    )

    @field_validator("keep")
    @classmethod
    def _outlives_the_inputs(cls, keep: timedelta, info: ValidationInfo) -> timedelta:
        """Whose row is erased while its sent can still be read would be announced twice, or refused as too old."""
        if "retention" in info.data and keep <= info.data["retention"]:
            raise PydanticCustomError("keep", "rows must be kept longer than the inputs are (MELDINGSVAKT_RETENTION)")
        return keep

    @field_validator("unexpected_after")
    @classmethod
    def _comes_before_the_end(cls, after: timedelta, info: ValidationInfo) -> timedelta:
        if "keep" in info.data and after >= info.data["keep"]:
            raise PydanticCustomError("unexpected_after", "it must be shorter than rows are kept (MELDINGSVAKT_KEEP)")
        return after

    @field_validator("gap_after")
    @classmethod
    def _comes_after_the_next_mark(cls, after: timedelta, info: ValidationInfo) -> timedelta:
        """Completeness stands still from one mark to the next where nothing arrives: that is no gap."""
        if "mark_every" in info.data and after <= info.data["mark_every"]:
            raise PydanticCustomError("gap_after", "it must be longer than marks lie apart (MELDINGSVAKT_MARK_EVERY)")
        return after

    @field_validator("heartbeat_url")
    @classmethod
    def _is_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("http://", "https://")):
            raise ValueError("give an address that begins with https:// or http://")
        return value

    @field_validator(
        "heartbeat_url", "instance_id", "policy", "view_contact", "view_file", "view_issuer", "view_audience",
        "view_jwks", "view_mapping", "view_owner", mode="before",
    )  # fmt: skip
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

    @cached_property
    def facts(self) -> tuple[str, str, str]:
        """The input topics that verdicts wait for: sent, receipt, stored."""
        return f"{self.input_prefix}sent", f"{self.input_prefix}receipt", f"{self.input_prefix}stored"

    @cached_property
    def decisions(self) -> str:
        """The input topic of what people decide, for which no verdict waits."""
        return f"{self.input_prefix}decision"

    @cached_property
    def inputs(self) -> tuple[str, str, str, str]:
        """All input topics: those of facts, and that of decisions behind them."""
        return *self.facts, self.decisions

    def output(self, name: str) -> str:
        """The name of one of the checker's own topics."""
        return f"{self.app_id}.{name}"


def load_settings() -> tuple[KafkaSettings, Settings]:
    """Read both from the environment. Raises ConfigurationError in one sentence, naming the setting."""
    _refuse_unknown()
    try:
        return KafkaSettings(), Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        prefix = "KAFKA_" if error.title == "KafkaSettings" else "MELDINGSVAKT_"
        name = f"{prefix}{'_'.join(str(part) for part in first['loc'])}".upper()
        raise ConfigurationError(
            f"{name} is not valid: {_why(first)}; `meldingsvakt config` lists the settings."
        ) from None


def _why(error: ErrorDetails) -> str:
    """What is wrong with a value, without the value, which may be a secret."""
    context = error.get("ctx", {})
    if error["type"] == "string_pattern_mismatch":
        return f"it must be {_PATTERNS[context['pattern']]}"
    return what_it_must_be(error["type"], context) or error["msg"].removeprefix("Value error, ")


def _refuse_unknown() -> None:
    known = {f"MELDINGSVAKT_{name.upper()}" for name in Settings.model_fields} | {"MELDINGSVAKT_CACHE"}
    unknown = sorted(
        name for name in os.environ if name.upper().startswith("MELDINGSVAKT_") and name.upper() not in known
    )
    if unknown:
        raise ConfigurationError(
            f"{unknown[0]} is not a setting: remove it or correct its name; `meldingsvakt config` lists the settings."
        )
