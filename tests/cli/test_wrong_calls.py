"""Whatever is called wrongly is told in one sentence, with the exit code of the table, and in no library's words."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from streams import cli
from streams.errors import ConfigurationError
from streams.settings import KafkaSettings, Settings, load_settings
from tests.cli.every_command import every_command

NOWHERE = "127.0.0.1:1"  # where no Kafka is
LIBRARY = re.compile(
    r"Traceback|Errno|Input should|Value error|type=|pydantic|[a-z]Error\b|invalid digit|unable to parse|"
    r"<class|\bNone\b"
)
# What each command is given beside the one value that is wrong, so that nothing else is.
BESIDE: dict[tuple[str, ...], list[str]] = {
    ("simulate",): ["--out", "{folder}/traffic", "--reports", "5"],
    ("decide",): ["3f2b8c1e", "acknowledge"],
    ("explain",): ["3f2b8c1e"],
    ("replay",): ["/dev/null"],
    ("completion",): ["bash"],
    ("audit",): ["--sent", "{folder}/sent.ndjson", "--out", "{folder}/result"],
    ("audit", "diff"): ["{folder}", "--announced", "/dev/null"],
    ("rejected", "replay"): ["--all"],
}
LASTING = {("worker",), ("view",), ("demo",), ("broker",)}
NUMBERS = ["x", "-1", "1e999", "99999999999999999999", "nan", ""]
TEXTS = ["x", "", "\x1b[31m", "'; DROP", "2026-13-01T00:00:00Z", "2026-01-01", "ÆØÅ" * 100]
PATHS = ["{folder}/none", "{folder}", "{folder}/binary.csv", "{folder}/sent.ndjson/below", "x" * 300]


def _kind(parameter: Any) -> list[str]:
    annotation = str(parameter.type_descriptor.annotation)
    if "Path" in annotation:
        return PATHS
    return NUMBERS if "int" in annotation or "float" in annotation else TEXTS


def _wrong_calls() -> list[tuple[str, ...]]:
    """Each command with each of its options, and with each of its arguments, given something of each kind."""
    calls: list[tuple[str, ...]] = []
    for words, command in every_command().items():
        beside = BESIDE.get(words, [])
        calls += [(*words, "--no-such-option"), (*words, *beside, "too", "many", "words")]
        options = [each for each in command.params if each.param_type_name == "option" and not each.is_flag]
        named = [each for each in command.params if each.param_type_name == "argument"]
        calls += [(*words, *beside, each.opts[0]) for each in options]
        if words not in LASTING:
            calls += [(*words, *beside, each.opts[0], value) for each in options for value in _kind(each)]
            for place, each in enumerate(named):
                calls += [(*words, *beside[:place], value, *beside[place + 1 :]) for value in _kind(each)]
        else:
            calls += [(*words, each.opts[0], value) for each in options for value in _kind(each)
                      if value in {"x", "-1", "nan", "{folder}/sent.ndjson/below"}]  # fmt: skip
    return calls


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("wrong")
    (made / "binary.csv").write_bytes(b"\xff\xfe\x00\x01\n{}")
    (made / "sent.ndjson").write_text("{}\n")
    return made


def _call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["meldingsvakt", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize("call", _wrong_calls(), ids=repr)
def test_a_wrong_call_is_one_sentence(
    call: tuple[str, ...],
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("KAFKA_BROKERS", NOWHERE)
    monkeypatch.chdir(tmp_path)
    code = _call(monkeypatch, *(word.replace("{folder}", str(folder)) for word in call))
    said = capsys.readouterr().err
    assert LIBRARY.search(said) is None, said
    assert code in (0, 2), said
    if code == 2 and said:
        assert said.startswith("meldingsvakt: ")
        assert len(said.splitlines()) == 1


WRONG_SETTINGS = ["", "x", "-1", "0", "P1Y", "PT", "1e99", "å" * 300, "{folder}/none", "\x1b[31m"]


@pytest.mark.parametrize("prefix_and_name", [
    (prefix, name)
    for prefix, settings in (("KAFKA_", KafkaSettings), ("MELDINGSVAKT_", Settings))
    for name in settings.model_fields
], ids="".join)  # fmt: skip
def test_a_wrong_setting_is_named_in_one_sentence(
    prefix_and_name: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix, name = prefix_and_name
    said = []
    for value in WRONG_SETTINGS:
        monkeypatch.setenv(f"{prefix}{name.upper()}", value)
        said += _refusals()
    assert [each for each in said if not re.fullmatch(r"(KAFKA|MELDINGSVAKT)_[A-Z_]+ is not valid: .*", each)] == []
    assert [each for each in said if LIBRARY.search(each)] == []


def _refusals() -> list[str]:
    try:
        load_settings()
    except ConfigurationError as error:
        return [str(error)]
    return []


def test_config_shows_what_was_set_and_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for prefix, settings in (("KAFKA_", KafkaSettings), ("MELDINGSVAKT_", Settings)):
        for name, field in settings.model_fields.items():
            if SecretStr in getattr(field.annotation, "__args__", ()):
                monkeypatch.setenv(f"{prefix}{name.upper()}", "https://hemmelig")
    monkeypatch.setenv("MELDINGSVAKT_APP_ID", "other")
    assert _call(monkeypatch, "config") == 0
    shown = capsys.readouterr().out
    assert "hemmelig" not in shown
    chosen, others = shown.split("\nNot set (")
    assert "  MELDINGSVAKT_APP_ID = other\n" in chosen
    assert "  KAFKA_SASL_PASSWORD = **********\n" in chosen
    assert "  MELDINGSVAKT_KEEP = P120D\n" in others


def test_config_tells_of_a_setting_that_is_wrong_and_lists_them_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MELDINGSVAKT_KEEP", "P1D")
    assert _call(monkeypatch, "config") == 2
    shown = capsys.readouterr()
    assert "  MELDINGSVAKT_KEEP = (not read)\n" in shown.out
    assert "MELDINGSVAKT_KEEP is not valid: rows must be kept longer" in shown.err


def test_a_mistake_of_the_program_is_told_without_what_it_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def mistaken(*_: object) -> None:
        raise KeyError("Kari Nordmann")

    monkeypatch.setattr("streams.cli.root.load_settings", mistaken)
    assert _call(monkeypatch, "topics") == cli.root.EXIT_MISTAKE
    said = capsys.readouterr().err
    assert re.match(
        r"meldingsvakt: this is a mistake of the program \(KeyError in test_wrong_calls.py, line \d+\)", said
    )
    assert "Kari" not in said
