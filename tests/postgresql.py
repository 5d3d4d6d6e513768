"""A PostgreSQL server of a test session's own, on a free port, in a temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest

USER = "ada"
PASSWORD = "correct horse"  # noqa: S105 - of a server that lives for one test session
DATABASE = "shop"
_ROOM = "-c max_connections=300"


class PostgreSQL:
    """A server that can be stopped, for good or to start again."""

    def __init__(self, folder: Path, port: int, *, synced: bool = False) -> None:
        """Take an initialised data folder; say whether commits wait for the disk."""
        self.folder, self.port, self.synced = folder, port, synced

    @property
    def url(self) -> str:
        """SQLAlchemy's URL of it, without a driver."""
        password = PASSWORD.replace(" ", "%20")
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def conninfo(self) -> str:
        """The keywords that libpq connects with."""
        return (
            f"host=127.0.0.1 port={self.port} dbname={DATABASE} user={USER} password='{PASSWORD}'"
        )

    def address(self, schema: str | None = None, *, make: bool = True, **more: str) -> str:
        """Return its URL without a password, which is in a file that it names.

        Args:
            schema: What takes the place of a database of one's own.
            make: Make it when it is not there.
            more: Further words of the query.
        """
        secret = self.folder / "pgpass"
        if not secret.exists():
            secret.touch(0o600)
            secret.write_text(f"127.0.0.1:{self.port}:*:*:{PASSWORD}\n")
        if schema:
            if make:
                self.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            more["options"] = f"-csearch_path={schema}"
        query = urlencode({"passfile": str(secret), **more})
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{DATABASE}?{query}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        fsync = "on" if self.synced else "off"
        options = (
            f"-p {self.port} -h 127.0.0.1 -k {self.folder} -c fsync={fsync} -c max_connections=300"
        )
        _as_server("pg_ctl", "-D", self._data, "-w", "-o", options, "-l", self._log, "start")

    def stop(self) -> None:
        """Stop it at once; connections break."""
        _as_server("pg_ctl", "-D", self._data, "-w", "-m", "immediate", "stop")

    def kill(self) -> None:
        """Kill the server as a lost machine would; it recovers when it is started again."""
        pid = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        # Its processes notice one by one; until all are gone it cannot start.
        deadline = time.monotonic() + 30
        while _attached(self._data) and time.monotonic() < deadline:
            time.sleep(0.02)
        # Its number may live on for a moment in a process that nobody has waited for.
        for lock in (self.folder / "data" / "postmaster.pid", *self.folder.glob(".s.*")):
            lock.unlink(missing_ok=True)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it take connections and questions, and never answer."""
        stopped = _attached(self._data)
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    @contextmanager
    def standby(self) -> Iterator[PostgreSQL]:
        """Run a read-only copy of the server beside it."""
        copy = PostgreSQL(self.folder / "standby", _free_port())
        self.stop()
        try:
            shutil.copytree(self.folder / "data", copy.folder / "data")
            (copy.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
            (copy.folder / "data" / "standby.signal").touch()
            if os.getuid() == 0:
                for path in (copy.folder, *copy.folder.rglob("*")):
                    shutil.chown(path, "postgres")
        finally:
            self.start()
        copy.start()
        try:
            yield copy
        finally:
            copy.stop()
            shutil.rmtree(copy.folder)

    def execute(self, sql: str) -> None:
        """Execute statements as the owner of the database."""
        words = ["psql", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port)]
        subprocess.run(
            [*words, "-U", USER, "-d", DATABASE, "-c", sql],
            check=True,
            capture_output=True,
            env={**os.environ, "PGPASSWORD": PASSWORD},
        )

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    @property
    def _log(self) -> str:
        return str(self.folder / "log")


@contextmanager
def postgresql(*, synced: bool = False) -> Iterator[PostgreSQL]:
    """Run a server with an empty database; its folder is removed at the end.

    Args:
        synced: Whether its commits wait for the disk, as they do in earnest.
    """
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    secret = folder / "password"
    secret.write_text(PASSWORD)
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
        shutil.chown(secret, "postgres")
    server = PostgreSQL(folder, _free_port(), synced=synced)
    words = ["-U", USER, "--pwfile", str(secret), "-A", "scram-sha-256", "-E", "UTF8"]
    try:
        _as_server("initdb", "-D", str(folder / "data"), *words, "--no-sync", "--locale=C.UTF-8")
        server.start()
        create = [shutil.which("createdb") or "createdb", "-h", "127.0.0.1", "-p", str(server.port)]
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        subprocess.run([*create, "-U", USER, DATABASE], check=True, env=environment)
        yield server
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            server.stop()
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _attached(data: str) -> list[int]:
    """Return the processes of the server in a folder; their working folder is it."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and str((entry / "cwd").readlink()) == data:
                found.append(int(entry.name))
    return found


def _as_server(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs, which refuse to run as root."""
    found = shutil.which(program) or next(
        str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
    )
    identity = pwd.getpwnam("postgres") if os.getuid() == 0 else None
    done = subprocess.run(
        [found, *arguments],
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd="/",
        user=identity and identity.pw_uid,
        group=identity and identity.pw_gid,
        extra_groups=[] if identity else None,
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture(scope="session")
def server() -> Iterator[PostgreSQL]:
    """Return a running server; who stops it starts it again."""
    with postgresql() as running:
        yield running
