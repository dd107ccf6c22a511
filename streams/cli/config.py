"""The command that shows the settings."""

import os
from typing import Any, NamedTuple

import typer
from pydantic_settings import BaseSettings

from streams.cli.usage import examples
from streams.console import Json, output, say, show_json, show_text
from streams.errors import ConfigurationError
from streams.settings import KafkaSettings, Settings, load_settings

CONFIG_EXAMPLES = examples("meldingsvakt config", "meldingsvakt config --json")
EXIT_NOT_VALID = 2
_INDENT = "    "


class Setting(NamedTuple):
    """One setting as it holds now; `source` is `environment` or `default`."""

    setting: str
    value: str | None
    source: str
    meaning: str | None


def config(as_json: Json = False) -> None:
    """Show every setting: its value, whether you set it, and what it means; secrets are masked."""
    try:
        settings: Any = load_settings()
        wrong = None
    except ConfigurationError as error:
        settings, wrong = (KafkaSettings.model_construct(), Settings.model_construct()), error
    found = [one for each in settings for one in _settings(each, read=wrong is None)]
    if as_json:
        show_json([one._asdict() for one in found])
    else:
        _show(found)
    if wrong is not None:
        say(f"meldingsvakt: {wrong}", "ERROR")
        raise typer.Exit(EXIT_NOT_VALID)


def _settings(settings: BaseSettings, *, read: bool) -> list[Setting]:
    """Where one of them could not be read, what was set is told by its name alone."""
    prefix = settings.model_config["env_prefix"]
    set_here = {name.upper() for name, value in os.environ.items() if value}
    values = settings.model_dump(mode="json", warnings=False)
    found = []
    for name, field in type(settings).model_fields.items():
        full = f"{prefix}{name.upper()}"
        is_set = full in set_here
        value = None if is_set and not read else values.get(name)
        written = str(value).lower() if isinstance(value, bool) else None if value is None else str(value)
        found.append(Setting(full, written, "environment" if is_set else "default", field.description))
    return found


def _show(found: list[Setting]) -> None:
    """What was set first: that is what one looks for."""
    chosen = [one for one in found if one.source == "environment"]
    others = [one for one in found if one.source != "environment"]
    for heading, some in ((f"Set in the environment ({len(chosen)})", chosen), (f"Not set ({len(others)})", others)):
        if some:
            show_text(heading, style="bold")
        for one in some:
            value = one.value if one.value is not None else "none" if one.source == "default" else "(not read)"
            show_text(f"{one.setting} = {value}", "  ", _INDENT)
            show_text(one.meaning or "", _INDENT, _INDENT, "dim" if output().is_terminal else "")
