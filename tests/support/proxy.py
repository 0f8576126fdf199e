"""A proxy of bytes between a client and the service, which misbehaves as a test demands."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

PORTION = 65536


class Proxy:
    """Passes connections on to a port of this machine, and answers back, but for what it is told.

    What it is told holds for requests whose first line has the text given: `swallow` passes the request on, and hangs
    up when the service answers, so many times; `hold` keeps answers back until the service ends them, as a proxy does
    that buffers; `instead` is sent as the answer, and the service sees nothing.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.swallow: dict[str, int] = {}
        self.hold: set[str] = set()
        self.instead: dict[str, bytes] = {}
        self.requests: list[str] = []
        """The first line of the first request of each connection."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def cut(self) -> None:
        """Closes every connection."""
        for each in list(self._open):
            self._hang_up(each)

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args)  # type: ignore[arg-type]  # methods of this class
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        """Forwards the requests of the client, one after the other."""
        self._open.add(client)
        service: socket.socket | None = None
        with contextlib.suppress(OSError):
            while sent := client.recv(PORTION):
                line = sent.partition(b"\r\n")[0].decode("latin-1")
                if line.endswith("HTTP/1.1"):
                    self.requests.append(line)
                    if (answer := self._match(self.instead, line)) is not None:
                        client.sendall(answer)
                        break
                    if service is not None:  # another request on the same connection has its own first line
                        self._hang_up(service)
                    service = socket.create_connection(("127.0.0.1", self.port))
                    self._open.add(service)
                    self._start(self._answer, client, service, line)
                assert service is not None
                service.sendall(sent)
        if service is not None:
            self._hang_up(service)
        self._hang_up(client)

    def _answer(self, client: socket.socket, service: socket.socket, line: str) -> None:
        held = bytearray()
        with contextlib.suppress(OSError):
            while came := service.recv(PORTION):
                if (text := self._matching(self.swallow, line)) is not None and self.swallow[text] > 0:
                    self.swallow[text] -= 1
                    self._hang_up(client)
                    break
                if self._matching(self.hold, line) is not None:
                    held += came
                else:
                    client.sendall(came)
            client.sendall(held)
        if service in self._open and held:
            self._hang_up(client)

    def _match(self, rules: dict[str, bytes], line: str) -> bytes | None:
        text = self._matching(rules, line)
        return None if text is None else rules[text]

    @staticmethod
    def _matching(rules: dict[str, int] | dict[str, bytes] | set[str], line: str) -> str | None:
        return next((text for text in rules if text in line), None)

    def _hang_up(self, each: socket.socket) -> None:
        self._open.discard(each)
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
