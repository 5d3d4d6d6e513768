"""A MariaDB server of a test session's own, on a free port, in a temporary folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql  # type: ignore[import-untyped] # it has no types
import pytest

USER = "ada"
PASSWORD = "correct horse"  # noqa: S105 - of a server that lives for one test session
DATABASE = "shop"


class MariaDB:
    """A server that can be stopped, for good or to start again."""

    def __init__(self, folder: Path, port: int) -> None:
        """Take an initialised data folder."""
        self.folder, self.port = folder, port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """SQLAlchemy's URL of it."""
        password = PASSWORD.replace(" ", "%20")
        return f"mysql+pymysql://{USER}:{password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def conninfo(self) -> dict[str, object]:
        """What PyMySQL connects with."""
        at = {"host": "127.0.0.1", "port": self.port}
        return {**at, "user": USER, "password": PASSWORD, "database": DATABASE}

    def start(self) -> None:
        """Start it and wait until it answers."""
        words = [_program("mariadbd"), "--no-defaults", f"--datadir={self.folder}/data"]
        words += [f"--port={self.port}", "--bind-address=127.0.0.1", *_identity()]
        words += [f"--socket={self.folder}/socket", f"--pid-file={self.folder}/pid"]
        words += [
            f"--log-error={self.folder}/log",
            "--open-files-limit=1000",
            "--innodb-flush-log-at-trx-commit=0",
        ]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        with socket.socket(socket.AF_UNIX) as probe:
            while probe.connect_ex(str(self.folder / "socket")):
                assert self._process.poll() is None, (self.folder / "log").read_text()
                time.sleep(0.05)

    def stop(self) -> None:
        """Stop it at once; connections break."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def prepare(self) -> None:
        """Make the database and its user."""
        with self._administrator() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {DATABASE}")
            cursor.execute(f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED BY %s", (PASSWORD,))
            cursor.execute(f"GRANT ALL ON {DATABASE}.* TO {USER}@'127.0.0.1'")

    def _administrator(self) -> Any:
        return pymysql.connect(unix_socket=str(self.folder / "socket"), user="root")


@contextmanager
def mariadb() -> Iterator[MariaDB]:
    """Run a server with an empty database; its folder is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="my", dir="/tmp"))
    if os.getuid() == 0:
        shutil.chown(folder, "mysql")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        server = MariaDB(folder, probe.getsockname()[1])
    words = [_program("mariadb-install-db"), "--no-defaults", f"--datadir={folder}/data"]
    words += ["--auth-root-authentication-method=normal", "--skip-test-db", *_identity()]
    try:
        subprocess.run(words, check=True, capture_output=True)
        server.start()
        server.prepare()
        yield server
    finally:
        if server._process is not None:
            server.stop()
        shutil.rmtree(folder)


def _program(name: str) -> str:
    found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
    assert found, f"{name} is not installed: make system"
    return found


def _identity() -> list[str]:
    return ["--user=mysql"] if os.getuid() == 0 else []


@pytest.fixture(scope="session")
def mysql() -> Iterator[MariaDB]:
    """Return a running server; who stops it starts it again."""
    with mariadb() as running:
        yield running
