"""``python -m monitor.web.probe``: asks the service on this machine whether it is healthy, for containers.

It ends with 0 when it is, else with 1. The address is that of ``DRIFTD__SERVICE__HTTP``. Nothing heavy is
imported: it is asked every few seconds.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException

_DEFAULT = "127.0.0.1:9464"
_TIMEOUT_S = 5.0
_OK = 200
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # asked for, never listened on


def probe(environ: Mapping[str, str]) -> int:
    """Give the exit code, and say what was answered."""
    host, _, port = environ.get("DRIFTD__SERVICE__HTTP", _DEFAULT).rpartition(":")
    host = host.strip("[]")
    connection = HTTPConnection(_EVERYWHERE.get(host, host), int(port), timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        sys.stdout.write(answer.read().decode())
    except (OSError, HTTPException) as error:
        sys.stdout.write(f"{error}\n")
        return 1
    finally:
        connection.close()
    return int(answer.status != _OK)


if __name__ == "__main__":
    sys.exit(probe(os.environ))
