from __future__ import annotations

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.guest.patches.world import World, sales
from tests.postgresql import PostgreSQL, server

__all__ = ["server"]

HEAD = """
def tried(name, run):
    try:
        out[name] = repr(run())
    except Exception as error:
        out[name] = (type(error).__name__, str(error)[:200])
"""
PSYCOPG = """
import asyncio, psycopg
from psycopg import sql
import pandas as pd
c = psycopg.connect(CONNINFO)
parts = sql.Identifier("name"), sql.Identifier("public", "sale"), sql.Literal(4)
Q = sql.SQL("SELECT id, {} FROM {} WHERE id < {}").format(*parts)
tried("composed", lambda: c.execute(Q).fetchall())
tried("string", lambda: Q.as_string(c))
tried("cursor", lambda: Q.as_string(c.cursor()))
tried("bytes", lambda: sql.Identifier('a"b').as_bytes(c))
tried("text", lambda: c.execute(Q.as_string(c)).fetchall())
tried("isinstance", lambda: isinstance(c, psycopg.Connection))
tried("dbname", lambda: c.info.dbname)
tried("version", lambda: c.info.server_version)
tried("encoding", lambda: c.info.encoding)
tried("closed", lambda: (c.closed, c.broken))
tried("type", lambda: psycopg.types.TypeInfo.fetch(c, "int4range").oid)
tried("register", lambda: psycopg.types.TypeInfo.fetch(c, "int4range").register(c))
tried("adapters", lambda: c.adapters.types["text"].oid)
tried("pandas", lambda: pd.read_sql("SELECT id, name FROM sale WHERE id < 4", c).to_dict())
cur = c.execute("SELECT id FROM sale ORDER BY id")
tried("scroll", lambda: [
    cur.fetchmany(3), cur.scroll(0, "absolute"), cur.fetchmany(2), cur.rownumber,
    cur.scroll(2), cur.fetchone(),
])
tried("too far", lambda: cur.scroll(9999))
tried("client", lambda: psycopg.ClientCursor(c).execute("SELECT %s::int", (1,)).fetchall())
tried("mogrify", lambda: psycopg.ClientCursor(c).mogrify("SELECT %s, %s", (1, "a'b")))
tried("prepare", lambda: c.execute("SELECT 1", prepare=True).fetchone())
tried("binary", lambda: c.execute("SELECT 1", binary=True).fetchone())
tried("results", lambda: [r.fetchall() for r in c.execute("SELECT 5").results()])
tried("lineage", lambda: c.execute("SELECT 1").statusmessage)
tried("notify", lambda: c.add_notice_handler(print))
c.row_factory = psycopg.rows.dict_row
tried("row factory", lambda: c.execute("SELECT 1 AS a").fetchone())
tried("no database", lambda: psycopg.connect(CONNINFO, dbname="nothing"))
async def fetch():
    async with await psycopg.AsyncConnection.connect(CONNINFO) as c:
        assert isinstance(c, psycopg.AsyncConnection)
        return (await psycopg.types.TypeInfo.fetch(c, "text")).oid
tried("async type", lambda: asyncio.run(fetch()))
"""
PSYCOPG2 = """
import psycopg2, psycopg2.extras
from psycopg2 import sql
import pandas as pd
import datetime
c = psycopg2.connect(CONNINFO)
cur = c.cursor()
parts = sql.Identifier("name"), sql.Identifier("public", "sale"), sql.Literal(4)
Q = sql.SQL("SELECT id, {} FROM {} WHERE id < {}").format(*parts)
tried("composed", lambda: (cur.execute(Q), cur.fetchall()))
tried("string", lambda: Q.as_string(c))
tried("cursor", lambda: Q.as_string(cur))
tried("literal", lambda: sql.Literal("a'b\\\\c").as_string(c))
tried("text", lambda: (cur.execute(Q.as_string(c)), cur.fetchall()))
VALUES = (1, "a'b\\\\c\\u20ac", None, [1, 2], datetime.date(2024, 1, 2))
tried("mogrify", lambda: cur.mogrify("SELECT %s, %s, %s, %s, %s", VALUES))
tried("mogrify dict", lambda: cur.mogrify("SELECT %(a)s, 5 %% 2", {"a": (1, "x")}))
tried("mogrify plain", lambda: cur.mogrify("SELECT 1"))
tried("isinstance", lambda: isinstance(c, psycopg2.extensions.connection))
tried("version", lambda: c.server_version)
tried("info", lambda: c.info.dbname)
tried("encoding", lambda: c.encoding)
tried("uuid", lambda: psycopg2.extras.register_uuid(conn_or_curs=c) and None)
tried("json", lambda: psycopg2.extras.register_default_jsonb(c) and None)
tried("type", lambda: psycopg2.extensions.register_type(psycopg2.extensions.UNICODE, c))
tried("query", lambda: (cur.execute("SELECT %s", ("a",)), cur.query))
tried("status message", lambda: cur.statusmessage)
tried("pandas", lambda: pd.read_sql("SELECT id, name FROM sale WHERE id < 4", c).to_dict())
tried("scroll", lambda: [
    cur.execute("SELECT id FROM sale ORDER BY id"), cur.fetchmany(3), cur.scroll(0, "absolute"),
    cur.fetchmany(2), cur.rownumber, cur.scroll(2), cur.fetchone(),
])
tried("tpc", lambda: c.notices)
tried("quote", lambda: psycopg2.extensions.quote_ident('a"b', c))
for name, sql, values in (("in", "id IN %s", (1, 2, 3)), ("any", "id = ANY(%s)", [1, 2])):
    cur.execute("SELECT count(*) FROM sale WHERE " + sql, (values,))
    out[name] = cur.fetchone()
tried("dsn", lambda: sorted(set(c.get_dsn_parameters()) - {"user", "options"}))
tried("no database", lambda: psycopg2.connect(CONNINFO, dbname="nothing"))
"""
ENVIRONMENT = """
import psycopg, psycopg2
for module in (psycopg, psycopg2):
    cursor = module.connect().cursor()
    cursor.execute("SELECT count(*) FROM sale")
    out[module.__name__] = cursor.fetchone()
"""


