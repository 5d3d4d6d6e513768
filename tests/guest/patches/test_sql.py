from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from py_mlops.notebook.ship import guest_zip
from py_mlops.notebook.tracer import trace_environment, tracer_library
from tests.mariadb import MariaDB
from tests.postgresql import PostgreSQL, server

__all__ = ["server"]

START = """
import sys
sys.path.insert(0, {zip!r})
from mlops_guest.patches import install, tape
if {mode!r} != "none":
    install({mode!r})
URL, CONNINFO = {url!r}, {conninfo!r}
out = {{}}
{source}
import pickle
pickle.dump(out, open({target!r}, "wb"))
"""
FILL = """
DROP TABLE IF EXISTS sale;
CREATE TABLE sale (id serial PRIMARY KEY, name text, price numeric(10,2), at timestamptz, d date,
  tags text[], doc jsonb, ok bool, f float8, raw bytea, u uuid, span int4range, ip inet,
  iv interval, t time);
INSERT INTO sale (name, price, at, d, tags, doc, ok, f, raw, u, span, ip, iv, t)
SELECT 'n' || i, i * 1.5, '2024-01-01 10:00+02'::timestamptz + i * interval '1 hour',
  '2024-01-01'::date + i, ARRAY['a', NULL], '{"a": [1, null]}', i % 2 = 0,
  CASE i WHEN 3 THEN 'NaN' WHEN 4 THEN NULL ELSE i / 3.0 END, decode('00ff', 'hex'),
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '[1,5)', '10.0.0.1', '1 day 02:00', '10:11:12.5'
FROM generate_series(1, 2500) i;
DROP TABLE IF EXISTS note;
"""
SYNC = """
import datetime, sqlalchemy as sa, pandas as pd
from sqlalchemy import orm
engine = sa.create_engine(URL, pool_pre_ping=True)
out["text"] = pd.read_sql("SELECT * FROM sale ORDER BY id", engine).drop(columns="raw")
out["table"] = pd.read_sql_table("sale", engine).drop(columns="raw")
out["query"] = pd.read_sql_query(sa.text("SELECT id, f FROM sale WHERE id < :n"), engine,
    params={"n": 10})
out["chunks"] = pd.concat(pd.read_sql("SELECT id, f FROM sale", engine, chunksize=700))
sale = sa.Table("sale", sa.MetaData(), autoload_with=engine)
def rows(result):
    return [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in result]
with engine.connect() as c:
    out["core"] = rows(c.execute(sa.select(sale).where(sale.c.id < 20)))
    streaming = c.execution_options(stream_results=True, yield_per=100)
    out["stream"] = rows(streaming.execute(sa.select(sale.c.id)))
with engine.connect() as c:
    result = c.execution_options(stream_results=True).execute(sa.text("SELECT id FROM sale"))
    out["part"] = rows(result.fetchmany(10))
    result.close()
    streaming = c.execution_options(stream_results=True)
    out["dropped"] = rows(streaming.execute(sa.text("SELECT name FROM sale")).fetchmany(10))
with engine.connect() as c:
    try:
        c.execute(sa.text("SELECT * FROM nowhere"))
    except sa.exc.ProgrammingError as error:
        code = getattr(error.orig, "sqlstate", None) or error.orig.pgcode
        out["error"] = (str(error.orig), type(error.orig).__name__, code)
note = sa.Table("note", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("text", sa.String), sa.Column("at", sa.DateTime))
with engine.begin() as c:
    note.drop(c, checkfirst=True)
    note.create(c)
    out["key"] = tuple(c.execute(note.insert().values(text="a")).inserted_primary_key)
    returning = note.insert().returning(note.c.id, note.c.text)
    out["returning"] = rows(c.execute(returning, [{"text": str(i)} for i in range(5)]))
    out["updated"] = c.execute(note.update().values(text="z")).rowcount
    c.execute(note.insert(), [{"text": "m", "at": datetime.datetime(2020, 1, 1)}] * 3)
    with c.begin_nested():
        c.execute(note.delete().where(note.c.id == 1))
class Base(orm.DeclarativeBase): pass
class Note(Base): __table__ = note.to_metadata(Base.metadata)
with orm.Session(engine) as session:
    session.add_all([Note(text="o1"), Note(text="o2")])
    session.flush()
    notes = session.scalars(sa.select(Note).order_by(Note.id))
    out["orm"] = [(one.id, one.text, one.at) for one in notes]
    session.commit()
with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
    out["level"] = (c.get_isolation_level(), c.execute(sa.text("SELECT 1")).scalar())
raw = engine.raw_connection()
cursor = raw.cursor()
cursor.execute("SELECT id, name FROM sale WHERE id < %s", (5,))
out["raw"] = rows(cursor.fetchall())
raw.close()
out["inspect"] = sorted(sa.inspect(engine).get_table_names())
out["version"] = engine.dialect.server_version_info
"""
ASYNC = """
import asyncio, sqlalchemy as sa, pandas as pd
from sqlalchemy.ext.asyncio import create_async_engine
async def main():
    engine = create_async_engine(URL)
    async with engine.connect() as c:
        result = await c.execute(sa.text("SELECT id, u, span FROM sale WHERE id < :n"), {"n": 5})
        out["rows"] = [(a, b, type(b).__module__, repr(s)) for a, b, s in result]
        stream = await c.stream(sa.text("SELECT id FROM sale"))
        out["stream"] = [tuple(row) async for row in stream]
        try:
            await c.execute(sa.text("SELECT * FROM nowhere"))
        except sa.exc.ProgrammingError as error:
            out["error"] = (str(error.orig), type(error.orig).__name__)
        await c.rollback()
        out["table"] = await c.run_sync(
            lambda c: pd.read_sql_table("sale", c, columns=["id", "f", "at", "price"]))
    await engine.dispose()
asyncio.run(main())
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
import psycopg2, psycopg2.extras
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
HOLES = """
import psycopg
with psycopg.connect(CONNINFO) as c:
    with c.cursor("named") as cursor:
        cursor.execute("SELECT id FROM sale")
        out["server"] = len(cursor.fetchall())
    with c.cursor().copy("COPY sale (id) TO STDOUT") as copy:
        out["copied"] = sum(1 for _ in copy.rows())
    out["large"] = len(c.execute("SELECT repeat('x', 1000) FROM sale").fetchall())
    out["several"] = c.execute("SELECT 1; SELECT 2").fetchall()
