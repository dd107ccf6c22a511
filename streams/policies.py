"""The policy file as the core's policy."""

from datetime import UTC
from pathlib import Path

from schemas.policy import DEFAULT_POLICY, PolicyFile, PolicyInvalid, PolicyVersion, parse_policy
from streams.core.policy import EVER, Override, Policy, Version
from streams.errors import ConfigurationError


def load_policy(path: Path | None) -> Policy:
    """The policy in a file, or the built-in one. Raises ConfigurationError in one sentence."""
    try:
        return policy_of(parse_policy(DEFAULT_POLICY if path is None else path.read_text(encoding="utf-8")))
    except PolicyInvalid as error:
        raise ConfigurationError(f"{path or 'The built-in policy'}: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The policy {path} cannot be read ({type(error).__name__}): set MELDINGSVAKT_POLICY to a TOML file."
        ) from None


def policy_of(document: PolicyFile) -> Policy:
    """A valid policy file as the core judges by it."""
    return Policy(tuple(_version(version, document) for version in document.version))


def _version(version: PolicyVersion, document: PolicyFile) -> Version:
    overrides = tuple(
        Override(o.municipality, o.case_system, o.channel, o.allowance, o.grace, proof=o.proof == "stored")
        for o in version.override
    )
    # The same instant must give the same fingerprint, however its zone was written and whoever parsed it.
    valid_from = version.valid_from.astimezone(UTC) if version.valid_from else EVER
    return Version(
        version.id,
        version.grace,
        version.default,
        valid_from,
        dict(version.allowance),
        overrides,
        version.portal_retention or document.portal_retention,
        version.last_call or document.last_call,
        version.loss_patience or document.loss_patience,
    )
