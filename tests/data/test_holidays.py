"""The list of public holidays is the one of the library that it was made from."""

import csv
from importlib.resources import files

import holidays

from streams.data import public_holidays

YEARS = range(2015, 2051)


def test_norways_public_holidays_are_those_of_the_library() -> None:
    theirs = holidays.country_holidays("NO", years=YEARS, language="no")
    text = files("streams.data").joinpath("holidays_no.csv").read_text(encoding="utf-8")
    ours = {row["date"]: row["name"] for row in csv.DictReader(text.splitlines())}
    assert ours == {day.isoformat(): name for day, name in theirs.items()}


def test_they_are_in_order_and_there_are_at_least_eleven_in_every_year() -> None:
    assert list(public_holidays()) == sorted(set(public_holidays()))
    for year in YEARS:
        assert sum(day.year == year for day in public_holidays()) >= 11
