"""The door for those who have proof and those who decide: HTTP in, records out, and no state of its own."""
