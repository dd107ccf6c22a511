#!/bin/sh
# What each principal may do with Kafka; everything else is refused. Run again it changes nothing. Who may read or write
# something may describe it, too.
# KAFKA_ACLS is Kafka's own command, BOOTSTRAP where it finds a broker, CLIENT a properties file with an admin's rights.
set -eu
inputs="--topic reports.sent --topic reports.receipt --topic reports.stored --topic reports.decision"
tables="--topic reports.state --topic reports.coverage"
product="--topic reports.missing"
others="--topic reports.messages --topic reports.rejected --topic reports.access"

# allow PRINCIPAL "OPERATIONS" RESOURCES…
allow() {
    principal=$1
    operations=$(for each in $2; do printf ' --operation %s' "$each"; done)
    shift 2
    # shellcheck disable=SC2086  # each operation is an argument of its own
    "$KAFKA_ACLS" --bootstrap-server "$BOOTSTRAP" --command-config "$CLIENT" --add \
        --allow-principal "User:$principal" $operations "$@" >/dev/null
    echo "$principal: $operations $*"
}

# shellcheck disable=SC2086  # each topic is an argument of its own
{
    # The job that makes the topics and verifies them.
    allow topics "Create Describe DescribeConfigs" $inputs $tables $product $others

    # A worker also writes inputs: its marks, and copies of records in the wrong partition.
    allow worker "DescribeConfigs Read Write" $inputs $tables
    allow worker "DescribeConfigs Write" $product --topic reports.messages --topic reports.rejected
    allow worker "Describe DescribeConfigs" --topic reports.access
    allow worker "Read" --group reports
    allow worker "Write" --transactional-id reports- --resource-pattern-type prefixed

    # The view is in no group; it only adds to its log of who looked at what.
    allow view "DescribeConfigs Read" --topic reports.state
    allow view "Read" --topic reports.coverage $product
    allow view "Write" --topic reports.access

    # Who writes the inputs, each with a user of its own: the portal's adapter, and one for each source of proofs. With
    # the right to write proofs somebody can make reports count as stored, with that to decide close their alarms.
    allow portal "Write" --topic reports.sent --topic reports.receipt
    allow casesystem "Write" --topic reports.stored

    # Who decides what becomes of an alarm: it is outside every group.
    allow decide "Read" --topic reports.state
    allow decide "Write" --topic reports.decision

    # The door over HTTP: it writes the inputs for others, and who delivered, and looks up what it says nothing of itself.
    allow intake "Write" --topic reports.sent --topic reports.receipt --topic reports.stored --topic reports.decision \
        --topic reports.access
    allow intake "Read" --topic reports.messages --topic reports.coverage
    allow intake "Write" --transactional-id reports-intake- --resource-pattern-type prefixed

    # Downstream: the product, in groups of its own.
    allow consumer "Read" $product
    allow consumer "Read" --group consumer- --resource-pattern-type prefixed

    # Only of this stack: traffic with a known truth, which looks at the topics first.
    allow simulator "DescribeConfigs Write" $inputs
    allow simulator "Describe DescribeConfigs" $tables $product $others
}
