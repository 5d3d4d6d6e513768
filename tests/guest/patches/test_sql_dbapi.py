from __future__ import annotations

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from py_mlops.guest.patches.sql_dbapi_place import source_of
from tests.guest.patches.world import World, sales
from tests.mariadb import MariaDB, mysql
from tests.postgresql import PostgreSQL, server
from tests.readers_kernel import READERS_PYTHON

__all__ = ["mysql", "server"]

ODBC_DRIVERS = [str(path) for path in Path("/usr/lib").glob("*/odbc/psqlodbcw.so")]
PYODBC = """
import pyodbc, pandas as pd, warnings
warnings.simplefilter("ignore")
from psycopg.conninfo import conninfo_to_dict
about = conninfo_to_dict(CONNINFO)
TEXT = ("Driver=ODBC_DRIVER;Server={host};Port={port};"
    "Database={dbname};UID={user};PWD={password}".format(**about))
connection = pyodbc.connect(TEXT, autocommit=True)
connection.setdecoding(pyodbc.SQL_CHAR, encoding="utf-8")
SQL = "SELECT id, name, price, at, d, f, raw FROM sale WHERE id < ? ORDER BY id"
out["is one"] = isinstance(connection, pyodbc.Connection)
frame = pd.read_sql("SELECT id, name, price, at, f FROM sale", connection)
out["table"] = (str(frame.dtypes.to_dict()), frame.to_dict("list"))
parts = pd.read_sql("SELECT id FROM sale", connection, chunksize=900)
out["chunks"] = [len(part) for part in parts]
cursor = connection.cursor()
cursor.execute(SQL, 1200)
out["rows"] = repr([cursor.fetchone(), cursor.fetchmany(3), cursor.fetchall(), cursor.fetchone()])
out["count"] = (cursor.rowcount, [column[0] for column in cursor.description])
row = connection.execute("SELECT name, id FROM sale WHERE id = ? AND name = ?", 7, "n7").fetchone()
out["named"] = (row.name, row[1], tuple(row), row.cursor_description[0][0], len(row))
out["value"] = connection.execute("SELECT count(*) FROM sale").fetchval()
out["loop"] = [row.id for row in cursor.execute("SELECT id FROM sale WHERE id < 5")]
out["next"] = repr(next(cursor.execute("SELECT id FROM sale ORDER BY id")))
out["same"] = cursor.connection is connection
row = connection.execute("SELECT count(*) AS count, 'x' AS index FROM sale").fetchone()
row.index = "y"
out["names"] = (row.count, row.index, row[1], list(row))
falsy = [connection.execute("SELECT id FROM sale WHERE id = ?", i).fetchall() for i in (0, 1)]
out["falsy"] = [list(map(tuple, rows)) for rows in falsy]
def helper(cursor):
    try:
        return cursor.fetchall()
    except pyodbc.ProgrammingError as error:
        return type(error).__name__
one = connection.execute("CREATE TEMP TABLE mark (text text)")
out["no rows"] = [helper(one), helper(one)]
try:
    cursor.execute("SELECT * FROM nowhere")
except pyodbc.ProgrammingError as error:
    out["error"] = (type(error).__name__, error.args)
with connection.cursor() as cursor:
    cursor.execute("CREATE TEMP TABLE note (text text)")
    cursor.fast_executemany = True
    cursor.executemany("INSERT INTO note VALUES (?)", [("a",), ("b",)])
    out["none"] = (cursor.description, cursor.execute("INSERT INTO note VALUES ('c')").rowcount)
    cursor.commit()
class Odd:
    def __str__(self):
        raise LookupError("no text")
try:
    pyodbc.connect(Odd())
except Exception as error:
    out["odd"] = type(error).__name__ != "LookupError"
try:
    pyodbc.connect(TEXT.replace(about["dbname"], "nowhere"))
except pyodbc.Error as error:
    out["refused"] = type(error).__name__
"""


@pytest.fixture
def world(server: PostgreSQL, tmp_path: Path) -> World:
    """Return a world with a table of sales."""
    return sales(server, tmp_path, READERS_PYTHON)


