"""Can this worker vouch for its partitions? What stands in the way, in a few words each."""

from streams.engine.source import Source
from streams.engine.table import WindowedTable


def unready(source: Source, table: WindowedTable) -> list[str]:
    """The reasons; empty when every assigned partition is restored, complete until some time, and without a gap."""
    if not source.assigned:
        return ["not a member of the group yet"]
    if source.restoring:
        return ["restoring"]
    windows = sorted(table.windows.items())
    gaps = ((partition, window.ledger.stand.coverage.gap) for partition, window in windows)
    return [f"partition {p}: {gap.cause}" for p, gap in gaps if gap is not None] + [
        f"partition {p}: not complete yet"
        for p, window in windows
        if window.clock.now() is None or not window.ledger.stand.complete
    ]
