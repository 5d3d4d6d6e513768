from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.guest.patches.test_sql_pymysql import FILL, STREAMED
from tests.guest.patches.world import World
from tests.mariadb import MariaDB, mysql

__all__ = ["mysql"]

DEBIAN = Path("/usr/lib/python3/dist-packages/MySQLdb")
"""mysqlclient as Debian ships it, compiled: pip would need a compiler and MySQL's headers."""
READ = """
import MySQLdb, MySQLdb.cursors, pandas as pd, warnings
warnings.simplefilter("ignore")
SQL = "SELECT * FROM sale WHERE id < %s ORDER BY id"
GIVEN = {k: v for k, v in CONNINFO.items() if k != "database"}
connection = MySQLdb.connect(**GIVEN, db=CONNINFO["database"])
out["table"] = pd.read_sql("SELECT id, name, price, at, f FROM sale", connection)
cursor = connection.cursor()
out["count"] = (cursor.execute(SQL, (1200,)), cursor.rowcount, cursor.description)
out["rows"] = [cursor.fetchone(), cursor.fetchmany(3), cursor.fetchall(), cursor.fetchone()]
cursor.execute("SELECT name FROM sale WHERE id = %(id)s", {"id": 7})
out["named"] = list(cursor)
try:
    cursor.execute("SELECT * FROM nowhere")
except MySQLdb.ProgrammingError as error:
    out["error"] = (type(error).__name__, error.args)
cursor = connection.cursor(MySQLdb.cursors.DictCursor)
cursor.execute(SQL, (4,))
out["dict"] = [cursor.fetchone(), cursor.fetchall()]
cursor = connection.cursor()
cursor.execute("CREATE TABLE note (id int AUTO_INCREMENT PRIMARY KEY, text text)")
out["key"] = (cursor.execute("INSERT INTO note (text) VALUES ('a')"), cursor.lastrowid)
many = cursor.executemany("INSERT INTO note (text) VALUES (%s)", [(t,) for t in "bc"])
out["many"] = (many, cursor.fetchall())
cursor.execute("DROP TABLE note")
cursor.close()
connection.commit(); connection.ping(); connection.autocommit(True)
connection.close()
"""
HOLES = """
import MySQLdb, MySQLdb.cursors
c = MySQLdb.connect(**CONNINFO, client_flag=65536)
cursor = c.cursor()
cursor.execute("SELECT 1; SELECT 2")
out["several"] = [cursor.fetchall(), cursor.nextset() and cursor.fetchall()]
cursor.close()
cursor = c.cursor(MySQLdb.cursors.DictCursor)
cursor.execute("SELECT a.id, b.id FROM sale a JOIN sale b USING (id) WHERE id = 1")
out["twice"] = cursor.fetchall()
c.query("SELECT 3")
out["plain"] = c.store_result().fetch_row()
from mlops_guest.observe import observer
out["reached"] = [one["by"] for one in observer().connections()]
"""


@pytest.fixture
def world(mysql: MariaDB, tmp_path: Path) -> World:
    """Return a MariaDB server with a table of sales, where programs find mysqlclient."""
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    (libraries / "MySQLdb").symlink_to(DEBIAN)
    world = World(mysql, tmp_path, {"PYTHONPATH": str(libraries)})
    tried = subprocess.run(
        [sys.executable, "-c", "import MySQLdb"], env=world.environment, check=False
    )
    if tried.returncode:
        pytest.skip("not covered: mysqlclient (python3-mysqldb, of this version of Python)")
    world.run(FILL, "none")
    return world


def test_mysqlclient_without_its_server(world: World) -> None:
    """Without SQLAlchemy, mysqlclient gives the same rows, kinds of rows and errors."""
    world.gone(READ)
    assert not [line for line in world.index() if line["problem"]]
    source = f"mysql://127.0.0.1:{world.server.port}/shop"
    assert {line["source"] for line in world.index()} == {source}
    assert b"correct horse" not in b"".join(path.read_bytes() for path in world.tape.iterdir())


def test_mysqlclients_streams_without_their_server(world: World) -> None:
    """Cursors that read row by row what the server sends give the same rows without it."""
    world.gone(STREAMED.replace("MODULE", "MySQLdb"))
    assert not [line for line in world.index() if line["problem"]]


def test_what_mysqlclient_answers_and_cannot_be_kept_is_a_problem(world: World) -> None:
    """Answers that are not recorded reach the user whole, and the index says why."""
    out = world.run("from mlops_guest.observe import observer\nobserver().start()\n" + HOLES,
                    "record", extra=world.traced())  # fmt: skip
    assert out["reached"] == ["driver"]
    assert out["several"] == [((1,),), ((2,),)]
    assert (out["twice"], out["plain"]) == (({"id": 1, "b.id": 1},), ((3,),))
    problems = {line["request"]: line["problem"] for line in world.index()}
    assert list(problems.values()) == [
        "It has several results, and more than the first was read.",
        "Columns of one name in a cursor of dicts are not recorded.",
        "Connection.query without a cursor is not recorded.",
    ]
