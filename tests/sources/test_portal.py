"""The portal's history list: one line a state, in Norwegian time."""

from datetime import datetime
from pathlib import Path

from tests.sources.files import ID, csv_lines, read, source_of, written


def test_a_history_in_local_time_keeps_its_states_and_both_hours_of_the_autumn_night(tmp_path: Path) -> None:
    rows = [
        (ID, "AKSEPTERT", "30.10.2022 01:59", "301"),
        (ID, "SENDT_FAGSYSTEM", "30.10.2022 02:30", "301"),
        (ID, "LEVERT", "30.10.2022 02:30", "301"),
    ]
    content = csv_lines(("meldingId", "status", "tidspunkt", "kommunenr"), *rows)
    columns = {"report_id": "meldingId", "state": "status", "at": "tidspunkt", "municipality": "kommunenr"}
    found = read(source_of(written(tmp_path, "historikk.csv", content), "portal", columns=columns, zone="Europe/Oslo"))
    assert [(row["state"], row["at"]) for row in found.rows] == [
        ("AKSEPTERT", datetime(2022, 10, 30, 1, 59)),
        ("SENDT_FAGSYSTEM", datetime(2022, 10, 30, 2, 30)),
        ("LEVERT", datetime(2022, 10, 30, 2, 30)),
    ]
    assert {(row["municipality"], row["channel"], row["case_system"]) for row in found.rows} == {
        ("0301", "UKJENT", "UKJENT")
    }
