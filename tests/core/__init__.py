"""The core, by examples, by laws and against an oracle of its own."""
