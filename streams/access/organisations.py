"""Which receivers an organisation acts for, from a file (TOML): some act for several."""

import logging
import time
import tomllib
from pathlib import Path
from typing import NamedTuple

from pydantic import Field, ValidationError, model_validator

from schemas.common import ClosedModel, District, Municipality, OrgNumber, Token
from schemas.inputs import FeedId
from streams.access.scope import ReceiverScope
from streams.data import todays_number
from streams.errors import ConfigurationError, why_unreadable

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 10.0


class Mapped(NamedTuple):
    """What an organisation acts for."""

    receivers: frozenset[ReceiverScope]
    feeds: frozenset[str]


_NOTHING = Mapped(frozenset(), frozenset())


class _Receiver(ClosedModel):
    municipality: Municipality
    district: District | None = None
    unit: Token | None = None


class _Organisation(ClosedModel):
    number: OrgNumber
    name: str | None = None  # for who reads the file
    receivers: list[_Receiver] = Field(min_length=1)
    feeds: list[FeedId] = Field(default=[])  # in whose names it may deliver


class _File(ClosedModel):
    organisation: list[_Organisation] = Field(min_length=1)

    @model_validator(mode="after")
    def _once_each(self) -> "_File":
        numbers = [organisation.number for organisation in self.organisation]
        twice = next((number for number in numbers if numbers.count(number) > 1), None)
        if twice:
            raise ValueError(f"organisation {twice} is there twice")
        return self


class Mapping:
    """The file, read again when it has changed. A change that cannot be read leaves everything as it was."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigurationError in one sentence."""
        self._path = path
        self._stamp = _stamp(path)
        self._mapped = _read(path)
        self._looked_at = time.monotonic()

    def receivers_of(self, organisation: str) -> frozenset[ReceiverScope]:
        """Those that it acts for; none where it is not in the file."""
        return self._of(organisation).receivers

    def feeds_of(self, organisation: str) -> frozenset[str]:
        """Those in whose names it may deliver; none where it is not in the file."""
        return self._of(organisation).feeds

    def _of(self, organisation: str) -> Mapped:
        self._look()
        return self._mapped.get(organisation, _NOTHING)

    def _look(self) -> None:
        if time.monotonic() - self._looked_at < LOOK_EVERY_SECONDS:
            return
        self._looked_at = time.monotonic()
        if (stamp := _stamp(self._path)) != self._stamp:
            self._stamp = stamp
            try:
                self._mapped = _read(self._path)
            except ConfigurationError as error:
                log.error("%s The one before stays in force.", error)
            else:
                log.info("The mapping of organisations has changed: %d are in it.", len(self._mapped))


def _read(path: Path) -> dict[str, Mapped]:
    try:
        file = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The mapping {path} cannot be read ({why_unreadable(error)}): set MELDINGSVAKT_VIEW_MAPPING to a TOML "
            "file."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"The mapping {path} is no TOML: {error}.") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "organisation"
        raise ConfigurationError(f"The mapping {path} is not valid at {where}: {first['msg']}.") from None
    return {
        organisation.number: Mapped(
            frozenset(
                ReceiverScope(todays_number(one.municipality), one.district, one.unit) for one in organisation.receivers
            ),
            frozenset(organisation.feeds),
        )
        for organisation in file.organisation
    }


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
