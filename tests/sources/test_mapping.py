"""The mapping file: what it may say, and what is said where it is wrong."""

from pathlib import Path

import pytest

from streams.errors import ConfigurationError
from streams.sources.mapping import load_plan, plain

GOOD = """
[[source]]
kind = "sent"
files = ["sent/*.csv", "more.csv"]
name = "Portalen"
zone = "Europe/Oslo"
times = "norwegian"
encoding = "cp1252"
delimiter = ";"
columns = {report_id = "Melding", sent_at = "Sendt", municipality = "Kommune"}
constants = {case_system = "VISMA_FAMILIA"}
values = {channel = {"Fiks IO" = "FIKS_IO", "-" = ""}}
covers = {receivers = ["0301"], from = 2020-09-01T00:00:00+02:00, to = "2023-06-01T00:00:00Z"}

[[source]]
kind = "stored"
files = ["stored.parquet"]
"""


@pytest.fixture(autouse=True)
def _files(tmp_path: Path) -> None:
    (tmp_path / "sent").mkdir()
    for name in ("sent/b.csv", "sent/a.csv", "sent/c.txt", "more.csv", "stored.parquet", "odd[1].csv"):
        (tmp_path / name).touch()


def mapping(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    return path


def sentence(tmp_path: Path, text: str) -> str:
    path = mapping(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        load_plan(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    assert said.endswith(".")
    assert "\n" not in said
    return said.removeprefix(f"{path}: ")


def one(rest: str, files: str = '["more.csv"]') -> str:
    return f'[[source]]\nkind = "sent"\nfiles = {files}\n{rest}\n'


def test_files_are_looked_for_from_the_mappings_folder_and_sorted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    sent, stored = load_plan(mapping(tmp_path, GOOD)).source
    assert sent.files == tuple(str(tmp_path / name) for name in ("sent/a.csv", "sent/b.csv", "more.csv"))
    assert stored.files == (str(tmp_path / "stored.parquet"),)
    assert sent.covers is not None
    assert sent.covers.since is not None
    assert sent.covers.since.isoformat() == "2020-08-31T22:00:00+00:00"


def test_a_file_that_several_patterns_match_is_read_once(tmp_path: Path) -> None:
    plan = load_plan(mapping(tmp_path, one("", '["sent/a.csv", "sent/*.csv", "*/a*"]')))
    assert [Path(file).name for file in plan.source[0].files] == ["a.csv", "b.csv"]


def test_paths_may_be_absolute_and_names_hold_brackets(tmp_path: Path) -> None:
    plan = load_plan(mapping(tmp_path, one("", f'["{tmp_path}/sent/*.txt", "odd[1].csv"]')))
    assert [Path(file).name for file in plan.source[0].files] == ["c.txt", "odd[1].csv"]


def test_files_given_by_flags_have_our_own_columns(tmp_path: Path) -> None:
    source = plain("receipt", [tmp_path / "a.csv"])
    assert (source.kind, source.files, source.columns) == ("receipt", (str(tmp_path / "a.csv"),), {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[source", "The mapping is not TOML: "),
        ("", "The mapping has no source: begin one with [[source]]."),
        ("sorce = []", "The mapping has an unknown entry sorce: remove it or correct its name."),
        ('[[source]]\nfiles = ["more.csv"]', "The mapping lacks source.1.kind: add it."),
        ('[[source]]\nkind = "sendt"\nfiles = ["more.csv"]', "The mapping is wrong at source.1.kind: "),
        (one("column = {}"), "The mapping has an unknown entry source.1.column: remove it or correct its name."),
        (one("", "[]"), "The mapping is wrong at source.1.files: "),
        (
            one("", '["sent/*.ndjson"]'),
            "The mapping is wrong at source.1.files: no file matches sent/*.ndjson, looked ",
        ),
        (one("", '["no.csv"]'), "The mapping is wrong at source.1.files: no file matches no.csv, looked for from "),
        (one('columns = {stored_at = "x"}'), "The mapping is wrong at source.1: stored_at is no column of kind sent: "),
        (one('columns = {form = " "}'), "The mapping is wrong at source.1.columns.form: the name is empty."),
        (
            one('columns = {form = "x"}\nconstants = {form = "PRIVAT"}'),
            "The mapping is wrong at source.1.constants.form: it is given under columns, too: remove one of the two.",
        ),
        (
            one('constants = {municipality = "301"}'),
            "The mapping is wrong at source.1.constants.municipality: the value is none that municipality may have.",
        ),
        (
            one('constants = {channel = "Fiks IO"}'),
            "The mapping is wrong at source.1.constants.channel: the value is none that channel may have.",
        ),
        (
            one('values = {form = {privat = "PRIVAT", annet = "ANNET"}}'),
            "The mapping is wrong at source.1.values.form: a value of ours is none that form may have.",
        ),
        (
            one('zone = "Oslo"'),
            'The mapping is wrong at source.1.zone: there is no such time zone: write it as "Europe/Oslo".',
        ),
        (one('zone = "../x"'), 'The mapping is wrong at source.1.zone: there is no such time zone: write it as "Eur'),
        (
            one('encoding = "latinsk"'),
            "The mapping is wrong at source.1.encoding: there is no such encoding: write it as ",
        ),
        (
            one('encoding = "undefined"'),
            "The mapping is wrong at source.1.encoding: there is no such encoding: write it as ",
        ),
        (one('encoding = "hex"'), "The mapping is wrong at source.1.encoding: there is no such encoding: write it as "),
        (one("delimiter = '\"'"), "The mapping is wrong at source.1.delimiter: this cannot separate columns."),
        (one('delimiter = ";;"'), "The mapping is wrong at source.1.delimiter: "),
        (
            one("covers = {from = 2020-09-01}"),
            "The mapping is wrong at source.1.covers.from: it must be a time with a ",
        ),
        (
            one('covers = {to = "2020"}'),
            "The mapping is wrong at source.1.covers.to: it must be a time with a zone, as ",
        ),
        (
            one('covers = {receivers = ["301"]}'),
            "The mapping is wrong at source.1.covers.receivers: it must be a list of ",
        ),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_place(tmp_path: Path, text: str, said: str) -> None:
    assert sentence(tmp_path, text).startswith(said)


def test_a_mapping_that_is_not_there_or_no_text_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no\.toml cannot be read \(there is no such file\)"):
        load_plan(tmp_path / "no.toml")
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match=r"bad\.toml cannot be read \(it is not text in UTF-8\)"):
        load_plan(tmp_path / "bad.toml")
