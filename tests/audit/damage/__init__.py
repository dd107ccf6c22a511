"""Good sources, one line of them damaged in the ways in which such files are known to go wrong.

However a line is damaged, no report leaves the books, none becomes missing that is not, none stored that is not, and
none is made up: at most what became of a report cannot be told, with the reason. `python -m tests.audit.damage`.
"""
