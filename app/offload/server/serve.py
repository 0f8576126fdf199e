"""The command `offload serve`: its options, its listening socket, and uvicorn."""

import argparse
import json
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from offload.errors import BootError
from offload.server.process import (
    check_open_files,
    end_within,
    excluded_from_gc,
    exit_on_signals,
    hidden,
    raise_open_files_limit,
    reserved_files,
    terminate_on_sighup,
)

if TYPE_CHECKING:
    from offload.server.data_directory import DataDirectory
    from offload.server.settings import Settings

OVERDUE_S = 4.0
"""A service that still runs this long after its grace period is killed: something hangs."""

CLOSE_CONNECTIONS_S = 1
"""Seconds after the drain until connections that still transfer data are closed."""


def serve(arguments: Sequence[str]) -> int:
    """Runs the service and returns the exit code.

    0 after an orderly end, 1 after a fault, 2 for wrong usage or settings, 130 for a Ctrl-C before the start. If the
    service could not start, uvicorn itself exits with 3.
    """
    options = vars(_parser().parse_args(arguments))
    try:
        return _serve({name: value for name, value in options.items() if value is not None})
    except BootError as error:
        print(_line(f"offload: {error}", "error", in_json=_wants_json(options)), file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # before anything was started
        return 130


def _wants_json(options: dict[str, object]) -> bool:
    """Returns the format of the log before the settings are known to be valid."""
    return str(options["log_format"] or os.environ.get("OFFLOAD_LOG_FORMAT")).lower() == "json"


def _line(text: str, level: str, *, in_json: bool) -> str:
    """Returns a line for stdout or stderr: with JSON logs it is one of them."""
    if not in_json:
        return text
    timestamp = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return json.dumps({"event": text, "logger": __name__, "level": level, "timestamp": timestamp})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="offload serve",
        description="Run the service. Each option is also a setting OFFLOAD_…; docs/settings.md lists all settings.",
    )
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on; 0 selects a free port (default: 8000)")
    parser.add_argument("--root-path", metavar="PATH", help="path below which a proxy serves the API (default: none)")
    parser.add_argument("--data-dir", metavar="DIR", help="directory for jobs, results and uploads (default: ./data)")
    parser.add_argument(
        "--files-dir", metavar="DIR", help="directory that file-digest may read (default: DATA_DIR/files)"
    )
    parser.add_argument("--lanes", type=int, help="number of worker processes (default: number of usable CPUs)")
    parser.add_argument("--tasks", metavar="LIST", help='your own tasks: "module:function, name=module:function"')
    parser.add_argument(
        "--log-format", choices=["console", "json"], help="log lines for people or for programs (default: console)"
    )
    parser.add_argument(
        "--insecure", action="store_true", default=None, help="allow other hosts to connect without keys"
    )
    return parser


def _serve(overrides: dict[str, object]) -> int:
    # Imported here so that --help and wrong options respond immediately.
    with hidden("rich"):
        from offload.server import logging_setup  # noqa: PLC0415
    from offload.server.data_directory import claim_data_directory  # noqa: PLC0415
    from offload.server.settings_checks import load_settings  # noqa: PLC0415
    from offload.tracing.environment import traces_requested  # noqa: PLC0415

    settings = load_settings(**overrides)
    logging_setup.configure(settings.log_format, settings.log_level, traced=traces_requested(os.environ))
    check_open_files(settings.lanes)
    listener = _listen(settings.host, settings.port)
    signalled = exit_on_signals(within=_stop_bound(settings))
    try:
        with closing(claim_data_directory(settings)) as directory:
            return _run(settings, listener, directory)
    except Exception:
        if signalled():
            return 0
        raise


def _run(settings: "Settings", listener: socket.socket, directory: "DataDirectory") -> int:
    raise_open_files_limit()  # after the forkserver has started: lanes keep the system's limit
    with excluded_from_gc():
        # The forkserver loads what lanes need meanwhile, on another core.
        import uvicorn  # noqa: PLC0415

        from offload.api.transport.connection import Connection  # noqa: PLC0415
        from offload.api.transport.prefix import ProxyHeaders  # noqa: PLC0415
        from offload.server.application import create_app  # noqa: PLC0415
        from offload.server.memory_watch import exit_when_out_of_memory  # noqa: PLC0415

        class ServiceConnection(Connection):
            reserved = reserved_files(settings.lanes)

        app = create_app(settings, directory, on_stop=partial(end_within, _stop_bound(settings)))

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready = f"Offload ready on {_url(listener)} with {settings.lanes} lanes"
                print(_line(ready, "info", in_json=settings.log_format == "json"), flush=True)

    config = uvicorn.Config(
        app,
        proxy_headers=False,  # `ProxyHeaders` reads one more
        lifespan="on",
        http=ServiceConnection,
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=CLOSE_CONNECTIONS_S,
        workers=1,  # WEB_CONCURRENCY would start several services on one data directory
    )
    config.app = ProxyHeaders(app, config.forwarded_allow_ips)
    terminate_on_sighup()
    exit_when_out_of_memory()
    server = Server(config)
    server.run(sockets=[listener])
    return 0 if server.started else 1


def _stop_bound(settings: "Settings") -> float:
    """Returns the seconds from the first signal after which the process is gone in any case."""
    return settings.shutdown_grace_s + OVERDUE_S


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, proto)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise BootError(f"Can't listen on {host}, port {port}: {error.strerror}. Choose another --port.") from error
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
