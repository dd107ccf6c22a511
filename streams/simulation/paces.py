"""How fast the simulated world turns: in its own time, or in seconds; each with its policy."""

from streams.simulation.story import Pace

HOUR, DAY = 3600.0, 86400.0

OWN_TIME = Pace(
    allowance={"FIKS_IO": 2 * HOUR, "SVARINN": DAY, "MANUELL_MOTTAK": 5 * DAY, "PRINT": 12 * DAY},
    default=DAY,
    grace=300.0,
    latency=90.0,
    late_from=HOUR,
    late_spread=20 * DAY,
)
SECONDS = Pace(
    allowance={"FIKS_IO": 6.0, "SVARINN": 8.0, "MANUELL_MOTTAK": 10.0, "PRINT": 12.0},
    default=8.0,
    grace=2.0,
    latency=0.0,
    late_from=4.5,
    late_spread=2.5,
    rebased=True,
)


def policy_toml(pace: Pace, version: str) -> str:
    """The policy file by which the checker judges at this pace."""
    lines = [
        'portal_retention = "P30D"',
        "[[version]]",
        f'id = "{version}"',
        f'grace = "{_iso(pace.grace)}"',
        f'default = "{_iso(pace.default)}"',
        "[version.allowance]",
        *(f'{channel} = "{_iso(seconds)}"' for channel, seconds in pace.allowance.items()),
    ]
    return "\n".join(lines) + "\n"


def _iso(seconds: float) -> str:
    for unit, size in (("D", DAY), ("H", HOUR), ("M", 60.0)):
        if seconds % size == 0:
            return f"P{int(seconds / size)}D" if unit == "D" else f"PT{int(seconds / size)}{unit}"
    return f"PT{seconds:g}S"
