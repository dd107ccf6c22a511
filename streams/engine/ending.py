"""The one way out: when in doubt, end at once, with one clear sentence."""

import os
import sys
from typing import NoReturn

EXIT_CONFIGURATION = 2
# sysexits.h: a temporary failure, start me again.
EXIT_IN_DOUBT = 75


def end(sentence: str, code: int = EXIT_IN_DOUBT) -> NoReturn:
    """End the process without another word to Kafka: no clean-up of ours may commit or produce anything more."""
    stream = sys.__stderr__ or sys.stderr  # Faust turns the other one into log lines
    stream.write(f"meldingsvakt: {sentence}\n")
    stream.flush()
    os._exit(code)


def sentence_of(error: BaseException) -> str:
    """What an error says, with its kind where it says little."""
    text = " ".join(str(error).split())
    named = type(error).__module__.startswith("streams.")
    return text if named and text else f"{type(error).__name__}: {text}" if text else type(error).__name__
