"""Message ids as the JSON of the messages topic: for who knows only the transport's id of a report."""

import orjson

from streams.records.record import Write


def message_record(topic: str, partition: int, message_id: str, report_id: str, *, known: bool) -> Write:
    """That a message was a report's; a tombstone where that is not `known` any more.

    `partition`: where the report lives, so that a transaction stays within one partition of each topic. The report
    stands in the key, too: where several claim one id each of them has a record, nobody takes another's away, and
    whoever reads them knows that the id tells nothing.
    """
    value = orjson.dumps({"message_id": message_id, "report_id": report_id}) if known else None
    return Write(topic, partition, f"{message_id}/{report_id}".encode(), value)
