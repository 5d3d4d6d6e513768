from __future__ import annotations

from pathlib import Path

import pytest

from tests.guest.patches.world import World, sales
from tests.postgresql import PostgreSQL, server

__all__ = ["server"]

HOLES = """
import psycopg
with psycopg.connect(CONNINFO) as c:
    with c.cursor("named") as cursor:
        cursor.execute("SELECT repeat('y', 1000) FROM sale")
        out["server"] = len(cursor.fetchall())
    with c.cursor().copy("COPY (SELECT repeat('z', 1000) FROM sale) TO STDOUT") as copy:
        out["copied"] = sum(1 for _ in copy.rows())
    out["large"] = len(c.execute("SELECT repeat('x', 1000) FROM sale").fetchall())
    out["several"] = c.execute("SELECT 1; SELECT 2").fetchall()
"""


@pytest.fixture
def world(server: PostgreSQL, tmp_path: Path) -> World:
    """Return a server with a table of sales of many types, and a place for a tape."""
    return sales(server, tmp_path)


def test_what_cannot_be_kept_is_a_problem(world: World) -> None:
    """A large result and what is not recorded reach the user whole, and the index says why."""
    out = world.run(HOLES, "record", limit="100000")
    assert out == {"server": 2500, "copied": 2500, "large": 2500, "several": [(1,)]}
    problems = [line["problem"] for line in world.index()]
    assert problems == [
        "",
        "The answer is larger than 100,000 bytes.",
        "The answer is larger than 100,000 bytes.",
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


def test_a_result_read_row_by_row_stays_so(world: World) -> None:
    """What comes from the server as it is read is not gathered, before the limit nor beyond."""
    source = """
import resource, sqlalchemy as sa
SQL = "SELECT repeat(md5(i::text), 32768) FROM generate_series(1, 120) i"
with sa.create_engine(URL).connect() as c:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = c.execution_options(stream_results=True, yield_per=5).execute(sa.text(SQL))
    out["characters"] = sum(len(row[0]) for row in rows)
    out["MiB"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10
"""
    plain, watched = (world.run(source, mode, limit=str(60 << 20)) for mode in ("none", "record"))
    assert watched["characters"] == plain["characters"] == 120 << 20
    assert watched["MiB"] < plain["MiB"] + 40
    assert world.index()[-1]["problem"] == "The answer is larger than 62,914,560 bytes."