def test_pyodbc(world: World) -> None:
    """What a program reads through ODBC it reads again without a server, rows with names too."""
    if not ODBC_DRIVERS:
        pytest.skip("not covered: pyodbc (odbc-postgresql is not installed)")
    world.gone(PYODBC.replace("ODBC_DRIVER", ODBC_DRIVERS[0]))
    assert not [line for line in world.index() if line["problem"]]
    kept = b"".join(path.read_bytes() for path in world.tape.iterdir())
    assert str(conninfo_to_dict(str(world.server.conninfo))["password"]).encode() not in kept


PG8000 = """
import pg8000, pg8000.dbapi
from psycopg.conninfo import conninfo_to_dict
about = conninfo_to_dict(CONNINFO)
COLUMNS = "SELECT id, name, price, at, d, tags, doc, ok, f, raw, u, ip, t FROM sale"
known = {"user": about["user"], "host": about["host"], "port": int(about["port"]),
    "database": about["dbname"], "password": about.get("password")}
for module in (pg8000, pg8000.dbapi):
    name = module.__name__
    connection = module.connect(**known)
    cursor = connection.cursor()
    cursor.execute(COLUMNS + " WHERE id < %s ORDER BY id", (1200,))
    out[name] = [cursor.fetchone(), cursor.fetchmany(3), cursor.fetchall(), cursor.fetchone()]
    out[name + " about"] = (cursor.rowcount, [column[0] for column in cursor.description])
    cursor.execute("SELECT id FROM sale WHERE id < 0")
    out[name + " empty"] = (cursor.fetchall(), cursor.fetchone())
    try:
        cursor.execute("SELECT * FROM nowhere")
    except module.DatabaseError as error:
        out[name + " error"] = (type(error).__name__, error.args)
    connection.rollback()
    connection.close()
"""
MYSQL = """
import mysql.connector, pandas as pd, warnings
warnings.simplefilter("ignore")
connection = mysql.connector.connect(**CONNINFO)
cursor = connection.cursor()
cursor.execute("CREATE TABLE sale (id int PRIMARY KEY AUTO_INCREMENT, name text, "
    "price decimal(10,2), at datetime(3), d date, t time, f double, raw blob)")
cursor.executemany("INSERT INTO sale (name, price, at, d, t, f, raw) VALUES "
    "(%s, 1.5, '2024-01-01 10:00:00.125', '2024-02-03', '26:11:12', %s, x'00ff')",
    [(f"n{i}", i / 3) for i in range(1200)])
out["many"] = cursor.rowcount
cursor.execute("INSERT INTO sale (name) VALUES ('last')")
out["key"] = cursor.lastrowid
connection.commit()
frame = pd.read_sql("SELECT id, name, price, at, f FROM sale", connection)
out["table"] = (str(frame.dtypes.to_dict()), frame.to_dict("list"))
cursor.execute("SELECT * FROM sale WHERE id < %s ORDER BY id", (900,))
out["rows"] = [cursor.fetchone(), cursor.fetchmany(3), cursor.fetchall(), cursor.column_names]
out["count"] = cursor.rowcount
cursor.execute("SELECT name FROM sale WHERE id = %(id)s", {"id": 7})
out["named"] = list(cursor)
cursor.execute(operation="SELECT %s + 1", params=(0,))
out["words"] = cursor.fetchall(), cursor.rowcount
cursor.executemany(operation="INSERT INTO sale (name) VALUES (%s)", seq_params=[("a",), ("b",)])
out["no rows"] = cursor.rowcount, cursor.fetchall(), cursor.fetchone()
cursor = connection.cursor()
for kind in ("dictionary", "buffered"):
    with connection.cursor(**{kind: True}) as one:
        one.execute("SELECT id, name FROM sale WHERE id < 4 ORDER BY id")
        out[kind] = [repr(row) for row in one]
try:
    cursor.execute("SELECT * FROM nowhere")
except mysql.connector.ProgrammingError as error:
    out["error"] = (type(error).__name__, error.errno, error.sqlstate, str(error))
cursor.execute("DROP TABLE sale")
try:
    mysql.connector.connect(**{**CONNINFO, "user": "secretive", "password": "hidden1"})
except mysql.connector.Error as error:
    out["denied"] = error.errno
out["open"] = connection.is_connected()
connection.close()
out["closed"] = connection.is_connected()
"""


