"""The one way out: when in doubt, end at once, with one clear sentence."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from aiokafka.errors import UnsupportedCodecError

from streams.errors import ConfigurationError, InDoubt, StateUnreadable, sentence_of
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


class StepLimit:
    """Ends the process when something makes no step for too long: some of aiokafka's waits have no end of their own."""

    def __init__(self, doing: str, seconds: float) -> None:
        self._sentence = f"{doing} made no step for {seconds:g} s: ending, so that the next owner reads what is true."
        self._seconds = seconds
        self._limit: asyncio.TimerHandle | None = None

    def step(self) -> None:
        """It goes on: the time begins again."""
        self.over()
        self._limit = asyncio.get_running_loop().call_later(self._seconds, end, self._sentence)

    def over(self) -> None:
        """It is done, one way or the other."""
        if self._limit is not None:
            self._limit.cancel()


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
