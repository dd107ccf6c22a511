"""No field that is kept has room for somebody: their number in any form, their name, words about them."""

import uuid
from random import Random

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.common import Code, Token, Version, holds_national_id
from schemas.inputs import ReportSent
from tests.view.stock import report_id

TOKEN, VERSION, CODE = TypeAdapter(Token), TypeAdapter(Version), TypeAdapter(Code)
NUMBERS = [
    "01020312345", "010203-12345", "010203.12345", "010203_12345", "010203:12345", "01.02.03.12345", "01.02.03-123.45",
    "01-02-03-12345", "01021903-12345", "fnr01020312345", "fnr010203-12345", "id01020312345x", "pnr.01020312345",
    "x01020312345.7", "1-01020312345", "v1.01020312345", "41020312345", "01420312345", "a31129912345b", "710203-12345",
    "018203-12345", "7.01020312345", "12345678901", "p01720312345",
]  # fmt: skip
PEOPLE = ["Kari.Nordmann", "Kari.Nordmann.Storgata.5", "Ola-Nordmann", "Nordmann:Kari", "x.Per.Hansen", "1.Per_Hansen"]
WORDS = ["kari.nordmann.storgata.5", "barn.utsatt.for.vold", "KARI.NORDMANN", "mor-drikker", "storgata.osloo.7"]
VERSIONS = [
    "7.3.1", "2026.1", "v12", "R4-SP2", "7.3.1-SNAPSHOT", "2023.4-rc1", "7.3.1-release-candidate", "Familia-7.3.1",
    "build.20260302.1", "7.3.1+build.5", "20260302", "1.2.3-hotfix2", "familia_prod_7.3", "2026-03-02", "12.04.2026",
]  # fmt: skip
TOKENS = [
    "m-123", "c1a2b3d4-0001-4000-8000-000000000001", "urn:uuid:1", "msg-20260302-12345", "no.ks.fiks:1234567890123",
    "queue-prod-7", "0b7f3d52-unit", "1709370900000", "A1B2", "123456789012", "1234567890",
]  # fmt: skip


@pytest.mark.parametrize("text", [*NUMBERS, *(f"{text}." for text in NUMBERS[:9]), *(f"a:{text}" for text in NUMBERS)])
def test_a_national_number_is_refused_in_every_form_that_people_write(text: str) -> None:
    assert holds_national_id(text)
    for kind in (TOKEN, VERSION):
        with pytest.raises(ValidationError, match="national id"):
            kind.validate_python(text)


@pytest.mark.parametrize("text", ["FNR01020312345", "01020312345", "FNR_010203_12345", "A_01_02_03_12345"])
def test_also_among_codes(text: str) -> None:
    with pytest.raises(ValidationError, match="national id"):
        CODE.validate_python(text)


@pytest.mark.parametrize("text", PEOPLE)
def test_what_reads_like_a_name_is_refused(text: str) -> None:
    for kind in (TOKEN, VERSION):
        with pytest.raises(ValidationError, match="could be a name"):
            kind.validate_python(text)


@pytest.mark.parametrize("text", WORDS)
def test_a_version_has_no_room_for_a_sentence(text: str) -> None:
    with pytest.raises(ValidationError, match="words about somebody"):
        VERSION.validate_python(text)


def test_versions_and_ids_as_they_are_met_with_are_kept() -> None:
    assert [VERSION.validate_python(text) for text in VERSIONS] == VERSIONS
    assert [TOKEN.validate_python(text) for text in TOKENS] == TOKENS


def test_what_is_drawn_at_random_is_kept_whatever_digits_are_in_it() -> None:
    draw = Random(1)
    for _ in range(20_000):
        drawn = uuid.UUID(int=draw.getrandbits(128), version=4)
        for text in (str(drawn), str(drawn).upper(), drawn.hex):
            assert TOKEN.validate_python(text) == text


def test_a_report_with_such_a_version_is_read_without_it() -> None:
    value = {
        "report_id": report_id(1), "sent_at": "2026-03-02T09:15:00Z", "receiver": {"municipality": "4601"},
        "channel": "FIKS_IO", "case_system": "VISMA_FAMILIA", "case_system_version": "Kari.Nordmann.Storgata.5",
    }  # fmt: skip
    with pytest.raises(ValidationError) as caught:
        ReportSent.model_validate(value)
    assert "Kari" not in str(caught.value)
