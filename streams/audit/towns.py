"""Which municipality numbers in the facts name the same receiver."""

import duckdb

from streams.core.receivers import Municipalities


def agreeing(connection: duckdb.DuckDBPyConnection, rule: Municipalities) -> None:
    """A table of the pairs of municipality numbers in the facts that name the same receiver, by the core's rule."""
    present = connection.sql("SELECT DISTINCT municipality FROM names WHERE municipality IS NOT NULL").fetchall()
    codes = [code for (code,) in present]
    pairs = [(one, other) for one in codes for other in codes if rule.agree(one, other)]
    connection.execute("CREATE TEMP TABLE agreeing AS SELECT unnest(?) AS one, unnest(?) AS other",
                       [[one for one, _ in pairs], [other for _, other in pairs]])  # fmt: skip
