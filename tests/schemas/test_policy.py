"""The policy file: what is accepted, and the sentence for what is not."""

from datetime import timedelta
from pathlib import Path

import pytest

from schemas.policy import DEFAULT_POLICY, PolicyInvalid, parse_policy
from streams.core.facts import Names, Receiver
from streams.core.policy import fingerprint
from streams.errors import ConfigurationError
from streams.policies import load_policy, policy_of

FULL = """
portal_retention = "P30D"
[[version]]
id = "2025"
[[version]]
id = "2026-01"
valid_from = 2026-01-01T00:00:00Z
grace = "PT5M"
default = "P1D"
[version.allowance]
FIKS_IO = "PT2H"
PRINT = "P12D"
[[version.override]]
municipality = "3907"
case_system = "VISMA_FAMILIA"
allowance = "PT30M"
grace = "PT1M"
[[version.override]]
channel = "PRINT"
proof = "none"
"""


def test_a_full_policy_becomes_the_cores_policy() -> None:
    policy = policy_of(parse_policy(FULL))
    assert [version.id for version in policy.versions] == ["2025", "2026-01"]
    version = policy.versions[1]
    ours = Names(Receiver("3907"), "FIKS_IO", "VISMA_FAMILIA")
    assert version.terms(ours) == (timedelta(minutes=30), timedelta(minutes=1), True)
    letter = Names(Receiver("3907"), "PRINT", "UKJENT")
    assert version.terms(letter) == (timedelta(days=12), timedelta(minutes=5), False)


@pytest.mark.parametrize("written", ["2026-01-01T01:00:00+01:00", '"2026-01-01T00:00:00Z"', "2026-01-01 00:00:00Z"])
def test_the_same_instant_gives_the_same_fingerprint(written: str) -> None:
    plain = policy_of(parse_policy(FULL)).versions[1]
    other = policy_of(parse_policy(FULL.replace("2026-01-01T00:00:00Z", written))).versions[1]
    assert fingerprint(other) == fingerprint(plain)


def test_the_built_in_policy_is_valid() -> None:
    assert parse_policy(DEFAULT_POLICY).version[0].allowance["SVARINN"] == timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("version = [", "The policy is not TOML"),
        ("", "The policy lacks version: add it."),
        ("[[version]]\n", "The policy lacks version.1.id: add it."),
        ('[[version]]\nid = "a"\ngrase = "PT5M"\n', "unknown entry version.1.grase"),
        ('[[version]]\nid = "a"\ngrace = "P1M"\n', "must be a positive ISO 8601 duration"),
        ('[[version]]\nid = "a"\ngrace = "PT0S"\n', "must be a positive ISO 8601 duration"),
        ('[[version]]\nid = "a"\ndefault = 5\n', "must be a positive ISO 8601 duration"),
        ('[[version]]\nid = "a"\ndefault = "soon"\n', "must be a positive ISO 8601 duration"),
        ('[[version]]\nid = "a"\ndefault = "P99999999999999D"\n', "must be a positive ISO 8601 duration"),
        ('[[version]]\nid = "a"\ngrace = "P999999999D"\n', "must be at most ten years"),
        ('portal_retention = "P3650000D"\n[[version]]\nid = "a"\n', "must be at most ten years"),
        ('[[version]]\nid = "a"\ndefault = "P30D"\n', "reach the portal's retention"),
        ('[[version]]\nid = "a"\n[version.allowance]\nPRINT = "P29DT23H59M"\n', "reach the portal's retention"),
        ('[[version]]\nid = "a"\n[[version.override]]\nchannel = "X"\nallowance = "P40D"\n', "override 1"),
        ('[[version]]\nid = "a"\n[[version.override]]\nallowance = "PT1H"\n', "needs at least one of municipality"),
        ('[[version]]\nid = "a"\n[[version.override]]\nmunicipality = "301"\n', "version.1.override.1.municipality"),
        ('[[version]]\nid = "a"\n[[version]]\nid = "a"\nvalid_from = 2026-01-01T00:00:00Z\n', "the same id"),
        ('[[version]]\nid = "a"\n[[version]]\nid = "b"\n', "only the first version may leave out valid_from"),
        ('[[version]]\nid = "a"\nvalid_from = 2026-01-01T00:00:00\n', "valid_from"),
        (
            '[[version]]\nid="a"\nvalid_from=2026-02-01T00:00:00Z\n[[version]]\nid="b"\nvalid_from=2026-01-01T00:00:00Z',
            "in order of valid_from",
        ),
    ],
)
def test_a_wrong_policy_is_refused_in_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        parse_policy(text)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"policy\.toml: The policy"):
        load_policy(path)


def test_a_missing_policy_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="MELDINGSVAKT_POLICY"):
        load_policy(tmp_path / "none.toml")
