"""The one way out: when in doubt, end at once, with one clear sentence."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from aiokafka.errors import UnsupportedCodecError

from streams.errors import ConfigurationError, InDoubt, StateUnreadable
from streams.logs import in_json, json_line

EXIT_CONFIGURATION = 2
# sysexits.h: a temporary failure, start me again.
EXIT_IN_DOUBT = 75


def end(sentence: str, code: int = EXIT_IN_DOUBT) -> NoReturn:
    """End the process without another word to Kafka: no clean-up of ours may commit or produce anything more."""
    stream = sys.__stderr__ or sys.stderr  # Faust turns the other one into log lines
    stream.write((json_line("CRITICAL", sentence) if in_json() else f"meldingsvakt: {sentence}") + "\n")
    stream.flush()
    os._exit(code)


@contextmanager
def ending_on_error(doing: str) -> Iterator[None]:
    """The shell's one guard: whatever goes wrong inside ends the process, because Faust and aiokafka would go on."""
    try:
        yield
    except ConfigurationError as error:
        end(str(error), EXIT_CONFIGURATION)
    except UnsupportedCodecError as error:
        end(
            f"{doing} failed, because a codec is not installed here ({sentence_of(error)}): install meldingsvakt with "
            "all its dependencies and start it again.",
            EXIT_CONFIGURATION,
        )
    except (InDoubt, StateUnreadable) as error:
        end(str(error))
    except Exception as error:  # noqa: BLE001 - a half-done step must not be continued by anybody else's rules
        end(f"{doing} failed ({sentence_of(error)}): ending, so that the next owner reads what is true.")


def sentence_of(error: BaseException) -> str:
    """What an error says, with its kind where it says little."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
