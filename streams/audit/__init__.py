"""The audit of history: what became of every report, from whatever evidence remains, by the live checker's rules."""
