from __future__ import annotations

from pathlib import Path

import pytest

from tests.guest.patches.world import World, sales
from tests.postgresql import PostgreSQL, server

__all__ = ["server"]

PSYCOPG = """
import asyncio, psycopg
from psycopg.rows import dict_row, namedtuple_row
SQL = "SELECT id, name, price, at, f, tags, doc FROM sale WHERE id < %s AND id <> 3 ORDER BY id"
with psycopg.connect(CONNINFO) as c:
    cursor = c.execute(SQL, (1500,))
    out["names"] = [column.name for column in cursor.description]
    out["rows"] = [cursor.fetchone(), *cursor.fetchmany(3), *cursor]
    out["count"] = cursor.rowcount
    out["dict"] = c.cursor(row_factory=dict_row).execute(SQL, (5,)).fetchall()
    named = c.cursor(row_factory=namedtuple_row).execute(SQL, [5]).fetchone()
    out["named"] = (named.id, named.name)
    try:
        c.execute("SELECT 1/0")
    except psycopg.errors.DivisionByZero as error:
        out["error"] = (str(error), error.sqlstate)
        c.rollback()
    with c.cursor() as writing:
        writing.execute("CREATE TEMP TABLE w (a int)")
        writing.executemany("INSERT INTO w VALUES (%s)", ((i,) for i in range(3)))
        out["written"] = writing.rowcount
async def main():
    async with await psycopg.AsyncConnection.connect(CONNINFO, row_factory=dict_row) as c:
        async with c.cursor() as cursor:
            await cursor.execute(SQL, (4,))
            out["async"] = [row async for row in cursor]
asyncio.run(main())
"""
PSYCOPG2 = """
from mlops_guest.observe import observer
with observer().paused():  # work of ours may be the first to import it
    import psycopg2
import psycopg2.extras
SQL = "SELECT id, name, price, at, f, tags, doc FROM sale WHERE id < %s AND id <> 3 ORDER BY id"
connection = psycopg2.connect(CONNINFO)
with connection, connection.cursor() as cursor:
    cursor.execute(SQL, (1500,))
    out["names"] = [column.name for column in cursor.description]
    out["rows"] = [cursor.fetchone(), *cursor.fetchmany(3), *cursor]
    out["count"] = cursor.rowcount
with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
    cursor.execute(SQL, (5,))
    out["real"] = [(type(row).__name__, dict(row)) for row in cursor]
with connection.cursor(cursor_factory=psycopg2.extras.DictCursor) as cursor:
    cursor.execute(SQL, (5,))
    out["dict"] = [(row["name"], row[0], type(row).__name__) for row in cursor.fetchall()]
with connection.cursor(cursor_factory=psycopg2.extras.NamedTupleCursor) as cursor:
    cursor.execute(SQL, (5,))
    out["named"] = [(row.id, tuple(row)) for row in cursor]
try:
    connection.cursor().execute("SELECT 1/0")
except psycopg2.errors.DivisionByZero as error:
    out["error"] = (str(error), error.pgcode)
"""
CONNECTING = """
import asyncio, ctypes, socket, struct, psycopg, psycopg2, sqlalchemy as sa
from mlops_guest.observe import observer
observer().start()
observer().cell = 1
for options in ({}, {"creator": lambda: psycopg.connect(CONNINFO)}):
    with sa.create_engine(URL, **options).connect() as c:
        c.execute(sa.text("SELECT 1"))
psycopg.connect(CONNINFO).close()
class Own(psycopg.Connection): pass
out["kind"] = type(Own.connect(CONNINFO)).__name__
psycopg2.connect(CONNINFO).close()
async def main():
    await (await psycopg.AsyncConnection.connect(CONNINFO)).close()
asyncio.run(main())
out["driver"] = observer().connections()
observer().cell = 2
port = sa.engine.make_url(URL).port
address = struct.pack("=HH4s8x", socket.AF_INET, socket.htons(port), bytes([127, 0, 0, 1]))
plain = socket.socket()
out["native"] = ctypes.CDLL(None).connect(plain.fileno(), address, len(address))
out["all"] = observer().connections()
"""


@pytest.fixture
def world(server: PostgreSQL, tmp_path: Path) -> World:
    """Return a server with a table of sales of many types, and a place for a tape."""
    return sales(server, tmp_path)


@pytest.mark.parametrize("source", [PSYCOPG, PSYCOPG2], ids=["psycopg", "psycopg2"])
def test_plain_drivers_without_their_server(world: World, source: str) -> None:
    """Drivers without SQLAlchemy give the same rows, kinds of rows and errors."""
    world.gone(source)


@pytest.mark.parametrize("source", [PSYCOPG, PSYCOPG2], ids=["psycopg", "psycopg2"])
def test_the_password_of_a_plain_driver_is_nowhere(world: World, source: str) -> None:
    """The tape knows where an answer came from, but neither user nor password."""
    world.run(source, "record")
    texts = b"".join(path.read_bytes() for path in world.tape.iterdir())
    assert b"correct horse" not in texts
    assert {line["source"] for line in world.index()} == {
        f"postgresql://127.0.0.1:{world.server.port}/shop"
    }


def test_native_code_beside_a_driver(world: World) -> None:
    """A recorded driver's own connections are told from those of native code to its server."""
    out = world.run(CONNECTING, "record", extra=world.traced())
    at = {"host": "127.0.0.1", "port": world.server.port}
    assert out["driver"] == [{"cell": 1, **at, "by": "driver"}]
    assert (out["native"], out["kind"]) == (0, "Own")
    assert out["all"] == [{"cell": 1, **at, "by": "driver"}, {"cell": 2, **at, "by": "native"}]
