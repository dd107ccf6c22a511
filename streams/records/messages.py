"""Message ids as the JSON of the messages topic: for who knows only the transport's id of a report."""

import orjson

from streams.records.record import Write


def message_record(topic: str, home: int, message_id: str, report_id: str, *, known: bool) -> Write:
    """That a message was a report's; a tombstone where that is not `known` any more.

    `home`: the partition that Kafka's default partitioner gives the message id, whatever partition the report lives in:
    who knows the id reads one partition. The report stands in the key, too: where several claim one id each of them has
    a record, nobody takes another's away, and whoever reads them knows that the id tells nothing.
    """
    value = orjson.dumps({"message_id": message_id, "report_id": report_id}) if known else None
    return Write(topic, home, f"{message_id}/{report_id}".encode(), value)
