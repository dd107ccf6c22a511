"""How long the inputs are kept: all for the same time, and rows for longer."""

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from streams.errors import ConfigurationError
from streams.settings import Settings

FOR_EVER = "-1"
BOUNDS = ("retention.ms", "retention.bytes")


class Unlike(NamedTuple):
    """A bound that the inputs do not share; `most` is the widest, `to_change` the inputs that have another."""

    name: str
    values: Mapping[str, str]
    most: str
    to_change: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What is so, and why it may not be."""
        told = ", ".join(f"{topic} {value}" for topic, value in self.values.items())
        return (
            f"the inputs differ in {self.name} ({told}): a report could still be read whose proof has been "
            "deleted, and be announced missing"
        )


def unlike(configs: Mapping[str, Mapping[str, str]]) -> list[Unlike]:
    """The bounds in which the inputs differ; `configs`: each one's settings. One that is not told is not compared."""
    found = []
    for name in BOUNDS:
        values = {topic: config[name] for topic, config in configs.items() if name in config}
        if len(set(values.values())) > 1:
            most = max(values.values(), key=lambda value: float("inf") if value == FOR_EVER else int(value))
            found.append(Unlike(name, values, most, tuple(topic for topic in values if values[topic] != most)))
    return found


def ensure_retention(settings: Settings, configs: Mapping[str, Mapping[str, str]]) -> None:
    """Raise ConfigurationError where the inputs are not kept alike, or rows not longer than they are."""
    for one in unlike({topic: configs[topic] for topic in settings.inputs}):
        commands = " and ".join(
            f"`kafka-configs --alter --topic {topic} --add-config {one.name}={one.most}`" for topic in one.to_change
        )
        raise ConfigurationError(f"{one.sentence[0].upper()}{one.sentence[1:]}; set it alike with {commands}.")
    kept = configs[settings.inputs[0]].get("retention.ms", FOR_EVER)
    keep_ms = settings.keep / timedelta(milliseconds=1)
    if kept != FOR_EVER and keep_ms <= int(kept):
        raise ConfigurationError(
            f"Rows are kept no longer (MELDINGSVAKT_KEEP, {keep_ms:.0f} ms) than the inputs (retention.ms={kept}): a "
            "report whose row is erased could be read again and announced twice; set MELDINGSVAKT_KEEP to more, or "
            "retention.ms to less on all inputs."
        )
