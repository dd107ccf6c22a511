"""Plain lines are read a block at a time: one by one they would take five times as long."""

import json
from pathlib import Path
from typing import Any

import pytest

from streams.sources import ndjson as ndjson_module
from streams.sources.csv_quoted import Records
from streams.sources.ndjson import NdjsonFile
from tests.sources.files import ID, SENT, SENT_AT, csv_lines, ndjson, read, source_of, written


@pytest.fixture(autouse=True)
def _never_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise AssertionError("a line was read by itself")

    monkeypatch.setattr(NdjsonFile, "_one_by_one", refused)
    monkeypatch.setattr(Records, "split", refused)


@pytest.mark.parametrize("more", [{}, {"extra": {"note": "æøå", "list": [1, 2.5, None]}}, {"municipality": "4601"}])
def test_records_of_the_topic(tmp_path: Path, more: dict[str, object]) -> None:
    assert len(read(source_of(written(tmp_path, "a.ndjson", ndjson(*[SENT | more] * 1000)))).rows) == 1000


def test_lines_of_the_simulation_of_all_topics(tmp_path: Path) -> None:
    lines = [{"at": SENT_AT, "topic": topic, "value": SENT} for topic in ("sent", "receipt")] * 500
    found = read(source_of(written(tmp_path, "a.ndjson", ndjson(*lines))))
    assert (len(found.rows), len(found.odd)) == (500, 500)


def test_others_objects_with_numbers(tmp_path: Path) -> None:
    lines = [{"id": ID, "tid": SENT_AT, "kommune": {"nr": 301}}, {"id": ID, "tid": SENT_AT, "kommune": {"nr": None}}]
    columns = {"report_id": "id", "sent_at": "tid", "municipality": "kommune.nr"}
    rows = read(source_of(written(tmp_path, "a.ndjson", ndjson(*lines)), columns=columns)).rows
    assert [row.get("municipality") for row in rows] == ["0301", None]


@pytest.mark.parametrize("quote", ["", '"'])
def test_csv_with_quotes_and_without(tmp_path: Path, quote: str) -> None:
    row = [f"{quote}{cell}{quote}" for cell in (ID, SENT_AT, "0301")]
    content = csv_lines(("report_id", "sent_at", "municipality"), *[row] * 1000, ("1", "2"), ())
    assert len(read(source_of(written(tmp_path, "a.csv", content))).rows) == 1000


def test_one_odd_line_holds_up_its_neighbours_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    seen: list[int] = []
    line_of = NdjsonFile._line

    def counted(self: NdjsonFile, number: int, line: bytes, *, last: bool) -> Any:
        seen.append(number)
        return line_of(self, number, line, last=last)

    monkeypatch.setattr(NdjsonFile, "_line", counted)
    lines = [json.dumps(SENT)] * 2000 + [json.dumps(SENT | {"form": 5})] + [json.dumps(SENT)] * 1000
    found = read(source_of(written(tmp_path, "a.ndjson", "\n".join(lines) + "\n")))
    assert (len(found.rows), [odd.line for odd in found.odd]) == (3000, [2001])
    assert 1 <= len(seen) <= ndjson_module._FEW_LINES
