from __future__ import annotations

from pathlib import Path

import pytest

from tests.guest.patches.world import World, sales
from tests.postgresql import PostgreSQL, server
from tests.readers_kernel import READERS_PYTHON

__all__ = ["server"]

POLARS = """
SQL = "SELECT id, name, f, ok, d, at, t FROM sale WHERE id < 1200 ORDER BY id"
URL = URL.replace("+psycopg", "")
import polars as pl
def told(frame):
    return str(frame.schema), frame.rows()
out["connectorx"] = told(pl.read_database_uri(SQL, URL, engine="connectorx"))
out["adbc"] = told(pl.read_database_uri(SQL, URL, engine="adbc"))
try:
    pl.read_database_uri("SELECT * FROM nowhere", URL)
except RuntimeError as error:
    out["error"] = "nowhere" in str(error)
"""
CONNECTORX = """
SQL = "SELECT id, name, f, ok, d, at, t FROM sale WHERE id < 1200 ORDER BY id"
URL = URL.replace("+psycopg", "")
import connectorx, pandas as pd
frame = connectorx.read_sql(URL, SQL)
out["pandas"] = (str(frame.dtypes.to_dict()), frame.to_dict("list"))
parts = connectorx.read_sql(URL, SQL, partition_on="id", partition_num=3, return_type="polars")
out["parts"] = sorted(parts.rows())
out["arrow"] = connectorx.read_sql(URL, [SQL, SQL], return_type="arrow").to_pylist()
reader = connectorx.read_sql(URL, SQL, return_type="arrow_stream")
out["stream"] = type(reader).__name__, sum(batch.num_rows for batch in reader)
"""
ADBC = """
SQL = "SELECT id, name, f, ok, d, at, t FROM sale WHERE id < 1200 ORDER BY id"
URL = URL.replace("+psycopg", "")
import adbc_driver_postgresql.dbapi as dbapi, polars as pl, pyarrow as pa
with dbapi.connect(URL) as connection:
    with connection.cursor() as cursor:
        for name in ("fetch_arrow_table", "fetch_df", "fetch_polars"):
            cursor.execute(SQL)
            out[name] = repr(getattr(cursor, name)())
        cursor.execute("SELECT id FROM sale WHERE id < $1 ORDER BY id", (9,))
        out["rows"] = (cursor.fetchone(), cursor.fetchmany(3), cursor.fetchall())
        cursor.execute(SQL)
        out["capsule"] = pa.table(cursor.fetch_arrow()).to_pylist()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE note (id bigint, text text)")
        given = pa.table({"id": [1, 2], "text": ["a", "b"]})
        out["many"] = cursor.executemany("INSERT INTO note VALUES ($1, $2)", given)
        cursor.execute("SELECT * FROM note ORDER BY id")
        out["inserted"] = cursor.fetchall()
    try:
        connection.execute("SELECT * FROM nowhere")
    except dbapi.ProgrammingError as error:
        out["error"] = type(error).__name__, error.sqlstate
    connection.rollback()
    out["polars"] = pl.read_database(SQL, connection).rows()
    out["class"] = type(connection).__module__
"""
BROKEN = """
import adbc_driver_postgresql.dbapi as dbapi, connectorx, pyarrow as pa
URL = URL.replace("+psycopg", "")
SQL = "SELECT 1 / (150000 - i) AS x FROM generate_series(1, 200000) i"
def read(batches):
    rows, error = 0, ""
    try:
        for batch in batches:
            rows += batch.num_rows
    except BaseException as found:
        error = "division" in str(found)
    return rows, error
connection = dbapi.connect(URL)
cursor = connection.cursor()
cursor.execute(SQL)
out["adbc"] = read(pa.RecordBatchReader.from_stream(cursor.fetch_arrow()))
out["connectorx"] = read(connectorx.read_sql(URL, SQL, return_type="arrow_stream"))
try:
    dbapi.connect("postgresql://ada:w1secret%zz@127.0.0.1/x")
except dbapi.Error as error:
    out["refused"] = type(error).__name__
"""
REACHED = """
from mlops_guest.observe import observer
observer().start()
import connectorx, adbc_driver_postgresql.dbapi as dbapi
URL = URL.replace("+psycopg", "")
connectorx.read_sql(URL, "SELECT 1")
with dbapi.connect(URL) as connection:
    out["by"] = [(seen["port"], seen["by"]) for seen in observer().connections()]
"""


@pytest.fixture
def world(server: PostgreSQL, tmp_path: Path) -> World:
    """Return a world with a table of sales."""
    return sales(server, tmp_path, READERS_PYTHON)


@pytest.mark.parametrize("source", [POLARS, CONNECTORX, ADBC])
def test_tables_of_compiled_readers(world: World, source: str) -> None:
    """What polars, connectorx and ADBC read as one table is read again without a server."""
    plain = world.run(source, "none")
    world.gone(source)
    assert not [line for line in world.index() if line["problem"]]
    kept = b"".join(path.read_bytes() for path in world.tape.iterdir())
    assert b"correct" not in kept  # of the password
    assert repr(world.run(source, "record")) == repr(plain)


def test_their_own_threads_connect_for_a_driver(world: World) -> None:
    """Whom connectorx asks from threads of its own is no stranger whose answers nobody has."""
    out = world.run(REACHED, "record", extra=world.traced())
    assert out["by"] == [(world.server.port, "driver")]


def test_a_stream_that_breaks_off(world: World) -> None:
    """The program gets what came before, and the error, as if nobody recorded; it is a hole."""
    plain = world.run(BROKEN, "none")
    assert plain["adbc"][1]
    assert world.run(BROKEN, "record") == plain
    problems = [line["problem"] for line in world.index() if line["problem"]]
    assert len(problems) == 2
    assert all(problem.startswith("It was not read to its end") for problem in problems)
    kept = b"".join(path.read_bytes() for path in world.tape.iterdir())
    assert b"w1secret" not in kept
