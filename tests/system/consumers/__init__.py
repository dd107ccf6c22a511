"""The consumers that others copy, on a real Kafka."""
