"""Benchmarks: results are tables, never timed asserts."""
