"""Records what a notebook got from outside through Python's clients, and plays it back."""

from __future__ import annotations

import atexit
import functools
import importlib
import os
import shutil
import tempfile

from ..observe import observer
from . import tape
from .sql_dbapi_place import DRIVERS
from .when_imported import when_imported

CLIENTS = {
    "sql_alchemy": ("sqlalchemy.engine.default", "sqlalchemy.pool.base"),
    "sql_psycopg": ("psycopg",),
    "sql_psycopg2": ("psycopg2", "psycopg2.extras", "psycopg2.sql"),
    "sql_pymysql": ("pymysql.connections", "pymysql.cursors"),
    "sql_mysqldb": ("MySQLdb.connections", "MySQLdb.cursors"),
    "sql_dbapi": tuple(DRIVERS),
    "sql_connectorx": ("connectorx",),
    "http_client": ("http.client", "urllib3.util.retry"),
    "http_x": ("httpx",),
    "http_aio": (
        *("aiohttp.connector", "aiohttp.client_proto", "aiohttp.client_reqrep"),
        "aiohttp.streams",
    ),
    "keyboard": ("ipykernel.kernelbase",),
}
"""What each of our modules patches, see its ``PATCHES``; it is loaded with the first of them,
because a kernel that asks nobody is not to wait for it."""


def record_here() -> None:
    """Record into a folder of our own, where nobody who started this process gave us one.

    The folder goes when the process ends.
    """
    if tape.opened() is None and not os.environ.get(tape.FOLDER):
        folder = tempfile.mkdtemp(prefix="mlops-tape-")
        os.environ[tape.FOLDER] = folder
        observer().exclude(folder)
        atexit.register(_remove, folder, os.getpid())
    install("record")


def _remove(folder: str, process: int) -> None:
    if os.getpid() == process:  # a forked child ends, too
        shutil.rmtree(folder, ignore_errors=True)


def install(mode: str) -> None:
    """Patch the clients that are imported, and the others right after their import.

    Nothing happens where no folder for a tape is known, or the second time.

    Args:
        mode: ``record``, or ``rerun`` to play back.
    """
    if not tape.start("replay" if mode == "rerun" else mode):
        return
    for client, names in CLIENTS.items():
        for name in names:
            when_imported(name, functools.partial(_patch, client, name))


def _patch(client: str, name: str, module: object) -> None:
    with observer().paused():
        patches = importlib.import_module(f"{__name__}.{client}").PATCHES
    patches[name](module)
