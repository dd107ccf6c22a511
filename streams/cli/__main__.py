"""`python -m streams.cli`: the same as `meldingsvakt`."""

from streams.cli import main

if __name__ == "__main__":
    main()
