"""Can this worker vouch for its partitions? What stands in the way, in a few words each."""

from streams.engine.source import Source
from streams.engine.table import WindowedTable


def unready(source: Source, table: WindowedTable) -> list[str]:
    """The reasons; empty when every assigned partition is restored, complete until some time, and without a gap."""
    if not source.assigned:
        return ["not a member of the group yet"]
    if source.restoring:
        return ["restoring"]
    partitions = sorted(table.partitions.items())
    gaps = ((number, partition.processor.stand.coverage.gap) for number, partition in partitions)
    return [f"partition {number}: {gap.cause}" for number, gap in gaps if gap is not None] + [
        f"partition {number}: not complete yet"
        for number, partition in partitions
        if partition.clock.now() is None or not partition.processor.stand.complete
    ]
