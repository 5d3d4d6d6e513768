from __future__ import annotations

from pathlib import Path

import pytest

from tests.guest.patches.world import World
from tests.mariadb import MariaDB, mysql

__all__ = ["mysql"]

FILL = """
import pymysql
with pymysql.connect(**CONNINFO) as c, c.cursor() as cursor:
    cursor.execute("DROP TABLE IF EXISTS sale, note")
    cursor.execute("CREATE TABLE sale (id int PRIMARY KEY, name text, price decimal(10,2), "
        "at datetime(3), d date, t time, f double, raw blob, ok bool)")
    cursor.executemany("INSERT INTO sale VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s)", [(i, f"n{i}",
        i * 1.5, "2024-01-01 10:00:00.125", "2024-02-03", "26:11:12", i / 3, b"\\x00\\xff", i % 2)
        for i in range(1500)])
    c.commit()
"""
READ = """
from mlops_guest.observe import observer
with observer().paused():  # work of ours may be the first to import it
    import pymysql
import pandas as pd, warnings
from pymysql.cursors import DictCursor
warnings.simplefilter("ignore")
SQL = "SELECT * FROM sale WHERE id < %s ORDER BY id"
connection = pymysql.connect(**CONNINFO)
out["table"] = pd.read_sql("SELECT id, name, price, at, f FROM sale", connection)
with connection.cursor() as cursor:
    out["count"] = (cursor.execute(SQL, (1200,)), cursor.rowcount, cursor.description)
    out["rows"] = [cursor.fetchone(), cursor.fetchmany(3), cursor.fetchall(), cursor.fetchone()]
    cursor.execute("SELECT name FROM sale WHERE id = %(id)s", {"id": 7})
    out["named"] = list(cursor)
    try:
        cursor.execute("SELECT * FROM nowhere")
    except pymysql.err.ProgrammingError as error:
        out["error"] = (type(error).__name__, error.args)
with connection.cursor(DictCursor) as cursor:
    cursor.execute(SQL, (4,))
    out["dict"] = [cursor.fetchone(), cursor.fetchall()]
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE note (id int AUTO_INCREMENT PRIMARY KEY, text text)")
    out["key"] = (cursor.execute("INSERT INTO note (text) VALUES ('a')"), cursor.lastrowid)
    many = cursor.executemany("INSERT INTO note (text) VALUES (%s)", ((t,) for t in "bc"))
    assert cursor.executemany("INSERT INTO note (text) VALUES (%s)", None) is None
    out["many"] = (many, cursor.fetchall())
    cursor.execute("DROP TABLE note")
connection.commit(); connection.ping(); connection.autocommit(True); connection.begin()
out["open"] = (connection.open, connection.escape("a'b"))
connection.close()
out["closed"] = connection.open
"""
STREAMED = """
import MODULE, MODULE.cursors as cursors
connection = MODULE.connect(**{"db" if k == "database" else k: CONNINFO[k] for k in CONNINFO})
SQL = "SELECT id, name, price FROM sale WHERE id < %s ORDER BY id"
for kind in (cursors.SSCursor, cursors.SSDictCursor):
    cursor, name = connection.cursor(kind), kind.__name__
    out[name + " count"] = cursor.execute(SQL, (900,)), cursor.rowcount
    out[name] = [cursor.fetchone(), list(cursor.fetchmany(3)), list(cursor), cursor.fetchone()]
    cursor.execute(SQL, (5,))
    out[name + " all"] = list(cursor.fetchall())
    cursor.execute("SET @a = 3")
    out[name + " none"] = cursor.description
    cursor.execute(SQL, (900,))
    out[name + " part"] = list(cursor.fetchmany(5))
    cursor.close()
"""
HOLES = """
import pymysql
from pymysql.cursors import DictCursor
with pymysql.connect(**CONNINFO, client_flag=65536) as c:
    cursor = c.cursor()
    cursor.execute("SELECT 1; SELECT 2")
    out["several"] = [cursor.fetchall(), cursor.nextset() and cursor.fetchall()]
    cursor = c.cursor(DictCursor)
    cursor.execute("SELECT a.id, b.id FROM sale a JOIN sale b USING (id) WHERE id = 1")
    out["twice"] = cursor.fetchall()
    out["plain"] = c.query("SELECT 3")
"""


@pytest.fixture
def world(mysql: MariaDB, tmp_path: Path) -> World:
    """Return a MariaDB server with a table of sales of many types, and a place for a tape."""
    world = World(mysql, tmp_path)
    world.run(FILL, "none")
    return world


def test_pymysql_without_its_server(world: World) -> None:
    """PyMySQL without SQLAlchemy gives the same rows, kinds of rows and errors."""
    world.gone(READ)
    assert not [line for line in world.index() if line["problem"]]
    source = f"mysql://127.0.0.1:{world.server.port}/shop"
    assert {line["source"] for line in world.index()} == {source}
    assert b"correct horse" not in b"".join(path.read_bytes() for path in world.tape.iterdir())


def test_pymysqls_streams_without_their_server(world: World) -> None:
    """Cursors that read row by row what the server sends give the same rows without it."""
    world.gone(STREAMED.replace("MODULE", "pymysql"))
    assert not [line for line in world.index() if line["problem"]]


def test_sqlalchemy_on_mysql_without_its_server(world: World) -> None:
    """Through SQLAlchemy, a MySQL database's tables come back, each answer recorded once."""
    source = (
        "import sqlalchemy as sa, pandas as pd\n"
        "engine = sa.create_engine(URL)\n"
        "out['table'] = pd.read_sql_table('sale', engine)\n"
        "out['text'] = pd.read_sql('SELECT count(*) FROM sale', engine)\n"
    )
    world.gone(source)
    assert [line["request"] for line in world.index()].count("SELECT count(*) FROM sale") == 1


def test_what_pymysql_answers_and_cannot_be_kept_is_a_problem(world: World) -> None:
    """Answers that are not recorded reach the user whole, and the index says why."""
    out = world.run(HOLES, "record")
    twice = [{"id": 1, "b.id": 1}]
    assert out == {"several": [((1,),), ((2,),)], "twice": twice, "plain": 1}
    assert [line["problem"] for line in world.index()] == [
        "It is several statements in one text.",
        "Columns of one name in a cursor of dicts are not recorded.",
        "Connection.query without a cursor is not recorded.",
    ]


REFUSED = """
import pymysql, sqlalchemy as sa
from sqlalchemy.engine import make_url
def connects(connect):
    try:
        connect().close()
    except (pymysql.Error, sa.exc.OperationalError) as error:
        return type(error).__name__, len(error.args)
    return "connected"
wrong = {**CONNINFO, "password": "hidden1"}
places = make_url(URL).set(password="hidden1"), URL
for turn in range(2):
    out[f"plain {turn}"] = [connects(lambda: pymysql.connect(**one)) for one in (wrong, CONNINFO)]
    out[f"engine {turn}"] = [connects(sa.create_engine(place).connect) for place in places]
"""


def test_a_server_that_refuses_refuses_again(world: World) -> None:
    """A program that goes another way when it cannot connect goes that way in a rerun, too."""
    world.gone(REFUSED)
    kept = b"".join(path.read_bytes() for path in world.tape.iterdir())
    assert b"hidden1" not in kept
    assert b"'ada'" not in kept
