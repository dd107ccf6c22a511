"""Kafka as evidence, and what was announced."""
