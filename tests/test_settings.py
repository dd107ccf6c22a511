"""Durations: every one has an end that the calendar and good sense allow, and a sentence for what lies beyond it."""

from datetime import UTC, datetime, timedelta

import pytest

from schemas.durations import LONGEST_DURATION
from streams.errors import ConfigurationError
from streams.settings import Settings, load_settings

DURATIONS = [name for name, field in Settings.model_fields.items() if field.annotation is timedelta]


@pytest.mark.parametrize("name", DURATIONS)
@pytest.mark.parametrize("value", ["P3650000D", "P999999999D", "P99999999999999D", "-P1D", "soon"])
def test_an_absurd_duration_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"MELDINGSVAKT_{name.upper()}", value)
    with pytest.raises(ConfigurationError, match=f"MELDINGSVAKT_{name.upper()} is not valid: ") as refused:
        load_settings()
    assert "\n" not in str(refused.value)
    assert value not in str(refused.value)


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("KEEP", "P1D", "MELDINGSVAKT_KEEP is not valid: rows must be kept longer than the inputs"),
        ("KEEP", "P90D", "MELDINGSVAKT_KEEP is not valid: rows must be kept longer than the inputs"),
        ("RETENTION", "P120D", "MELDINGSVAKT_KEEP is not valid: rows must be kept longer than the inputs"),
        ("UNEXPECTED_AFTER", "P120D", "MELDINGSVAKT_UNEXPECTED_AFTER is not valid: it must be shorter than rows"),
        ("MARK_EVERY", "PT20S", "MELDINGSVAKT_GAP_AFTER is not valid: it must be longer than marks lie apart"),
        ("GAP_AFTER", "PT10S", "MELDINGSVAKT_GAP_AFTER is not valid: it must be longer than marks lie apart"),
    ],
)
def test_durations_that_do_not_fit_are_refused(
    monkeypatch: pytest.MonkeyPatch, setting: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(f"MELDINGSVAKT_{setting}", value)
    with pytest.raises(ConfigurationError, match=sentence):
        load_settings()


def test_the_longest_durations_still_fit_into_the_calendar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELDINGSVAKT_KEEP", "P3650D")
    _, settings = load_settings()
    assert datetime(9000, 1, 1, tzinfo=UTC) + 3 * LONGEST_DURATION + settings.keep < datetime.max.replace(tzinfo=UTC)
