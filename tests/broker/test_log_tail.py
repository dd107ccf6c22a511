"""The telling line of a log."""

from pathlib import Path

import pytest

from streams.broker.log_tail import last_words

BAD_SETTING = """\
2026-11-24 04:00:00,000 INFO starting (kafka.server.KafkaRaftServer)
2026-11-24 04:00:00,100 ERROR Exiting Kafka due to fatal exception (kafka.Kafka$)
org.apache.kafka.common.config.ConfigException: Invalid value abc for num.io.threads: Not a number of type INT
\tat org.apache.kafka.common.config.ConfigDef.parseType(ConfigDef.java:1)
"""
NO_MEMORY = "Error occurred during initialization of VM\nCould not reserve enough space for 9KB object heap\n"


@pytest.mark.parametrize(
    ("console", "log", "exit_code", "words"),
    [
        ("", BAD_SETTING, 1, "Invalid value abc for num.io.threads: Not a number of type INT"),
        (NO_MEMORY, "", 1, "Could not reserve enough space for 9KB object heap"),
        ("", "INFO all is well\n", 137, "signal 9 ended it"),
        ("", "INFO all is well\n", 1, "the last thing it said: INFO all is well"),
        ("", "", None, "it said nothing"),
    ],
)
def test_the_cause_is_found(tmp_path: Path, console: str, log: str, exit_code: int | None, words: str) -> None:
    (tmp_path / "console").write_text(console)
    (tmp_path / "log").write_text(log)
    assert last_words(tmp_path / "console", tmp_path / "log", 0, exit_code) == words


def test_what_an_earlier_start_said_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(BAD_SETTING)
    start = (tmp_path / "log").stat().st_size
    assert last_words(tmp_path / "none", tmp_path / "log", start, None) == "it said nothing"
