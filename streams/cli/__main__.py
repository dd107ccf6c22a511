"""`python -m streams.cli`: the same as `meldingsvakt`."""

from streams.cli import main

main()