def test_pg8000(world: World) -> None:
    """A driver in Python alone, whose rows are lists, is answered from the tape."""
    world.gone(PG8000)
    assert not [line for line in world.index() if line["problem"]]


def test_mysqls_own_driver(mysql: MariaDB, tmp_path: Path) -> None:
    """Rows as tuples and dicts, keys, and errors come back as they were."""
    world = World(mysql, tmp_path, python=READERS_PYTHON)
    world.gone(MYSQL)
    kept = b"".join(path.read_bytes() for path in world.tape.iterdir())
    assert not [secret for secret in (b"secretive", b"hidden1", b"correct") if secret in kept]
    assert not [line for line in world.index() if line["problem"]]


@pytest.mark.parametrize(
    ("driver", "args", "kwargs", "place"),
    [
        ("pyodbc", ("DRIVER={X};SERVER=tcp:db.example,1433;DATABASE=s;UID=u;PWD=pw;",), {},
         "odbc://db.example:1433/s"),
        ("pyodbc", ("DSN=shop;PWD=pw",), {"UID": "u"}, "odbc://shop:/"),
        ("pyodbc", (), {"server": "db", "database": "s", "password": "pw"}, "odbc://db:/s"),
        ("pymssql", ("db:1433", "u", "pw", "s"), {}, "mssql://db:1433/s"),
        ("oracledb", ("u/pw@db.example:1521/shop",), {}, "oracle://db.example:1521/shop"),
        ("oracledb", (), {"user": "u", "password": "pw", "dsn": "db/shop"}, "oracle://db:/shop"),
        ("cx_Oracle", ("u", "pw", "(DESCRIPTION=(ADDRESS=(HOST=db)(PORT=1521))(SID=shop))"), {},
         "oracle://db:1521/shop"),
        ("snowflake.connector", (), {"account": "a1", "user": "u", "password": "pw",
         "database": "s", "schema": "t"}, "snowflake://a1:/s"),
        ("databricks.sql", ("h", "/sql/1.0/x", "pw"), {}, "databricks://h:/sql/1.0/x"),
("teradatasql", ('{"host":"db","password":"pw@x"}',), {}, "teradata://db:/"),
        ("clickhouse_driver.dbapi", ("clickhouse://u:pw@db:9000/s",), {}, "clickhouse://db:9000/s"),
        ("jaydebeapi", ("org.X", "jdbc:postgresql://db:5432/s?user=u&password=pw"), {},
         "jdbc://db:5432/s"),
        ("mysql.connector", (), {"host": "db", "port": 3306, "db": "s", "passwd": "pw"},
         "mysql://db:3306/s"),
        ("oracledb", ("shop",), {"host": None}, "oracle://:/"),
        ("oracledb", ("scott/pw",), {}, "oracle://:/"),
        ("oracledb", ("u/p/w@pw@db.example/shop",), {}, "oracle://db.example:/shop"),
        ("pyodbc", ("SERVER=db;PWD={a;DATABASE=pw};DATABASE=s",), {}, "odbc://db:/s"),
        ("pyodbc", ("server=db password=pw",), {}, "odbc://db:/"),
        ("clickhouse_driver.dbapi", ("clickhouse://u:12/pw@db:9000/s",), {}, "clickhouse://:/"),
        ("jaydebeapi", ("org.X", "jdbc:sqlserver://db;user=u;password=pw"), {}, "jdbc://db:/"),
        ("oracledb", ("john.doe/pw",), {}, "oracle://:/"),
        ("oracledb", (), {"dsn": "ada/pw"}, "oracle://:/"),
        ("jaydebeapi", ("org.X", "jdbc:db2://h:50000/S:password=pw;user=u;"), {},
         "jdbc://h:50000/"),
        ("jaydebeapi", ("org.X", "jdbc:teradata://h/DATABASE=db,PASSWORD=pw"), {}, "jdbc://h:/"),
        ("jaydebeapi", ("org.X", "jdbc:mysql://address=(host=h)(password=pw)/db"), {},
         "jdbc://:/db"),
        ("trino.dbapi", ("https://ada:pw@h:8443",), {"catalog": "c"}, "trino://h:8443/c"),
        ("adbc_driver_postgresql.dbapi", ("postgresql://ada:12#pw@h/db",), {}, "postgresql://:/"),
        ("adbc_driver_postgresql.dbapi", ("postgresql://ada:12?pw@h/db",), {}, "postgresql://:/"),
        ("adbc_driver_postgresql.dbapi", ("host=h port=5 dbname=s password='p w'",), {},
         "postgresql://h:5/s"),
        ("pyodbc", ("PWD=abc://pw;Server=h",), {}, "odbc://h:/"),
        ("vertica_python", ("vertica://u:pw@db:5433/s?password=pw",), {}, "vertica://db:5433/s"),
    ],
)  # fmt: skip
def test_where_a_connection_leads_to(
    driver: str, args: tuple[object, ...], kwargs: dict[str, object], place: str
) -> None:
    """Every driver's way of naming a database comes to a host, a port and a name, and no more."""
    assert source_of(driver, args, kwargs) == place


