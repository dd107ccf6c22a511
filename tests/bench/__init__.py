"""`make bench`: how fast the checker is, beside its peers and its limits, on one real Kafka in one run."""
