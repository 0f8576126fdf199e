"""`python -m offload.server.probe`: a container's health check. Exits with 0 if the service is ready.

Imports only light parts of the standard library, since it runs every few seconds. Ignores proxy variables.
"""

import http
import http.client
import os
import time
from contextlib import closing, suppress

from offload.server.service_links import without_service_link

TIMEOUT_S = 4.0
RETRY_S = 0.1


def ready(port: int, timeout_s: float = TIMEOUT_S) -> bool:
    """Requests readiness from the service on this port of 127.0.0.1 until it is ready, for at most `timeout_s` seconds.

    So a probe during the start reports readiness immediately, not one interval later.
    """
    deadline = time.monotonic() + timeout_s
    while (left := deadline - time.monotonic()) > 0:
        with suppress(OSError, http.client.HTTPException):  # not running, or too slow: not ready
            if _status(port, timeout_s=left) == http.HTTPStatus.OK:
                return True
        time.sleep(RETRY_S)
    return False


def _status(port: int, timeout_s: float) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)) as service:
        service.request("GET", "/health/ready")
        return service.getresponse().status


if __name__ == "__main__":
    raise SystemExit(not ready(int(str(without_service_link(os.environ["OFFLOAD_PORT"])))))
