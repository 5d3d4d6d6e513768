"""Records what a notebook got from outside through Python's clients, and plays it back."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

from ..observe import observer
from . import (
    http_aio,
    http_client,
    http_x,
    sql_alchemy,
    sql_mysqldb,
    sql_psycopg,
    sql_psycopg2,
    sql_pymysql,
    tape,
)
from .when_imported import when_imported

CLIENTS = (
    *(sql_alchemy, sql_psycopg, sql_psycopg2, sql_pymysql, sql_mysqldb),
    *(http_client, http_x, http_aio),
)
"""Each has ``PATCHES``: the modules to patch, and for each the function that does it."""


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
    for client in CLIENTS:
        for name, patch in client.PATCHES.items():
            when_imported(name, patch)