"""


class World:
    """Runs a program beside a server and, with the same tape, in a world without it."""

    def __init__(self, server: PostgreSQL | MariaDB, folder: Path) -> None:
        """Ship the guest into a folder."""
        self.server, self.folder, self.tape = server, folder, folder / "tape"
        self._zip = str(guest_zip(folder / "cache"))

    def run(
        self,
        source: str,
        mode: str,
        driver: str = "psycopg",
        limit: str = "",
        extra: dict[str, str] | None = None,
    ) -> Any:
        """Run a program, which fills ``out``; return that."""
        target = self.folder / f"{mode}.pickle"
        program = START.format(
            zip=self._zip,
            mode=mode,
            source=source,
            target=str(target),
            url=self.server.url.replace("postgresql:", f"postgresql+{driver}:"),
            conninfo=self.server.conninfo,
        )
        alone = ["unshare", "-rn"] if mode == "rerun" else []
        own = {"MLOPS_TAPE": str(self.tape), "MLOPS_TAPE_LIMIT": limit}
        environment = {**os.environ, **own, **(extra or {})}
        done = subprocess.run(
            [*alone, sys.executable, "-c", program],
            check=False,
            capture_output=True,
            text=True,
            env=environment,
            cwd=self.folder,
        )
        assert done.returncode == 0, done.stderr
        return pickle.loads(target.read_bytes())

    def index(self) -> list[dict[str, Any]]:
        """Return the lines of the tape's index."""
        return [json.loads(line) for line in (self.tape / "index.jsonl").read_text().splitlines()]

    def gone(self, source: str, driver: str = "psycopg") -> None:
        """Record with the server, replay without, and compare values, types and dtypes."""
        recorded = self.run(source, "record", driver)
        self.server.stop()
        try:
            replayed = self.run(source, "rerun", driver)
        finally:
            self.server.start()
        assert recorded.keys() == replayed.keys()
        for name, value in recorded.items():
            if isinstance(value, pd.DataFrame):
                pd.testing.assert_frame_equal(replayed[name], value, check_exact=True)
            else:
                assert repr(replayed[name]) == repr(value), name


@pytest.fixture
def world(server: PostgreSQL, tmp_path: Path) -> World:
    """Return a server with a table of sales of many types, and a place for a tape."""
    server.execute(FILL)
    return World(server, tmp_path)


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_sqlalchemy_without_its_server(world: World, driver: str) -> None:
    """What pandas, Core, the ORM and reflection read comes back with the server stopped."""
    world.gone(SYNC, driver)
    assert not [line for line in world.index() if line["problem"]]


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg_async"])
def test_asyncio_without_its_server(world: World, driver: str) -> None:
    """Engines of asyncio give the same rows, streams and errors with the server stopped."""
    world.gone(ASYNC, driver)


@pytest.mark.parametrize("source", [PSYCOPG, PSYCOPG2], ids=["psycopg", "psycopg2"])
def test_plain_drivers_without_their_server(world: World, source: str) -> None:
    """Drivers without SQLAlchemy give the same rows, kinds of rows and errors."""
    world.gone(source)


def test_the_password_is_nowhere(world: World) -> None:
    """The tape knows where an answer came from, but neither user nor password."""
    world.run(SYNC, "record")
    world.run(PSYCOPG, "record")
    texts = b"".join(path.read_bytes() for path in world.tape.iterdir())
    assert b"correct horse" not in texts
    assert {line["source"] for line in world.index()} == {
        f"postgresql://127.0.0.1:{world.server.port}/shop"
    }


def test_sqlalchemy_records_once(world: World) -> None:
    """A query through SQLAlchemy is one answer, though its driver is watched too."""
    source = (
        "import sqlalchemy as sa\n"
        "with sa.create_engine(URL).connect() as c:\n"
        "    out['n'] = c.execute(sa.text('SELECT count(*) FROM sale')).scalar()\n"
    )
    assert world.run(source, "record") == {"n": 2500}
    assert [line["request"] for line in world.index()] == [
        "(connect)",
        "SELECT count(*) FROM sale",
    ]


