"""A script and its truth as files."""

from collections.abc import Iterable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from streams.errors import ConfigurationError, why_unwritable
from streams.simulation.script import ScriptLine, Truth, encoded_tick

TOPICS = ("sent", "receipt", "stored", "feed")


def to_files(
    out_dir: Path, lines: Iterable[ScriptLine], truth: Iterable[Truth], policy_toml: str, until: datetime | None = None
) -> int:
    """Write script, one file a topic (feeds' marks apart), truth and policy; gives the number of records.

    `until`: where the clock ends, written as the script's last line. Raises ConfigurationError.
    """
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        return _write(out_dir, lines, truth, policy_toml, until)
    except OSError as error:
        raise ConfigurationError(
            f"Nothing can be written to {out_dir} ({why_unwritable(error)}): name a new folder, or one that is yours."
        ) from None


def _write(
    out_dir: Path, lines: Iterable[ScriptLine], truth: Iterable[Truth], policy_toml: str, until: datetime | None
) -> int:
    written = 0
    with ExitStack() as files:
        script = files.enter_context((out_dir / "script.ndjson").open("wb"))
        topics = {topic: files.enter_context((out_dir / f"{topic}.ndjson").open("wb")) for topic in TOPICS}
        for written, line in enumerate(lines, start=1):  # noqa: B007 - the count is what we give back
            encoded = line.encoded()
            script.write(encoded)
            topics[line.topic].write(encoded)
        if until is not None:
            script.write(encoded_tick(until))
    with (out_dir / "truth.ndjson").open("wb") as file:
        file.writelines(each.encoded() for each in truth)
    (out_dir / "policy.toml").write_text(policy_toml, encoding="utf-8")
    return written
