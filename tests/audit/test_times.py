"""Times as they are written where exports come from, and times that cannot be right."""

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from schemas.common import parse_time
from tests.audit.four import COVERS, IDS, A, B, C, D, proofs, result, sents
from tests.audit.running import audit

ZONED = [
    "2022-03-02 10:05:00+00:00", "2022-03-02 11:05:00.5+01", "2022-03-02T11:05:00+0100", "2022-03-02 11:05:00 +01:00",
    "2022-03-02 11:05:00.0000000 +01:00", "2022-03-02T11:05:00.123456789+01:00", "2022-03-02T11:05+01:00",
    "2022-03-02 11:05+01", "2022-03-02T10:05Z", "2022-03-02t10:05:00z", "2022-03-02 10:05:00 UTC",
    "2022-03-02T10:05:00 GMT", "2022-03-02T11:05:00+01:00[Europe/Oslo]", "2022-03-02T11:05:00,5+01:00",
]  # fmt: skip
NO_TIMES = [
    "2022-03-02T10:05:00+25:00", "2022-03-02T24:00:00Z", "2022-02-30T10:05:00Z", "2022-03-02T10:05:00 CET",
    "03/02/2022 10:05", "2022-03-02T10:05:60Z", "2022-3-2T10:05:00Z",
]  # fmt: skip


def reports(count: int) -> list[str]:
    return [f"{number:08}-0000-4000-8000-000000000000" for number in range(1, count + 1)]


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
def test_times_with_a_zone_are_read_however_databases_and_languages_write_them(tmp_path: Path, suffix: str) -> None:
    names = reports(len(ZONED) + len(NO_TIMES))
    sent = [sents()[0], *(f"{one},m,2022-03-02T10:00:00Z,4601,FIKS_IO,UKJENT,a" for one in names)]
    lines = [f'{one},"{time}",4601,a' for one, time in zip(names, ZONED + NO_TIMES, strict=True)]
    found = result(tmp_path, sent, [proofs()[0], *lines], suffix).verdicts("status", "untold", "stored_at")
    for name, time in zip(names, ZONED, strict=False):
        status, untold, stored_at = found[name]
        assert (status, untold) == ("stored", None), time
        assert stored_at.replace(microsecond=0) == datetime(2022, 3, 2, 10, 5, tzinfo=UTC), time
    for name, time in zip(names[len(ZONED) :], NO_TIMES, strict=True):
        assert found[name][:2] == ("undetermined", "proof_unreadable"), time


def test_what_the_contract_reads_is_read_alike(tmp_path: Path) -> None:
    read = [time for time in ZONED if _contract_reads(time)]
    assert len(read) > 5
    assert {parse_time(time).replace(microsecond=0) for time in read} == {datetime(2022, 3, 2, 10, 5, tzinfo=UTC)}


def _contract_reads(time: str) -> bool:
    try:
        return parse_time(time) is not None
    except ValueError:
        return False


DAYS = {  # the same days of storing as each format has them
    "iso": ("csv", "2022-03-02", "2022-03-03", 'zone = "Europe/Oslo"'),
    "json": ("ndjson", "2022-03-02", "2022-03-03", 'zone = "Europe/Oslo"'),
    "norwegian": ("csv", "2.3.2022", "03.03.2022", 'zone = "Europe/Oslo"\ntimes = "norwegian"'),
    "excel": ("csv", "44622", "44623.0", 'zone = "Europe/Oslo"\ntimes = "excel"'),
    "excel1904": ("csv", "43160", "43161", 'zone = "Europe/Oslo"\ntimes = "excel1904"'),
}


