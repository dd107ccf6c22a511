"""What to audit: the sources, how others' columns, zones and values become ours, and what each source covers."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.common import Code, Municipality, Time
from streams.sources.chunk import FIELDS, Kind

Format = Literal["ndjson", "csv", "parquet"]
TimeStyle = Literal["iso", "norwegian", "excel", "excel1904"]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True)


class Covers(_Closed):
    """Whose reports a source would show, and from when to when; receivers and times left out are measured."""

    receivers: Literal["all"] | tuple[Municipality, ...] | None = Field(
        None, description="Municipality numbers, old or new, or all."
    )
    case_systems: tuple[Code, ...] | None = Field(None, description="Case systems; all, where receivers are given.")
    since: Annotated[Time | None, Field(alias="from")] = Field(None, description="Nothing before is in the source.")
    to: Time | None = Field(None, description="Nothing from then on is in the source.")


class SourcePlan(_Closed):
    """Files of one kind that are read in the same way."""

    kind: Kind
    files: tuple[str, ...] = Field(min_length=1, description="Paths or patterns, from the mapping file's folder.")
    name: str | None = Field(None, description="What the result calls it; else the file's name.")
    format: Format | None = Field(None, description="Else by the file's suffix.")
    delimiter: str | None = Field(None, min_length=1, max_length=1, description="CSV: else found out by the header.")
    encoding: str | None = Field(
        None, description="CSV and NDJSON: else UTF-8 or UTF-16 by the mark, else line by line."
    )
    columns: dict[str, str] = Field(
        {}, description="Our name and theirs; a dot leads into nested objects, #2 is the 2nd."
    )
    constants: dict[str, str] = Field({}, description="Our name and the value on every line.")
    values: dict[str, dict[str, str]] = Field({}, description="Our name: their value and ours.")
    zone: str | None = Field(None, description="The zone of times without one, such as Europe/Oslo.")
    times: TimeStyle | None = Field(
        None, description="iso, norwegian (31.12.2022 14:30), excel (serial numbers) or excel1904."
    )
    covers: Covers | None = Field(None, description="What the source covers, declared; else it is measured.")

    @model_validator(mode="after")
    def _known(self) -> Self:
        for part in (self.columns, self.constants, self.values):
            if unknown := sorted(set(part) - set(FIELDS[self.kind])):
                raise ValueError(
                    f"{unknown[0]} is no column of kind {self.kind}: it has {', '.join(FIELDS[self.kind])}"
                )
        return self


class Plan(_Closed):
    """All sources of an audit."""

    source: tuple[SourcePlan, ...] = ()
