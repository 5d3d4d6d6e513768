"""Real bucket services on loopback: moto's server, and rclone's, which knows no conditions."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

KEY_ID = "AKIDEXAMPLE0000000AA"
SECRET = "wJalrXUtnFEMIexampleK7MDENGbPxRfiCYEXAMPLEKEY"  # noqa: S105 - opens nothing
BUCKET = "team"
_numbers = itertools.count()


@dataclass(frozen=True)
class Service:
    """A bucket service that runs.

    Attributes:
        port: Its port on loopback.
        conditions: Whether it knows conditional writes.
    """

    port: int
    conditions: bool

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a person sets to use it."""
        return environment(self.endpoint)

    def address(self) -> str:
        """Return the address of a prefix nobody has used."""
        return f"s3://{BUCKET}/{os.getpid()}/{next(_numbers)}"


def environment(endpoint: str) -> dict[str, str]:
    """Return what a person sets to use a bucket service."""
    return {
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "us-east-1",
    }


def free_port() -> int:
    """Return a port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def moto() -> Iterator[Service]:
    """Run moto's server, which keeps conditions, with an empty bucket."""
    service = Service(free_port(), conditions=True)
    server = Path(sys.executable).with_name("moto_server")
    words = [str(server), "-H", "127.0.0.1", "-p", str(service.port)]
    with _running(words, service.port):
        ask = urllib.request.Request(f"{service.endpoint}/{BUCKET}", method="PUT")  # noqa: S310 - loopback
        urllib.request.urlopen(ask).close()  # noqa: S310 - the same
        yield service


@contextmanager
def rclone() -> Iterator[Service]:
    """Run rclone's ``serve s3``, which takes conditional writes and ignores the condition."""
    service = Service(free_port(), conditions=False)
    program = shutil.which("rclone", path=str(Path(sys.executable).parent)) or "rclone"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / BUCKET).mkdir()
        words = ["serve", "s3", "--addr", f"127.0.0.1:{service.port}"]
        words += ["--auth-key", f"{KEY_ID},{SECRET}", "--config", os.devnull, folder]
        with _running([program, *words], service.port):
            yield service


@contextmanager
def _running(words: list[str], port: int) -> Iterator[None]:
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + 60
            while not _answers(port):
                assert server.poll() is None, f"{words[0]} ended"
                assert time.monotonic() < deadline, f"{words[0]} does not answer"
                time.sleep(0.05)
            yield
        finally:
            server.terminate()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
