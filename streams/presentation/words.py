"""Words and numbers in one language, and times in one zone."""

import tomllib
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal, get_args

from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_decimal

from streams.presentation.times import OSLO

Language = Literal["nb", "nn", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
_UNITS = (("days", 86_400), ("hours", 3600), ("minutes", 60), ("seconds", 1))
SHARED = ("streams.presentation",)  # what is said everywhere; each that shows something adds its own


@cache
def catalogue(language: Language, packages: tuple[str, ...] = SHARED) -> dict[str, Any]:
    """Every text of a language, by section and name; a later package adds to those before it."""
    found: dict[str, Any] = {}
    for package in packages:
        text = files(package).joinpath(f"messages/{language}.toml").read_text(encoding="utf-8")
        for name, value in tomllib.loads(text).items():
            found[name] = found.get(name, {}) | value if isinstance(value, dict) else value
    return found


@dataclass(frozen=True, slots=True)
class Words:
    """How to say things to one reader."""

    language: Language
    utc: bool = False
    packages: tuple[str, ...] = SHARED

    def __call__(self, key: str, **values: Any) -> str:
        """A text; `key` is section.name."""
        section, _, name = key.partition(".")
        text: str = self._texts[section][name]
        return text.format(**values) if values else text

    def count(self, key: str, count: int, **values: Any) -> str:
        """A text about a number of things: `key` with `_one` or `_many`."""
        return self(f"{key}_one" if count == 1 else f"{key}_many", count=self.number(count), **values)

    def code(self, section: str, code: str | None) -> str:
        """What a code means; the code itself where it is new to us."""
        if code is None:
            return self("site.none")
        return str(self._texts.get(section, {}).get(code, code))

    def number(self, number: float | None) -> str:
        """A number; a dash for none."""
        return self("site.none") if number is None else _number(number, self.locale)

    def time(self, time: datetime | str | None, *, seconds: bool = False) -> str:
        """A time of day with its date, in the reader's zone."""
        if time is None:
            return self("site.none")
        pattern = f"{self._date} HH:mm:ss" if seconds else f"{self._date} HH:mm"
        return _time(time if isinstance(time, str) else time.isoformat(), pattern, self.locale, self.zone)

    def clock(self, time: datetime, now: datetime) -> str:
        """A time, without its date where it is today."""
        local = time.astimezone(self.zone)
        if local.date() == now.astimezone(self.zone).date():
            return format_datetime(local, str(self._texts["clock"]), locale=self.locale)
        return self.time(time)

    def in_full(self, time: datetime | str) -> str:
        """A time as it stands in a sentence, its month written out."""
        text = time if isinstance(time, str) else time.isoformat()
        return _time(text, str(self._texts["in_full"]), self.locale, self.zone)

    def day(self, day: date) -> str:
        """A day of the year."""
        return _day(day, self.locale)

    def numeric_day(self, day: date) -> str:
        """A day as people write it into a field."""
        return day.strftime(str(self._texts["numeric_day"]))

    def month(self, month: date) -> str:
        """A month and its year."""
        return format_date(month, "LLLL y", locale=self.locale)

    def short_month(self, month: date) -> str:
        """A month and its year, for the axis of a chart."""
        return format_date(month, "LLL yy", locale=self.locale)

    def hour(self, time: datetime) -> str:
        """The hour of a time, in the reader's zone."""
        return f"{time.astimezone(self.zone):%H}"

    def minute(self, time: datetime) -> str:
        """The minute of a time, and its hour with a full one."""
        return f"{time.astimezone(self.zone):{'%H:%M' if time.minute == 0 else '%M'}}"

    def month_name(self, month: date) -> str:
        """A month without its year, which is told in January only, for an axis that has little room."""
        return format_date(month, "LLL yy" if month.month == 1 else "LLL", locale=self.locale)

    def duration(self, seconds: float | timedelta | None) -> str:
        """How long: in its largest unit, and days and hours with the next one."""
        if seconds is None:
            return self("site.none")
        left = max(0, int(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds))
        units = iter(_UNITS)
        name, size = next(((n, size) for n, size in units if left >= size), _UNITS[-1])
        amount, left = divmod(left, size)
        said = [self(f"units.{name}", n=amount)]
        if name in ("days", "hours"):
            name, size = next(units)
            said += [self(f"units.{name}", n=left // size)] if left >= size else []
        return " ".join(said)

    @property
    def _texts(self) -> dict[str, Any]:
        return catalogue(self.language, self.packages)

    @property
    def _date(self) -> str:
        return str(self._texts["date"])

    @property
    def locale(self) -> str:
        """Babel's name of the language."""
        return str(self._texts["locale"])

    @property
    def zone(self) -> tzinfo:
        """The reader's zone."""
        return UTC if self.utc else OSLO


@lru_cache(4096)
def _day(day: date, locale: str) -> str:
    return format_skeleton("EEEMMMd", day, locale=locale)


@lru_cache(16_384)
def _number(number: float, locale: str) -> str:
    return format_decimal(number, locale=locale)


@lru_cache(16_384)
def _time(text: str, pattern: str, locale: str, zone: tzinfo) -> str:
    """Lists show the same times again and again."""
    moment = datetime.fromisoformat(text)
    with suppress(OverflowError):  # the first hours of the year 1 and the last ones of 9999 stay as they are
        moment = moment.astimezone(zone)
    return format_datetime(moment, pattern, locale=locale)
