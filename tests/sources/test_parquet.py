"""Parquet: types, structs, and files without their end."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet
import pytest

from streams.errors import ConfigurationError
from tests.sources.files import ID, NATIONAL_ID, OTHER, SENT_AT, Read, read, source_of

TIME = datetime(2022, 3, 4, 5, 6, 7)


def parquet(tmp_path: Path, **columns: object) -> Path:
    path = tmp_path / "sent.parquet"
    pa.parquet.write_table(pa.table(columns), path)
    return path


def text_of(tmp_path: Path, given: dict[str, object], **told: Any) -> Read:
    plain = {"report_id": [ID], "sent_at": [SENT_AT], "municipality": ["0301"]}
    return read(source_of(parquet(tmp_path, **(plain | given)), **told))


def test_flat_columns_are_ours_and_no_other_is_read(tmp_path: Path) -> None:
    found = text_of(tmp_path, {"fritekst": [NATIONAL_ID]})
    assert found.rows == [
        {
            "line": 1, "report_id": ID, "sent_at": SENT_AT, "municipality": "0301", "channel": "UKJENT",
            "case_system": "UKJENT",
        }
    ]  # fmt: skip


def test_a_receivers_struct_is_taken_apart(tmp_path: Path) -> None:
    receiver = pa.array([{"municipality": "4601", "district": "01", "contact": NATIONAL_ID}, None])
    path = parquet(tmp_path, report_id=[ID, OTHER], sent_at=[SENT_AT] * 2, receiver=receiver)
    rows = read(source_of(path)).rows
    assert [(row.get("municipality"), row.get("district")) for row in rows] == [("4601", "01"), (None, None)]
    assert NATIONAL_ID not in repr(rows)


def test_others_structs_are_led_into(tmp_path: Path) -> None:
    meta = pa.array([{"mottaker": {"nr": 301}}])
    columns = {"municipality": "meta.mottaker.nr"}
    assert text_of(tmp_path, {"meta": meta}, columns=columns).rows[0]["municipality"] == "0301"


@pytest.mark.parametrize(
    "column",
    [
        pa.array([UUID(ID).bytes, None], pa.binary(16)),
        pa.array([UUID(ID).bytes, None], pa.uuid()),
        pa.array([ID, None], pa.large_string()),
        pa.array([ID, None]).dictionary_encode(),
        pa.array([ID.encode(), None], pa.binary()),
        pa.array([f" {ID} ", ""]),
    ],
    ids=["binary", "uuid", "large", "dictionary", "bytes", "padded"],
)
def test_ids_are_text_whatever_they_were(tmp_path: Path, column: object) -> None:
    path = parquet(tmp_path, report_id=column, sent_at=[SENT_AT] * 2, municipality=["0301"] * 2)
    assert [row.get("report_id") for row in read(source_of(path)).rows] == [ID, None]


@pytest.mark.parametrize(
    "column", [pa.array([301], pa.int16()), pa.array([301.0]), pa.array([301], pa.decimal128(6, 2)), pa.array(["301"])]
)
def test_numbers_of_municipalities_have_four_digits(tmp_path: Path, column: object) -> None:
    assert text_of(tmp_path, {"municipality": column}).rows[0]["municipality"] == "0301"


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_stay_timestamps_with_their_zone_or_without(tmp_path: Path, unit: str) -> None:
    without = text_of(tmp_path, {"sent_at": pa.array([TIME], pa.timestamp(unit))}).rows[0]["sent_at"]
    aware = text_of(tmp_path, {"sent_at": pa.array([TIME], pa.timestamp(unit, "UTC"))}).rows[0]["sent_at"]
    assert (without, aware) == (TIME, TIME.replace(tzinfo=UTC))


def test_dates_stand_for_their_midnight_and_that_is_said(tmp_path: Path) -> None:
    found = text_of(tmp_path, {"sent_at": pa.array([date(2022, 3, 4)])})
    assert (found.rows[0]["sent_at"], found.rows[0]["days"]) == (datetime(2022, 3, 4), True)


def test_serial_numbers_are_times_when_that_is_said(tmp_path: Path) -> None:
    assert text_of(tmp_path, {"sent_at": [44926.5]}, times="excel").rows[0]["sent_at"] == datetime(2022, 12, 31, 12)
    with pytest.raises(ConfigurationError, match="the column for sent_at must be timestamps or text"):
        text_of(tmp_path, {"sent_at": [44926.5]})


def test_a_column_of_lists_is_none_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="the column for channel must be text"):
        text_of(tmp_path, {"channel": [["FIKS_IO"]]})


def test_a_file_without_its_end_is_not_read_at_all(tmp_path: Path) -> None:
    path = parquet(tmp_path, report_id=[ID], sent_at=[SENT_AT], municipality=["0301"])
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ConfigurationError, match=r"^sent.parquet is no whole Parquet file"):
        read(source_of(path))


def test_a_file_damaged_in_its_middle_stops_with_a_sentence(tmp_path: Path) -> None:
    path = parquet(tmp_path, report_id=[ID] * 1000, sent_at=[SENT_AT] * 1000, municipality=["0301"] * 1000)
    data = bytearray(path.read_bytes())
    data[4:60] = b"\xff" * 56
    path.write_bytes(data)
    with pytest.raises(ConfigurationError, match="cut off or damaged"):
        read(source_of(path))


def test_rows_are_numbered_through_all_batches(tmp_path: Path) -> None:
    many = 300_000
    path = parquet(tmp_path, report_id=[ID] * many, sent_at=[SENT_AT] * many, municipality=pa.repeat("0301", many))
    assert [row["line"] for row in read(source_of(path)).rows[:: many - 1]] == [1, many]


def test_a_file_without_rows_is_empty(tmp_path: Path) -> None:
    path = parquet(tmp_path, report_id=pa.array([], pa.string()))
    with pytest.raises(ConfigurationError, match="is empty"):
        read(source_of(path))
