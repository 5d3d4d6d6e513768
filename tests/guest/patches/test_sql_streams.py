from __future__ import annotations

from pathlib import Path

import pytest

from tests.guest.patches.world import World, sales
from tests.postgresql import PostgreSQL, server

__all__ = ["server"]

PSYCOPG = """
import asyncio, psycopg
from psycopg.rows import dict_row, scalar_row
SQL = "SELECT id, name, price, at, tags, doc FROM sale WHERE id < %s ORDER BY id"
def failing(run):
    try:
        run()
    except psycopg.Error as error:
        return (type(error).__name__, str(error), error.sqlstate)
with psycopg.connect(CONNINFO) as c:
    with c.cursor("large", row_factory=dict_row) as cursor:
        cursor.itersize = 100
        cursor.execute(SQL, (1500,))
        out["names"] = [column.name for column in cursor.description]
        out["large"] = [cursor.fetchone(), *cursor.fetchmany(3), *cursor]
        out["after"] = [cursor.fetchone(), cursor.fetchall()]
        cursor.execute(SQL, (4,))
        out["whole"] = cursor.fetchall()
    with c.cursor("part") as cursor:
        cursor.execute(SQL, (1500,))
        out["part"] = cursor.fetchmany(10)
    out["scalars"] = list(c.cursor(row_factory=scalar_row).stream(SQL, (300,)))
    for row in c.cursor().stream(SQL, (300,)):
        out["first"] = row
        break
    bad = "SELECT 1/(3-id) FROM sale ORDER BY id"
    out["stream"] = failing(lambda: list(c.cursor().stream(bad)))
    c.rollback()
    out["declare"] = failing(lambda: c.cursor("bad").execute("SELECT nothing"))
    c.rollback()
    copied = "COPY (SELECT id, name, price FROM sale WHERE id < 500 ORDER BY id) TO STDOUT"
    with c.cursor().copy(copied) as copy:
        out["copied"] = b"".join(bytes(piece) for piece in copy)
    with c.cursor().copy(copied + " (FORMAT BINARY)") as copy:
        copy.set_types(["int4", "text", "numeric"])
        out["typed"] = list(copy.rows())
    with c.cursor().copy("COPY (SELECT 'a\\tb', NULL, 3) TO STDOUT") as copy:
        out["text"] = [copy.read_row(), copy.read_row()]
    out["bad copy"] = failing(lambda: c.cursor().copy("COPY nothing TO STDOUT").__enter__())
    c.rollback()
    c.execute("CREATE TEMP TABLE w (a int PRIMARY KEY, t text)")
    c.commit()
    def put(rows):
        with c.cursor() as cursor:
            with cursor.copy("COPY w (a, t) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return cursor.rowcount
    out["put"] = put([(i, None if i == 2 else "x" + str(i)) for i in range(4)])
    c.commit()
    out["again"] = failing(lambda: put([(9, "y"), (1, "x")]))
    c.rollback()
    with c.cursor() as cursor, cursor.copy("COPY w FROM STDIN") as copy:
        copy.write("10\\tz\\n")
        copy.write(b"11\\tz\\n")
    out["w"] = c.execute("SELECT * FROM w ORDER BY a").fetchall()
async def main():
    async with await psycopg.AsyncConnection.connect(CONNINFO) as c:
        async with c.cursor("large") as cursor:
            await cursor.execute(SQL, (700,))
            out["async"] = [await cursor.fetchone(), *(await cursor.fetchmany(2))]
            out["async"] += [row async for row in cursor]
        stream = c.cursor(row_factory=dict_row).stream(SQL, (30,))
        out["async stream"] = [row async for row in stream]
        copied = "COPY (SELECT id FROM sale WHERE id < 5 ORDER BY id) TO STDOUT"
        async with c.cursor().copy(copied) as copy:
            out["async copy"] = [row async for row in copy.rows()]
        async with c.cursor().copy(copied) as copy:
            out["async pieces"] = [bytes(piece) async for piece in copy]
        await c.execute("CREATE TEMP TABLE v (a int)")
        async with c.cursor() as cursor:
            async with cursor.copy("COPY v FROM STDIN") as copy:
                await copy.write_row((1,))
                await copy.write("2\\n")
            out["async put"] = cursor.rowcount
asyncio.run(main())
"""
PSYCOPG2 = """
import io, psycopg2, psycopg2.extras
SQL = "SELECT id, name, price, at, tags, doc FROM sale WHERE id < %s ORDER BY id"
c = psycopg2.connect(CONNINFO)
def failing(run):
    try:
        run()
    except psycopg2.Error as error:
        c.rollback()
        return (type(error).__name__, str(error), error.pgcode)
kinds = {"plain": None, "real": psycopg2.extras.RealDictCursor, "dict": psycopg2.extras.DictCursor,
         "named": psycopg2.extras.NamedTupleCursor}
for name, kind in kinds.items():
    with c.cursor("large", cursor_factory=kind) as cursor:
        cursor.itersize = 100
        cursor.execute(SQL, (700,))
        out[name] = [cursor.fetchone(), *cursor.fetchmany(3), *cursor]
        out[name + " after"] = [cursor.fetchone(), cursor.fetchmany(4), cursor.fetchall()]
        out[name + " columns"] = [column.name for column in cursor.description]
    with c.cursor("whole", cursor_factory=kind) as cursor:
        cursor.execute(SQL, (4,))
        out[name + " whole"] = cursor.fetchall()
        out[name + " type"] = [type(row).__name__ for row in out[name + " whole"]]
out["dict key"] = out["dict"][0]["name"]
for key in [key for key in out if key.startswith("named")]:
    out[key] = repr(out[key])
with c.cursor("part") as cursor:
    cursor.arraysize = 7
    cursor.execute(SQL, (700,))
    out["part"] = cursor.fetchmany()
c.commit()
out["declare"] = failing(lambda: c.cursor("bad").execute("SELECT nothing"))
COPY = "COPY (SELECT id, name, '\\u00e9' FROM sale WHERE id < 2000 ORDER BY id) TO STDOUT"
with c.cursor() as cursor:
    for name, file in (("text", io.StringIO()), ("bytes", io.BytesIO())):
        cursor.copy_expert(COPY, file)
        out[name] = (file.getvalue(), cursor.rowcount)
    file = io.BytesIO()
    cursor.copy_expert("COPY sale (id) TO STDOUT (FORMAT BINARY)", file)
    out["binary"] = file.getvalue()
    file = io.StringIO()
    cursor.copy_to(file, "sale", sep=",", columns=("id", "name"))
    out["copy_to"] = file.getvalue()
    file = io.StringIO()
    cursor.copy_expert("COPY (SELECT 1 WHERE false) TO STDOUT", file)
    out["nothing"] = (file.getvalue(), cursor.rowcount)
    out["bad copy"] = failing(lambda: cursor.copy_expert("COPY nothing TO STDOUT", file))
    cursor.execute("CREATE TEMP TABLE w (a int PRIMARY KEY, t text)")
    c.commit()
    cursor.copy_from(io.StringIO("1\\tx\\n2\\ty\\n"), "w", columns=["a", "t"])
    out["put"] = cursor.rowcount
    c.commit()
    out["again"] = failing(lambda: cursor.copy_from(io.BytesIO(b"2\\tx\\n"), "w"))
    cursor.copy_expert("COPY w FROM STDIN", io.BytesIO(b"5\\tz\\n"))
    cursor.execute("SELECT * FROM w ORDER BY a")
    out["w"] = cursor.fetchall()
    out["proc"] = (cursor.callproc("upper", ("a",)), cursor.fetchall())
"""
SCROLLED = """
import psycopg, psycopg2, psycopg2.extras
for module in (psycopg, psycopg2):
    connection = module.connect(CONNINFO)
    with connection.cursor("back", scrollable=True) as cursor:
        cursor.execute("SELECT id FROM sale ORDER BY id")
        first = cursor.fetchmany(3)
        cursor.scroll(0, "absolute")
        out[module.__name__] = [first, cursor.fetchmany(2)]
with psycopg.connect(CONNINFO).cursor("other") as cursor:
    cursor.execute("SELECT id FROM sale ORDER BY id")
    cursor.row_factory = psycopg.rows.scalar_row
    out["rows"] = cursor.fetchmany(2)
"""


@pytest.fixture
def world(server: PostgreSQL, tmp_path: Path) -> World:
    """Return a server with a table of sales of many types, and a place for a tape."""
    return sales(server, tmp_path)


@pytest.mark.parametrize("source", [PSYCOPG, PSYCOPG2], ids=["psycopg", "psycopg2"])
def test_what_is_read_bit_by_bit(world: World, source: str) -> None:
    """Cursors of the server, streams and COPY give the same without it, and leave no hole."""
    world.gone(source)
    assert [line["problem"] for line in world.index() if line["problem"]] == []


def test_what_cannot_be_followed_is_a_problem(world: World) -> None:
    """Who goes back in a cursor of the server, or changes its rows, gets them, and a named hole."""
    out = world.run(SCROLLED, "record")
    both = [[(1,), (2,), (3,)], [(1,), (2,)]]
    assert out == {"psycopg": both, "psycopg2": both, "rows": [1, 2]}
    assert [line["problem"] for line in world.index() if line["problem"]] == [
        "The program went back and forth in it.",
        "The program went back and forth in it.",
        "Its rows were made in a way that cannot be followed.",
    ]
