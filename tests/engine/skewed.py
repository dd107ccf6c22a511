"""`python -m tests.engine.skewed SECONDS COMMAND...`: the commands with the machine's clock off by so many seconds."""

import datetime
import sys
import time

offset = float(sys.argv[1])
real_time, real_time_ns = time.time, time.time_ns


class Skewed(datetime.datetime):
    """A datetime class whose clock is off."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> "Skewed":
        """The time, off by the offset."""
        return cls.fromtimestamp(real_time() + offset, tz)


time.time = lambda: real_time() + offset
time.time_ns = lambda: real_time_ns() + int(offset * 1e9)
datetime.datetime = Skewed  # type: ignore[misc]

from streams.cli import main  # noqa: E402 - the clock must be off before anything else is imported

if __name__ == "__main__":
    sys.argv = ["meldingsvakt", *sys.argv[2:]]
    main()
