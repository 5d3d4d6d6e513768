from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from tests.guest.patches.world import World, sales
from tests.postgresql import PostgreSQL, server

__all__ = ["server"]

MANY = """
class Kept(tuple):
    alive = most = 0
    def __new__(cls, *values):
        Kept.alive += 1
        Kept.most = max(Kept.most, Kept.alive)
        return super().__new__(cls, values)
    def __del__(self):
        Kept.alive -= 1
def made(cursor, bad=None):
    for i in range(500):
        cursor.execute("SELECT %s::int", (i,))  # a question of its own, while the driver asks
        out["nested"] = out.get("nested", 0) + cursor.fetchone()[0]
        yield Kept("none" if i == bad else i)
    out["ended"] = out.get("ended", 0) + 1
def broken():
    yield (1,)
    raise ValueError("of the program's own")
connection, other = connect(CONNINFO), connect(CONNINFO)
INSERT = "INSERT INTO w VALUES (%s)"
with connection.cursor() as cursor, other.cursor() as asking:
    cursor.execute("CREATE TEMP TABLE w (a int)")
    connection.commit()
    cursor.executemany(INSERT, made(asking))
    out["written"], out["held"] = cursor.rowcount > 0, Kept.most < 50
    connection.commit()
    for name, given in (("database", made(asking, 400)), ("own", broken()), ("type", 3)):
        try:
            cursor.executemany(INSERT, given)
        except Exception as error:
            out[name] = (type(error).__name__, str(error))
            connection.rollback()
    cursor.executemany(INSERT, [(i,) for i in range(3)])
    cursor.executemany(INSERT, made(asking))
    cursor.execute("SELECT count(*) FROM w")
    out["count"] = cursor.fetchone()
"""
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
with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
    cursor.execute("CREATE TEMP TABLE w (id serial, a int, t text)")
    insert = "INSERT INTO w (a, t) VALUES %s RETURNING id, t"
    sets = [(i, "\\\\'%") for i in range(250)]
    out["values"] = psycopg2.extras.execute_values(cursor, insert, iter(sets), fetch=True)
    psycopg2.extras.execute_values(cursor, insert, sets)
    out["left"] = cursor.fetchall()
    json = [(i, psycopg2.extras.Json({"a": i})) for i in range(3)]
    psycopg2.extras.execute_batch(cursor, "INSERT INTO w (a, t) VALUES (%s, %s)", json)
    for one in (1, 2):
        cursor.execute("SELECT %s::jsonb", (psycopg2.extras.Json({"a": one}),))
        out[f"json {one}"] = cursor.fetchall()
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


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_many_sets_are_made_as_the_driver_asks_for_them(world: World, driver: str) -> None:
    """A generator of sets is read once, lazily, and not held; where the driver stops, it stops."""
    world.gone(f"from {driver} import connect\n{MANY}")
    with (world.folder / "record.pickle").open("rb") as stream:
        out = pickle.load(stream)
    assert (out["held"], out["count"]) == (True, (1003,))


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


ONCE = """
import psycopg, psycopg2
class Once:
    def __init__(self, rows):
        self.rows = iter(rows)
    def __iter__(self):
        return self.rows
for module in (psycopg, psycopg2):
    name, c = module.__name__, module.connect(CONNINFO)
    cursor = c.cursor()
    cursor.execute("CREATE TEMP TABLE w (a int)")
    cursor.executemany("INSERT INTO w VALUES (%s)", Once([(1,), (2,)]))
    many = {"params_seq": [(3,)]} if module is psycopg else {"vars_list": [(3,)]}
    cursor.executemany("INSERT INTO w VALUES (%s)", **many)
    one = {"params": (2,)} if module is psycopg else {"vars": (2,)}
    cursor.execute(query="SELECT * FROM w WHERE a >= %s ORDER BY a", **one)
    out[name] = cursor.fetchall()
"""


def test_what_can_be_read_once_and_words(world: World) -> None:
    """Parameters that give one iterator only are written all, and arguments may have names."""
    world.gone(ONCE)
    assert world.run(ONCE, "none") == {"psycopg": [(2,), (3,)], "psycopg2": [(2,), (3,)]}


UNQUOTED = """
import psycopg, psycopg2
for module in (psycopg, psycopg2):
    for text in ("postgresql://ada:zebra/stripe@127.0.0.1/shop", "password=zebra stripe"):
        try:
            module.connect(text)
        except module.Error:
            out[module.__name__] = out.get(module.__name__, 0) + 1
"""


def test_a_password_that_libpq_misreads_is_nowhere(world: World) -> None:
    """What stands in the place of a host or a port, or in libpq's own words, is not recorded."""
    assert world.run(UNQUOTED, "record") == {"psycopg": 2, "psycopg2": 2}
    kept = b"".join(path.read_bytes() for path in world.tape.iterdir())
    assert b"zebra" not in kept
    assert b"stripe" not in kept
    assert [line["problem"] for line in world.index()] == ["Its address could not be read."] * 4
