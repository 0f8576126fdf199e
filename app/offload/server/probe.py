"""`python -m offload.server.probe`, for HEALTHCHECK: exits with 0 if the service of this container is ready.

The standard library's light parts only, since it runs every few seconds beside the work; and no proxy that the
environment names comes between.
"""

import http
import http.client
import os
import time
from contextlib import closing, suppress

PATIENCE_S = 4.0
AGAIN_S = 0.1


def ready(port: int, patience_s: float = PATIENCE_S) -> bool:
    """Asks the service at this port of loopback until it answers that it is ready, for `patience_s` at most.

    A probe that comes while the service starts thus tells of its readiness at once, not an interval later.
    """
    deadline = time.monotonic() + patience_s
    while (left := deadline - time.monotonic()) > 0:
        with suppress(OSError, http.client.HTTPException):  # not there, or not in time: the answer is no
            if _status(port, timeout_s=left) == http.HTTPStatus.OK:
                return True
        time.sleep(AGAIN_S)
    return False


def _status(port: int, timeout_s: float) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)) as service:
        service.request("GET", "/health/ready")
        return service.getresponse().status


if __name__ == "__main__":
    raise SystemExit(not ready(int(os.environ["OFFLOAD_PORT"])))