HOLES = """
import mysql.connector
connection = mysql.connector.connect(**CONNINFO)
cursor = connection.cursor()
cursor.execute("CREATE PROCEDURE two() BEGIN SELECT 1; SELECT 2; END")
cursor.callproc("two")
out["proc"] = [result.fetchall() for result in cursor.stored_results()]
out["info"] = len(connection.get_server_info()) > 0
cursor.execute("DROP PROCEDURE two")
cursor.execute("SELECT 1")
out["warnings"] = cursor.fetchwarnings()
"""
OPEN = """
import mysql.connector
from mlops_guest.patches.tape import tape
connection = mysql.connector.connect(**CONNINFO)
cursor, other = connection.cursor(buffered=True), connection.cursor(buffered=True)
cursor.execute("SELECT 1 UNION SELECT 2 UNION SELECT 3")
other.execute("SELECT 4")
out["first"] = cursor.fetchone(), other is not None
if MODE:
    seen = tape().seen()
    out["seen"] = [(line["size"] > 0, line["problem"]) for line in seen]
    out["kept"] = [open(f"{tape().folder}/{line['file']}").read().splitlines()[1:] for line in seen]
try:
    out["more"] = MODE or cursor.fetchall()
except ConnectionError as error:
    out["more"] = "fewer rows" in str(error)
"""


ENGINES = """
import mysql.connector, sqlalchemy as sa
PLACE = URL.replace("pymysql", "mysqlconnector")
connect = lambda: mysql.connector.connect(**CONNINFO)
made = sa.create_engine("mysql+mysqlconnector://", creator=connect)
for name, engine in (("url", sa.create_engine(PLACE)), ("creator", made)):
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT 1 AS a UNION SELECT :b"), {"b": 2})
        out[name] = [tuple(row) for row in rows], list(rows.keys())
"""


def test_under_sqlalchemy(mysql: MariaDB, tmp_path: Path) -> None:
    """Engines of such a driver are SQLAlchemy's to record, once, also those of a creator's."""
    world = World(mysql, tmp_path, python=READERS_PYTHON)
    world.gone(ENGINES)
    asked = [line["request"] for line in world.index() if "UNION" in line["request"]]
    assert len(asked) == 2
    assert not [line for line in world.index() if line["problem"]]


def test_what_is_not_recorded_is_a_hole(mysql: MariaDB, tmp_path: Path) -> None:
    """Procedures, and what only this driver knows, are named; the program is not disturbed."""
    world = World(mysql, tmp_path, python=READERS_PYTHON)
    out = world.run(HOLES, "record")
    assert out == world.run(HOLES, "none")
    assert out["proc"] == [[(1,)], [(2,)]]
    told = " ".join(line["problem"] for line in world.index())
    for name in ("callproc", "stored_results", "get_server_info", "fetchwarnings"):
        assert f"{name} of its driver is not recorded." in told


def test_a_cursor_that_is_open_at_the_snapshot(mysql: MariaDB, tmp_path: Path) -> None:
    """What was read of it so far is kept, and is no hole; a rerun that wants more is told so."""
    world = World(mysql, tmp_path, python=READERS_PYTHON)
    out = world.run(OPEN.replace("MODE", "True"), "record")
    assert out["seen"] == [(True, "")] * 3
    assert sorted(out["kept"]) == [[], [], ["[[1]]"]]  # the connection, and a result nobody read
    again = world.run(OPEN.replace("MODE", "False"), "rerun")
    assert (again["first"], again["more"]) == (out["first"], True)
