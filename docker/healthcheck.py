#!/opt/meldingsvakt/bin/python -IS
"""Whether this container's own server says that all is well: `healthcheck 8081/livez`. Exit code 1 if not."""

import sys
from http.client import HTTPConnection, HTTPException

SECONDS = 4


def well(port: int, path: str) -> bool:
    """Ask on loopback, never through a proxy that the environment may name."""
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException) as error:
        print(f"port {port} gives no answer to {path}: {error}", file=sys.stderr)
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    number, _, name = sys.argv[1].partition("/")
    sys.exit(0 if well(int(number), f"/{name}") else 1)
