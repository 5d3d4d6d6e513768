"""A proxy before a bucket service that does wrong what networks and services do, by a seed."""

from __future__ import annotations

import http.client
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULTS = (
    "500", "503", "409", "412", "501", "time-out", "lost answer", "lost request",
    "truncated body", "slow body", "wrong bytes", "wrong size",
)  # fmt: skip
"""What may befall a request; one for reading bodies strikes only what has one."""

_SILENCE = 1.5
_DRIP = 0.05
_HOPS = {"connection", "transfer-encoding", "content-length", "keep-alive"}


class Proxy(ThreadingHTTPServer):
    """Passes requests on, and spoils some of them."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, upstream: int, seed: int, rate: float, faults: Sequence[str]) -> None:
        """Listen on a free port of loopback.

        Args:
            upstream: The service's port.
            seed: Decides which requests meet which fault.
            rate: The share of requests that meet one.
            faults: Those that there are.
        """
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.struck = Counter[str]()
        self._random = random.Random(seed)
        self._rate = rate
        self._faults = faults
        self._lock = threading.Lock()

    @contextmanager
    def always(self, fault: str) -> Iterator[None]:
        """Let one fault befall every request for a while."""
        before = self._rate, self._faults
        self._rate, self._faults = 1.0, (fault,)
        try:
            yield
        finally:
            self._rate, self._faults = before

    def fault(self) -> str | None:
        """Return what befalls the next request."""
        with self._lock:
            if self._random.random() >= self._rate:
                return None
            return self._random.choice(self._faults)

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that hung up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True  # the client gave up; no service takes half a request
            return
        fault = self.server.fault()
        self.close_connection = True
        if fault is not None:
            self.server.struck[fault] += 1
        if fault in {"500", "503", "409", "412", "501"}:
            self._answer(int(fault), [], b"<Error><Code>Injected</Code></Error>")
        elif fault == "time-out":
            time.sleep(_SILENCE)
        elif fault != "lost request":
            self._forward(body, fault)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815 - names http.server calls

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _forward(self, body: bytes, fault: str | None) -> None:
        asked = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=30)
        try:
            headers = {name: value for name, value in self.headers.items()
                       if name.lower() not in _HOPS}  # fmt: skip
            asked.request(self.command, self.path, body, headers)
            answer = asked.getresponse()
            data = answer.read()
        finally:
            asked.close()
        if fault == "lost answer":
            return
        length = answer.headers.get("Content-Length") if self.command == "HEAD" else None
        if fault == "wrong size" and length:
            length = str(int(length) + 1)
        if fault == "wrong bytes" and data:
            place = len(data) // 2
            data = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOPS]
        self._answer(answer.status, kept, data, length=length, fault=fault)

    def _answer(
        self,
        status: int,
        headers: list[tuple[str, str]],
        data: bytes,
        *,
        length: str | None = None,
        fault: str | None = None,
    ) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(data)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD":
            return
        with suppress(OSError):  # the client has given up, as it should
            if fault == "slow body":
                self._drip(data)
            else:
                self.wfile.write(data[: len(data) // 2] if fault == "truncated body" else data)

    def _drip(self, data: bytes) -> None:
        until = time.monotonic() + _SILENCE
        for byte in data:
            if time.monotonic() > until:
                return
            self.wfile.write(bytes([byte]))
            time.sleep(_DRIP)


@contextmanager
def proxy(upstream: int, seed: int, rate: float, faults: Sequence[str] = FAULTS) -> Iterator[Proxy]:
    """Run a proxy, see `Proxy`."""
    server = Proxy(upstream, seed, rate, faults)
    server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
