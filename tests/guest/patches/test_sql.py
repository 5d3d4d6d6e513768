from __future__ import annotations

from pathlib import Path

import pytest

from tests.guest.patches.world import World, sales
from tests.postgresql import PostgreSQL, server

__all__ = ["server"]

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


@pytest.fixture
def world(server: PostgreSQL, tmp_path: Path) -> World:
    """Return a server with a table of sales of many types, and a place for a tape."""
    return sales(server, tmp_path)


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_sqlalchemy_without_its_server(world: World, driver: str) -> None:
    """What pandas, Core, the ORM and reflection read comes back with the server stopped."""
    world.gone(SYNC, driver)
    assert not [line for line in world.index() if line["problem"]]


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg_async"])
def test_asyncio_without_its_server(world: World, driver: str) -> None:
    """Engines of asyncio give the same rows, streams and errors with the server stopped."""
    world.gone(ASYNC, driver)


def test_the_password_is_nowhere(world: World) -> None:
    """The tape knows where an answer came from, but neither user nor password."""
    world.run(SYNC, "record")
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
