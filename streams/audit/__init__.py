"""The audit of history: what became of every report, by whatever evidence remains and the live checker's rules."""
