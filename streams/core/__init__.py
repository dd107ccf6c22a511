"""What a report is, when it is due and when it is missing: pure functions and values.

Standard library only, no I/O, and the clock is always an argument. All times are zone-aware UTC datetimes.
"""