@pytest.fixture
def world(server: PostgreSQL, tmp_path: Path) -> World:
    """Return a server with a table of sales of many types, and a place for a tape."""
    return sales(server, tmp_path)


@pytest.mark.parametrize("source", [PSYCOPG, PSYCOPG2], ids=["psycopg", "psycopg2"])
def test_a_connection_is_asked_about_itself(world: World, source: str) -> None:
    """Texts are quoted, types registered, rows gone back to and settings told without a server."""
    world.gone(HEAD + source)


def test_a_server_that_the_environment_names(world: World) -> None:
    """A program that leaves it to libpq's environment where to connect needs none in a rerun."""
    about = conninfo_to_dict(str(world.server.conninfo))
    named = {f"PG{name.upper()}": str(about[name]) for name in ("host", "port", "user", "password")}
    named["PGDATABASE"] = str(about["dbname"])
    recorded = world.run(ENVIRONMENT, "record", extra=named)
    assert world.run(ENVIRONMENT, "rerun") == recorded == {"psycopg": (2500,), "psycopg2": (2500,)}
    place = f"postgresql://127.0.0.1:{about['port']}/{about['dbname']}"
    assert {line["source"] for line in world.index()} == {place}


def test_no_secret_of_a_connection_is_kept(world: World) -> None:
    """What only the person may know does not reach the tape, however libpq is given it."""
    source = (
        "import psycopg, psycopg2\n"
        "for module in (psycopg, psycopg2):\n"
        "    module.connect(CONNINFO, options='-c my.token=hidden1', sslkey='hidden2.key')\n"
    )
    world.run(source, "record")
    kept = b"".join(path.read_bytes() for path in world.tape.iterdir())
    assert b"(connection)" in kept
    assert b"hidden" not in kept


def test_what_a_stand_in_does_not_know_is_said(world: World) -> None:
    """What is not recorded of a connection fails in a rerun with a sentence that says why."""
    source = (
        "import psycopg2\n"
        "connection = psycopg2.connect(CONNINFO)\n"
        "try:\n"
        "    out['got'] = connection.lobject().__class__.__name__\n"
        "except AttributeError as error:\n"
        "    out['got'] = str(error)\n"
    )
    assert world.run(source, "record") == {"got": "lobject"}
    assert world.index()[-1]["problem"] == "Large objects are not recorded."
    assert "no server to ask" in world.run(source, "rerun")["got"]
