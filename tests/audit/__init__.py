"""The audit of history."""
