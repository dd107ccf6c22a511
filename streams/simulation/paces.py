"""How fast the simulated world turns: in its own time, or in seconds; each with its policy."""

from streams.simulation.story import FeedPace, Pace

HOUR, DAY = 3600.0, 86400.0

OWN_TIME = Pace(
    allowance={"FIKS_IO": 2 * HOUR, "SVARINN": DAY, "MANUELL_MOTTAK": 5 * DAY, "PRINT": 12 * DAY},
    default=DAY,
    grace=300.0,
    latency=90.0,
    late_from=HOUR,
    late_spread=20 * DAY,
    feed=FeedPace(every=6 * HOUR, lag=HOUR, patience=8 * HOUR, silence=DAY, margin=HOUR),
)
SECONDS = Pace(
    allowance={"FIKS_IO": 6.0, "SVARINN": 8.0, "MANUELL_MOTTAK": 10.0, "PRINT": 12.0},
    default=8.0,
    grace=2.0,
    latency=0.0,
    late_from=4.5,
    late_spread=2.5,
    feed=FeedPace(every=1.0, lag=0.5, patience=3.0, silence=24.0, margin=3.0),
    rebased=True,
)


def policy_toml(pace: Pace, version: str, *more: str) -> str:
    """The policy file by which the checker judges at this pace; `more`: what else its version says, as TOML."""
    lines = [
        'portal_retention = "P30D"',
        "[[version]]",
        f'id = "{version}"',
        f'grace = "{iso_duration(pace.grace)}"',
        f'default = "{iso_duration(pace.default)}"',
        "[version.allowance]",
        *(f'{channel} = "{iso_duration(seconds)}"' for channel, seconds in pace.allowance.items()),
        *more,
    ]
    return "\n".join(lines) + "\n"


def iso_duration(seconds: float) -> str:
    """Seconds as the policy file writes them."""
    for unit, size in (("D", DAY), ("H", HOUR), ("M", 60.0)):
        if seconds % size == 0:
            return f"P{int(seconds / size)}D" if unit == "D" else f"PT{int(seconds / size)}{unit}"
    return f"PT{seconds:g}S"
