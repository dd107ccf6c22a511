"""How the partitions of a worker stand, as metrics that are read anew at each scrape."""

from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.core.books import Book
from streams.core.feeds import Feeds
from streams.core.policy import Version
from streams.engine.partition import Partition

STATUSES = ("pending", "stored", "missing", "recovered", "unproven", "undetermined", "erased", "unexpected")
GAUGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "complete_until_timestamp_seconds": ("Until when the partition is complete, by the brokers' clock.", ()),
    "completeness_age_seconds": ("How old the picture was when completeness last moved, and the time since.", ()),
    "gap": ("1 while the checker cannot see, by cause.", ("cause",)),
    "losses": (
        "Stretches of the inputs that nobody could judge, while the portal keeps what was sent then.",
        ("cause",),
    ),
    "oldest_pending_timestamp_seconds": ("When the sent arrived of the report that is pending for longest.", ()),
    "reports": ("Reports by status.", ("status",)),
    "sent_reports": ("Reports sent, counted on their own from the records.", ()),
    "books_difference_reports": ("Receiver by receiver, how far sent is from the sum of the statuses.", ()),
    "feed_heard_timestamp_seconds": ("When a feed's last mark arrived.", ("feed",)),
    "feed_vouched_until_timestamp_seconds": ("Until when a feed has vouched for all that it covers.", ("feed",)),
    "feed_patience_seconds": ("After how much silence what a feed should prove is undetermined.", ("feed",)),
    "rows": ("Rows kept.", ()),
    "rows_unpacked": ("Restored rows that are not packed yet: each takes thrice the room.", ()),
}
_counts = attrgetter(*STATUSES, "sent", "accounted")


class PartitionGauges(Collector):
    """As the last commits left them: what a running transaction has not committed is not shown."""

    def __init__(self, partitions: Mapping[int, Partition]) -> None:
        self._partitions_at_work = partitions

    def collect(self) -> Iterable[Metric]:
        """The figures of all partitions."""
        families = {
            name: GaugeMetricFamily(f"meldingsvakt_{name}", text, labels=["partition", *labels])
            for name, (text, labels) in GAUGES.items()
        }
        for number, partition in sorted(self._partitions_at_work.items()):
            for name, value, *labels in _standing(partition):
                families[name].add_metric([str(number), *labels], value)
        return families.values()


def _standing(partition: Partition) -> Iterator[tuple[str, float, *tuple[str, ...]]]:
    processor, stand = partition.processor, partition.processor.stand
    coverage = stand.coverage
    if coverage.complete_until is not None:
        yield "complete_until_timestamp_seconds", coverage.complete_until.timestamp()
    yield "completeness_age_seconds", partition.age()
    if coverage.gap is not None:
        yield "gap", 1, coverage.gap.cause
    for cause, losses in coverage.telling_losses(processor.checker.rules.policy.portal_retention).items():
        yield "losses", losses, cause
    if stand.oldest_pending is not None:
        yield "oldest_pending_timestamp_seconds", stand.oldest_pending.timestamp()
    yield from _books(stand.books.values())
    yield from _feeds(coverage.feeds, processor.checker.rules.policy.versions[-1])
    yield "rows", stand.rows
    yield "rows_unpacked", processor.rows.unpacked


def _feeds(feeds: Feeds, version: Version) -> Iterator[tuple[str, float, str]]:
    """What the feeds of the newest version have said; 0 of one that was never heard."""
    for feed in version.feeds:
        word = feeds.word(feed.id)
        yield "feed_heard_timestamp_seconds", word.heard.timestamp() if word.heard else 0, feed.id
        until = word.vouched_until.timestamp() if word.vouched_until else 0
        yield "feed_vouched_until_timestamp_seconds", until, feed.id
        yield "feed_patience_seconds", feed.patience.total_seconds(), feed.id


def _books(books: Iterable[Book]) -> Iterator[tuple[str, float, *tuple[str, ...]]]:
    counted = [_counts(book) for book in books]
    *statuses, sent, _ = [sum(column) for column in zip(*counted, strict=True)] or [0] * (len(STATUSES) + 2)
    for status, count in zip(STATUSES, statuses, strict=True):
        yield "reports", count, status
    yield "sent_reports", sent
    # Not the difference of the sums: what is too much at one receiver must not hide what is too little at another.
    yield "books_difference_reports", sum(abs(book[-2] - book[-1]) for book in counted)
