"""Whether the container's process is well, for whoever runs containers and asks with HEALTHCHECK (Cloud Run has probes of its own).

A server is asked for `/healthz`. A worker answers nobody: that it runs is all there is to see from here, and how many work stands in the
server's `/readyz`. Runs by itself in the image, without Halo.
"""

from __future__ import annotations

import http.client
import sys
from collections.abc import Sequence
from pathlib import Path


def is_well(command: Sequence[str]) -> bool:
    """Whether the process that was started with `command` is."""
    if "serve" not in command:
        return True
    connection = http.client.HTTPConnection("127.0.0.1", _port(command), timeout=4)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _port(command: Sequence[str]) -> int:
    return int(command[command.index("--port") + 1]) if "--port" in command else 8080


if __name__ == "__main__":
    sys.exit(0 if is_well(Path("/proc/1/cmdline").read_text().split("\0")) else 1)
