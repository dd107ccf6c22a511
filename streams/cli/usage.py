"""How commands are called: their help with examples, and what is wrong with a call in one sentence."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import typer
from pydantic import ValidationError
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from streams.errors import what_it_must_be

_NAMES: Mapping[Any, str] = {bool: "", int: "NUMBER", float: "NUMBER", str: "TEXT", Path: "PATH", list[Path]: "PATH"}


def examples(*lines: str) -> str:
    """What stands below a command's help."""
    return "\n".join(["Examples:", *lines])


class PlainCommand(TyperCommand):
    """A command whose help says what to write in place of a value, and nothing of Python's types."""

    def get_params(self, ctx: Any) -> list[Any]:
        """What it takes, each with a name for its value; a flag has none."""
        return [_named(each) for each in super().get_params(ctx)]


class PlainGroup(TyperGroup):
    """The same of commands that have commands of their own."""

    def get_params(self, ctx: Any) -> list[Any]:
        """What it takes, each with a name for its value; a flag has none."""
        return [_named(each) for each in super().get_params(ctx)]


class Commands(typer.Typer):
    """A group of commands that are told of plainly."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(cls=PlainGroup, **kwargs)

    def command(self, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        """Add a function as a command."""
        return super().command(*args, cls=PlainCommand, **kwargs)


def _named(parameter: Any) -> Any:
    """Arguments have their name in front of the line, so that nothing more stands beside it."""
    name = parameter.name.upper()
    if parameter.param_type_name == "argument":
        parameter.metavar = parameter.metavar or name
        parameter.display_type_rich = _nothing
    elif parameter.metavar is None:
        parameter.metavar = name if parameter.type_descriptor.is_choice else _NAMES.get(_kind(parameter))
    return parameter


def _nothing(ctx: Any) -> None:
    """No type."""


def _kind(parameter: Any) -> Any:
    annotation = parameter.type_descriptor.annotation
    kinds = [each for each in getattr(annotation, "__args__", ()) if each is not type(None)]
    return kinds[0] if kinds and annotation not in _NAMES else annotation


def sentence_about(error: TyperException) -> str:
    """What is wrong with a call, and where to read how it is made."""
    context = getattr(error, "ctx", None)
    help_ = f"`{context.command_path} --help` tells how." if context is not None else "`meldingsvakt --help` tells how."
    return f"{_what(error).rstrip('.?')}: {help_}"


def _what(error: TyperException) -> str:
    """The library's own words but where they are a programmer's."""
    parameter, cause = getattr(error, "param", None), error.__cause__
    if parameter is None:
        return error.format_message()
    name = parameter.opts[0] if parameter.param_type_name == "option" else parameter.name.upper()
    if not isinstance(cause, ValidationError):
        return f"{name} is missing"
    first = cause.errors(include_url=False)[0]
    allowed = what_it_must_be(first["type"], first.get("ctx", {}))
    choices = [str(getattr(choice, "value", choice)) for choice in parameter.type_descriptor.choices or ()]
    if choices:
        allowed = f"it must be {', '.join(choices[:-1])} or {choices[-1]}"
    return f"{name} {first['input']} cannot be taken, {allowed or first['msg']}"
