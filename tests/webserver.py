"""A real web server for tests, and a program that asks it twice: recorded, and with it gone."""

from __future__ import annotations

import contextlib
import functools
import gzip
import json
import os
import ssl
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parent.parent
BODY = bytes(range(256)) * 400
CSV = b"city,people\nBern,134591\nGraz,291134\n"


class Handler(BaseHTTPRequestHandler):
    """Answers in every way that HTTP/1.1 has."""

    protocol_version = "HTTP/1.1"
    counts: Counter[str]

    def do_GET(self) -> None:
        """Answer by the path's first word."""
        path = self.path
        if path.startswith("http://"):  # this server is asked as a proxy
            path = "/" + path.split("/", 3)[3]
        name = path.partition("?")[0].split("/")[1]
        getattr(self, f"_{name}", self._missing)()

    do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

    def do_POST(self) -> None:
        """Send the body back, as it was understood."""
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/grant"):
            self._grant()
            return
        if self.path.startswith("/quiet"):
            body = b"nothing said"
        self._send(body, {"Content-Type": "application/octet-stream"})

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _send(self, body: bytes, headers: dict[str, str], status: int = 200) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _missing(self) -> None:
        self._send(b"no such thing", {"Content-Type": "text/plain"}, 404)

    def _broken(self) -> None:
        self._send(b"out of order", {"Retry-After": "0"}, 503)

    def _csv(self) -> None:
        self._send(CSV, {"Content-Type": "text/csv", "ETag": '"c"', "Accept-Ranges": "none"})

    def _json(self) -> None:
        self._send(json.dumps({"a": [1, 2.5, None]}).encode(), {"Content-Type": "application/json"})

    def _count(self) -> None:
        self.counts[self.path] += 1
        self._send(str(self.counts[self.path]).encode(), {})

    def _flaky(self) -> None:
        self.counts[self.path] += 1
        self._broken() if self.counts[self.path] < 3 else self._csv()

    def _gzip(self) -> None:
        self._send(gzip.compress(CSV * 50), {"Content-Encoding": "gzip"})

    def _moved(self) -> None:
        self._send(b"", {"Location": "/json", "Set-Cookie": "crumb=PLANTED-cookie"}, 302)

    def _range(self) -> None:
        first, _, last = self.headers.get("Range", "bytes=0-").partition("=")[2].partition("-")
        piece = BODY[int(first) : int(last or len(BODY)) + 1]
        span = f"bytes {first}-{int(first) + len(piece) - 1}/{len(BODY)}"
        whole = "Range" not in self.headers
        headers = {"Accept-Ranges": "bytes"} if whole else {"Content-Range": span}
        self._send(piece, headers, 200 if whole else 206)

    def _chunked(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for size in (1, 1000, 70_000):
            self.wfile.write(b"%x\r\n%s\r\n" % (size, BODY[:size]))
        self.wfile.write(b"0\r\nX-Trailer: 1\r\n\r\n")

    def _unsized(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(BODY)

    def _dies(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY[:1000])
        self.wfile.flush()
        self.close_connection = True

    def _hangs(self) -> None:
        self.server.until.wait(20)  # type: ignore[attr-defined]  # our own server's
        self.close_connection = True

    def _mute(self) -> None:
        self.close_connection = True

    def _endless(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(OSError):
            while not self.server.until.is_set():  # type: ignore[attr-defined]  # our own server's
                self.wfile.write(BODY)

    def _grant(self) -> None:
        grant = {"access_token": "PLANTED-issued", "token_type": "bearer", "expires_in": 60}
        self._send(json.dumps(grant).encode(), {"Content-Type": "application/json"})

    def _empty(self) -> None:
        self.send_response(204)
        self.end_headers()


@contextlib.contextmanager
def serving(certificate: Path | None = None) -> Iterator[str]:
    """Serve on a port of this machine; yield the address without a closing slash.

    Args:
        certificate: A file with key and certificate, to be served over TLS.
    """
    handler = type("Counting", (Handler,), {"counts": Counter()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.until = threading.Event()  # type: ignore[attr-defined]  # for who waits in a handler
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    try:
        yield f"http{'s' if certificate else ''}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.until.set()  # type: ignore[attr-defined]  # the same
        server.shutdown()
        server.server_close()


def play(program: str, mode: str, folder: Path, url: str, **variables: str) -> str:
    """Run a program with a tape; return what it printed.

    It has no network when it is replayed, unless ``MLOPS_TAPE_OPEN`` is set for it.

    Args:
        program: Its text; ``url`` is the server's address.
        mode: ``record`` or ``rerun``.
        folder: The tape's.
        url: The server's address.
        **variables: For its environment.
    """
    start = f"from py_mlops.guest.patches import install\ninstall({mode!r})\nurl = {url!r}\n"
    environment = {**os.environ, "MLOPS_TAPE": str(folder), **variables}
    python = environment.pop("CLIENT_PYTHON", sys.executable)
    alone = _without_network() if mode == "rerun" and "MLOPS_TAPE_OPEN" not in variables else []
    ran = subprocess.run(
        [*alone, python, "-W", "error::ResourceWarning", "-c", start + program],
        env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert not ran.returncode, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def certificate(folder: Path) -> Path:
    """Make a key and a certificate for this machine's loopback address, in one file."""
    path = folder / "server.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(path), "-out", str(folder / "cert.pem")],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + (folder / "cert.pem").read_text())
    return path


def play_twice(program: str, folder: Path, tls: Path | None = None, **variables: str) -> str:
    """Record a program, stop the server, replay it, and expect the same; return what it printed."""
    with serving(tls) as url:
        recorded = play(program, "record", folder, url, **variables)
    replayed = play(program, "rerun", folder, url, **variables)
    assert replayed == recorded
    return recorded


def index(folder: Path) -> list[dict[str, object]]:
    """Return the lines of a tape's index."""
    return [json.loads(line) for line in (folder / "index.jsonl").read_text().splitlines()]


@functools.cache
def _without_network() -> list[str]:
    """Return the command that closes the network; none where the system allows none.

    The server has stopped by then, so that a replay proves itself either way.
    """
    for command in (["unshare", "--net"], ["unshare", "--map-root-user", "--net"]):
        if not subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
            return command
    return []
