"""The command `offload serve`: its options, what it takes before the service is built, and how it ends."""

import argparse
import gc
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, NoReturn

from offload.errors import BootError

if TYPE_CHECKING:
    from offload.server.data_directory import TakenOver
    from offload.server.settings import Settings

DESCRIPTORS = 8192
"""Many systems begin with 1,024, half of which, the share of connections, is too few for 500 streams."""

CONNECTIONS_END_S = 1
"""After the drain, connections that still transfer something are closed after this many seconds."""


def serve(arguments: Sequence[str]) -> int:
    """Runs the service. Answers the exit code: 0 after an orderly end, 1 after a fault, 2 for wrong usage or settings,
    130 for a Ctrl-C before the start. A service that could not start ends with uvicorn's own 3.
    """
    options = vars(_parser().parse_args(arguments))
    try:
        return _serve({name: value for name, value in options.items() if value is not None})
    except BootError as error:
        print(f"offload: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # before anything had been started
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="offload serve",
        description="Run the service. Each option is a setting OFFLOAD_… too; docs/settings.md lists them all.",
    )
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on; 0 takes a free one (8000)")
    parser.add_argument("--data-dir", metavar="DIR", help="where jobs, results and uploads are kept (./data)")
    parser.add_argument("--files-dir", metavar="DIR", help="where file-digest may read (DATA_DIR/files)")
    parser.add_argument("--lanes", type=int, help="worker processes (as many as there are CPUs to use)")
    parser.add_argument("--tasks", metavar="LIST", help='your own tasks: "module:function, name=module:function"')
    parser.add_argument(
        "--log-format", choices=["console", "json"], help="log lines for people or for machines (console)"
    )
    parser.add_argument("--insecure", action="store_true", default=None, help="listen beyond loopback without keys")
    return parser


def allow_descriptors() -> None:
    """Raises this process's limit of open files to `DESCRIPTORS`, as far as the system lets it."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if most == resource.RLIM_INFINITY else min(DESCRIPTORS, most)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _serve(overrides: dict[str, object]) -> int:
    # Imported here so that --help and a wrong option answer at once.
    with _unseen("rich"):
        from offload.server import logging_setup  # noqa: PLC0415
    from offload.server.data_directory import take_over  # noqa: PLC0415
    from offload.server.settings import load_settings  # noqa: PLC0415
    from offload.tracing.environment import wanted  # noqa: PLC0415

    settings = load_settings(**overrides)
    logging_setup.configure(settings.log_format, settings.log_level, traced=wanted(os.environ))
    listener = _listen(settings.host, settings.port)
    # From now on there is something to give back. Later it is a signal to drain; once the service has stopped, uvicorn
    # raises it again.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    sys.unraisablehook = _end_soon
    with closing(take_over(settings)) as taken:
        return _run(settings, listener, taken)


def _run(settings: "Settings", listener: socket.socket, taken: "TakenOver") -> int:
    allow_descriptors()  # not for the lanes, whose forkserver has begun with what the system gives
    with _frozen():
        # The forkserver loads what lanes need meanwhile, on another core.
        import uvicorn  # noqa: PLC0415

        from offload.api.transport.connection import Connection  # noqa: PLC0415
        from offload.server.application import create_app  # noqa: PLC0415

        app = create_app(settings, taken)

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                print(f"Offload ready on {url} with {settings.lanes} lanes", flush=True)

    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    config = uvicorn.Config(
        app,
        lifespan="on",
        http=Connection,
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=CONNECTIONS_END_S,
        workers=1,  # WEB_CONCURRENCY would make several services on one data directory
    )
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup` has it ignored
        signal.signal(signal.SIGHUP, _end_with_the_terminal)
    server = Server(config)
    server.run(sockets=[listener])
    return 0 if server.started else 1


@contextmanager
def _unseen(package: str) -> Iterator[None]:
    """No module that is imported meanwhile finds this package.

    structlog loads Rich where it finds it, and the command line needs it: 20 ms of the start, for nothing used here.
    """
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]  # how Python itself marks what is not to be found
    try:
        yield
    finally:
        del sys.modules[package]


@contextmanager
def _frozen() -> Iterator[None]:
    """What is made here stays for good, and is not looked through for garbage: neither meanwhile, a tenth of the time
    that imports take, nor at each full collection later, which would stop the event loop for some 50 ms.

    Before the lanes exist, since what is frozen is never collected, and their semaphores must be.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
        # What a request makes mostly goes with it, without the collector: to look for more after every 700 costs a
        # tenth.
        gc.set_threshold(10_000, 20, 20)
    finally:
        gc.enable()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, proto)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise BootError(f"Can't listen on {host}, port {port}: {error.strerror}. Choose another --port.") from error
    return listener


def _end_with_the_terminal(*_: object) -> None:
    signal.raise_signal(signal.SIGTERM)


class _Ended(SystemExit):
    """A signal has ended the service, in order."""


def _end(*_: object) -> NoReturn:
    raise _Ended(0)


def _end_soon(unraisable: "sys.UnraisableHookArgs") -> None:
    """Python drops what is raised in a finaliser or a weak reference's callback, so that signal has to come again."""
    if isinstance(unraisable.exc_value, _Ended):
        threading.Timer(0.01, os.kill, [os.getpid(), signal.SIGTERM]).start()
    else:
        sys.__unraisablehook__(unraisable)
