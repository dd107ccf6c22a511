"""The whole of it from outside: under faults, in virtual time, secured, by its containers, alerts and consumers."""
