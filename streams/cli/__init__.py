"""The commands: one module for each group of them."""

from streams.cli.root import app, main

__all__ = ["app", "main"]