def test_sqlite_is_a_file(world: World) -> None:
    """A database that is a file is captured as a file, and read really in a rerun too."""
    source = (
        "import sqlalchemy as sa\n"
        "with sa.create_engine('sqlite:///own.db').connect() as c:\n"
        "    out['n'] = c.execute(sa.text('SELECT 41 + 1')).scalar()\n"
    )
    assert world.run(source, "record") == world.run(source, "rerun") == {"n": 42}
    assert not (world.tape / "index.jsonl").exists()


def test_what_cannot_be_kept_is_a_problem(world: World) -> None:
    """A large result and what is not recorded reach the user whole, and the index says why."""
    out = world.run(HOLES, "record", limit="100000")
    assert out == {"server": 2500, "copied": 2500, "large": 2500, "several": [(1,)]}
    problems = [line["problem"] for line in world.index()]
    assert problems == [
        "A server-side cursor outside of SQLAlchemy is not recorded.",
        "What Cursor.copy reads is not recorded.",
        "The answer is larger than 100,000 bytes.",
        "It is several statements in one text.",
    ]


def test_further_results_are_a_problem(world: World) -> None:
    """Who reads a statement's second result gets it, and the index says that it is not kept."""
    source = (
        "import sqlalchemy as sa\n"
        "with sa.create_engine(URL).connect() as c:\n"
        "    for sql in ('SELECT 1; SELECT 2', 'SELECT 3'):\n"
        "        cursor = c.exec_driver_sql(sql).cursor\n"
        "        out[sql] = [cursor.fetchall(), cursor.nextset() and cursor.fetchall()]\n"
    )
    out = world.run(source, "record")
    assert out == {"SELECT 1; SELECT 2": [[(1,)], [(2,)]], "SELECT 3": [[(3,)], None]}
    problems = {line["request"]: line["problem"] for line in world.index()}
    assert problems == {
        "(connect)": "",
        "SELECT 1; SELECT 2": "It has several results, and more than the first was read.",
        "SELECT 3": "",
    }


def test_a_large_result_goes_on_untouched(world: World) -> None:
    """Through SQLAlchemy too, rows before and after the limit come once and in order."""
    source = (
        "import sqlalchemy as sa\n"
        "with sa.create_engine(URL).connect() as c:\n"
        "    r = c.execute(sa.text(\"SELECT id, repeat('x', 100) FROM sale ORDER BY id\"))\n"
        "    out['first'] = r.fetchone()[0]\n"
        "    out['rest'] = [row[0] for row in r.fetchmany(500)] + [row[0] for row in r]\n"
    )
    out = world.run(source, "record", limit="150000")
    assert [out["first"], *out["rest"]] == list(range(1, 2501))
    assert world.index()[-1]["problem"] == "The answer is larger than 150,000 bytes."


def test_a_result_of_very_large_rows_takes_little_memory(world: World) -> None:
    """Rows of 2 MB each, twice as many as the limit holds, cost a driver's user no second copy."""
    source = """
import resource, psycopg
SQL = "SELECT repeat(md5(i::text), 60000) FROM generate_series(1, 140) i"
with psycopg.connect(CONNINFO) as c:
    cursor = c.cursor()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cursor.execute(SQL)
    out["characters"] = sum(len(row[0]) for row in cursor)
    out["MiB"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10
"""
    plain, watched = (world.run(source, mode, limit=str(140 << 20)) for mode in ("none", "record"))
    assert watched["characters"] == plain["characters"] == 140 * 60000 * 32
    assert watched["MiB"] < plain["MiB"] + 100
    assert world.index()[-1]["problem"].startswith("The answer is larger than ")


def test_an_unrecorded_query_is_named(world: World) -> None:
    """A rerun that asks something new fails with the query and where it went."""
    source = (
        "import sqlalchemy as sa\n"
        "with sa.create_engine(URL).connect() as c:\n"
        "    try:\n"
        "        c.execute(sa.text('SELECT {}'))\n"
        "    except OSError as error:\n"
        "        out['error'] = str(error)\n"
    )
    assert world.run(source.format(1), "record") == {}
    error = world.run(source.format(2), "rerun")["error"]
    assert "not asked when the notebook was recorded: SELECT 2" in error
    assert f"127.0.0.1:{world.server.port}/shop" in error


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


def test_native_code_beside_a_driver(world: World) -> None:
    """A recorded driver's own connections are told from those of native code to its server."""
    library = tracer_library()
    assert library is not None
    log = world.folder / "log"
    log.touch()
    out = world.run(CONNECTING, "record", extra=trace_environment(library, log, sys.executable))
    at = {"host": "127.0.0.1", "port": world.server.port}
    assert out["driver"] == [{"cell": 1, **at, "by": "driver"}]
    assert (out["native"], out["kind"]) == (0, "Own")
    assert out["all"] == [{"cell": 1, **at, "by": "driver"}, {"cell": 2, **at, "by": "native"}]
