"""The application for `uvicorn app.main:app`. Everything else is in the package `offload`."""

import sys

from offload.errors import BootError
from offload.server.application import app_from_environment

try:
    app = app_from_environment()
except BootError as error:
    print(f"offload: {error}", file=sys.stderr)
    sys.exit(2)