@pytest.mark.parametrize("how", [*DAYS, "parquet"])
def test_days_without_a_time_leave_open_what_the_hour_decides_in_every_format(tmp_path: Path, how: str) -> None:
    channels = ["FIKS_IO", "SVARINN", "FIKS_IO", "FIKS_IO"]  # one hour, twelve by default
    sent = [sents()[0]] + [
        f"{one},m,2022-03-02T{hour}:00:00Z,4601,{channel},UKJENT,a"
        for one, channel, hour in zip(IDS, channels, ("10", "15", "10", "10"), strict=True)
    ]
    if how == "parquet":
        days = [date(2022, 3, 2), date(2022, 3, 2), date(2022, 3, 3)]
        table = pa.table({"report_id": IDS[:3], "stored_at": pa.array(days), "municipality": ["4601"] * 3})
        pa.parquet.write_table(table, tmp_path / "stored.parquet")
        (tmp_path / "sent.csv").write_text("\n".join(sent) + "\n", encoding="utf-8")
        mapping = "".join(
            f'[[source]]\nkind = "{kind}"\nfiles = ["{kind}.{suffix}"]\n{more}'
            for kind, suffix, more in (("sent", "csv", ""), ("stored", "parquet", f'zone = "Europe/Oslo"\n{COVERS}'))
        )
        (tmp_path / "audit.toml").write_text(mapping, encoding="utf-8")
        found = audit(tmp_path, "--mapping", tmp_path / "audit.toml", "--until", "2022-06-01T00:00:00Z")
    else:
        suffix, second, third, more = DAYS[how]
        stored = [proofs()[0], f"{A},{second},4601,a", f"{B},{second},4601,a", f"{C},{third},4601,a"]
        found = result(tmp_path, sent, stored, suffix, more=more + "\n")
    assert found.verdicts("status", "untold") == {
        A: ("undetermined", "ambiguous_time"), B: ("stored", None), C: ("recovered", None), D: ("missing", None),
    }  # fmt: skip
    assert "dates_without_time" in found.summary["warnings"]


def test_a_proof_from_long_before_its_report_is_never_taken_for_granted(tmp_path: Path) -> None:
    stored = proofs()
    stored[2] = f"{B},2018-03-01T18:30:00Z,4601,a"
    stored.append(f"{C},2018-03-02T10:05:00Z,4601,a")
    found = result(tmp_path, sents(), stored).verdicts("status", "untold")
    assert found[B] == ("undetermined", "proof_too_early")
    assert found[C] == ("stored", None)  # by another proof


def test_a_proof_from_long_before_its_report_that_arrived_in_time_counts(tmp_path: Path) -> None:
    stored = [f"{proofs()[0]},arrived"] + [
        f"{one},2018-03-01T18:30:00Z,4601,a,2022-03-0{day}T10:05:00Z" for day, one in enumerate(IDS, start=1)
    ]
    assert {status for (status,) in result(tmp_path, sents(), stored).verdicts("status").values()} == {"stored"}


def test_proofs_from_before_their_reports_stretch_no_coverage(tmp_path: Path) -> None:
    sent = sents()
    sent.append(f"{reports(1)[0]},m,2019-03-01T10:00:00Z,4601,FIKS_IO,UKJENT,a")
    stored = [*proofs(), f"{B},2018-03-01T18:30:00Z,4601,a"]
    for number, covers in enumerate(["", 'covers = { receivers = "all" }\n']):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = result(folder, sent, stored, covers=covers).verdicts("status", "untold")
        assert found[reports(1)[0]] == ("undetermined", "begins_later")


def test_serial_numbers_of_1904_are_read_where_the_mapping_says_so(tmp_path: Path) -> None:
    serials = ["43159,461805555555", "43160,770833333336", "43161,461805555555", "43162,461805555555"]
    stored = ["report_id;stored_at;municipality"] + [f"{one};{at};4601" for one, at in zip(IDS, serials, strict=True)]
    told = 'zone = "Europe/Oslo"\ntimes = "excel"\n'
    untold = {untold for (untold,) in result(tmp_path, sents(), stored, more=told).verdicts("untold").values()}
    assert untold == {"proof_too_early"}
    (tmp_path / "again").mkdir()
    found = result(tmp_path / "again", sents(), stored, more=told.replace("excel", "excel1904"))
    assert found.verdicts("status") == {A: ("stored",), B: ("recovered",), C: ("stored",), D: ("stored",)}
