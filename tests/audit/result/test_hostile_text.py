"""Whatever stands in a source is text on the page, and never a formula in a spreadsheet."""

import csv
import io
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape

from streams.audit.result import folder
from streams.audit.result.sentences import FILES
from tests.audit.result.conftest import written
from tests.audit.result.stock import TABLES, audited, report_id
from tests.view.page.hostile import HOSTILE, suspects

FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\t=1", " =1", "\r=1", "\uff1d1", 'a";=1', "x;=1\n=2")
STATUSES = ("stored", "missing", "recovered", "pending", "unproven", "undetermined", "unexpected")
OURS = ("status", "report_id")


def hostile(table: str, text: str, **more: Any) -> dict[str, Any]:
    """A row with that text in every column of text."""
    columns = TABLES[table]
    row: dict[str, Any] = {name: text for name, kind in columns.items() if kind == "VARCHAR" and name not in OURS}
    row |= {name: [text] for name, kind in columns.items() if kind == "VARCHAR[]"}
    row |= {name: 1 for name, kind in columns.items() if kind.endswith(("INT", "INTEGER"))}
    return row | more


def made(tmp_path: Path, texts: Sequence[str], **options: bool) -> Path:
    """The result of an audit with a report of each status for each text."""
    pairs = list(enumerate(product(texts, STATUSES)))
    missing = [(report_id(n), text) for n, (text, status) in pairs if status == "missing"]
    return written(
        audited(
            [hostile("verdicts", text, report_id=report_id(n), status=status) for n, (text, status) in pairs],
            [hostile("candidates", text, report_id=id_) for id_, text in missing],
            [hostile("sources", text) for text in texts],
            [hostile("rejects", text) for text in texts],
            [hostile("contradictions", text, report_id=id_) for id_, text in missing],
            policy_versions=tuple(texts),
        ),
        tmp_path / "result", **options,
    )  # fmt: skip


@pytest.mark.parametrize("suppress_small", [False, True])
def test_what_stands_in_a_source_is_text_on_the_page(tmp_path: Path, suppress_small: bool) -> None:
    out = made(tmp_path, HOSTILE, suppress_small=suppress_small)
    for name in FILES.values():
        page = (out / name).read_text(encoding="utf-8")
        for text in HOSTILE:
            assert str(escape(text)) in page  # it was there to be escaped
        assert [one for one in suspects(page) if one != "style {}"] == []
        assert page.count("<style") == page.count("</style") == 1


def test_no_cell_of_a_spreadsheet_is_a_formula(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "page", lambda *_, **__: "")  # of which other tests tell
    texts = [*FORMULAS, *HOSTILE]
    found = dict.fromkeys(texts, 0)
    for path in made(tmp_path, texts, per_receiver=True).rglob("*.csv"):
        content = io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")
        for row in csv.reader(content, delimiter=";", strict=True):
            for cell in row:
                assert not cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d")), (path.name, cell)
                text = cell if cell in found else cell.removeprefix("'")
                if text in found:
                    found[text] += 1
    assert min(found.values()) > 20


@pytest.mark.parametrize("number", ["../../etc", "a/b", "", "0301\n", "٠٣٠١", "03011"])
def test_no_receiver_names_a_file_but_by_four_digits(tmp_path: Path, number: str) -> None:
    row = hostile("verdicts", "x", report_id=report_id(1), status="missing", municipality_today=number)
    out = written(audited([row]), tmp_path / "result", per_receiver=True)
    assert [path.name for path in (out / "receivers").iterdir()] == ["unknown.csv"]
    assert [path.name for path in tmp_path.iterdir()] == ["result"]
