from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HEAD = "import os, sys, json, traceback\nfrom py_mlops.guest.variables import Variables\n"
WATCH = "held = Variables(); held.start()\n"
TELL = "\nprint(json.dumps(held.names()))"


def told(code: str, folder: Path) -> list[str]:
    """Run code as a program that is watched; return the names seen."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD + WATCH + code + TELL],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{Path.cwd()}{os.pathsep}{folder}", "SET": "value"},
    )
    assert done.returncode == 0, done.stderr
    assert "value" not in done.stdout
    names: list[str] = json.loads(done.stdout.splitlines()[-1])
    return names


def test_each_way_to_ask(tmp_path: Path) -> None:
    """A variable that the program reads is named, whichever way it asks and whether it is set."""
    code = (
        "os.environ['SET']; os.environ.get('A'); os.getenv('B', 'x'); 'C' in os.environ\n"
        "os.path.expandvars('$D/x')\n"
        "try: os.environ['E']\nexcept KeyError as error: assert error.args == ('E',)\n"
        "os.environ.setdefault('F', 'x'); os.environ.pop('G', None)"
    )
    assert told(code, tmp_path) == ["A", "B", "C", "D", "E", "F", "G", "SET"]


def test_what_the_program_sets_was_not_set_before(tmp_path: Path) -> None:
    """A variable that the program sets and reads (dotenv) was not given to it."""
    code = (
        "os.environ.setdefault('OWN', 'x'); os.environ['OWN'], os.environ['SET']\n"
        "os.environ['SET'] = 'other'; os.environ.pop('SET')\n"
        "given = [one['name'] for one in held.seen([]) if one['was_set']]\n"
        "held.names = lambda: given"
    )
    assert told(code, tmp_path) == ["SET"]


def test_setting_is_not_reading(tmp_path: Path) -> None:
    """A variable that is only set or removed is not one that the program depends on."""
    assert told("os.environ['N'] = 'x'; os.putenv('M', 'x'); del os.environ['N']", tmp_path) == []


def test_what_libraries_read_is_not_the_programs(tmp_path: Path) -> None:
    """What an installed package asks for is left out; a loose module is the user's own code."""
    (tmp_path / "mine.py").write_text("import os\nos.environ.get('MINE')\n")
    code = "import shutil, mine\nshutil.which('ls')\nimport pandas"
    assert told(code, tmp_path) == ["MINE"]


def test_the_environment_stays_what_it_is(tmp_path: Path) -> None:
    """Type, copies, errors and tracebacks are those of an unwatched environment."""
    code = (
        "import copy\nassert type(os.environ) is os._Environ\n"
        "assert os.environ.copy() == dict(os.environ)\nassert copy.copy(os.environ) == os.environ\n"
        "try: os.environ['NONE']\n"
        "except KeyError as error:\n"
        "    files = [f.filename for f in traceback.extract_tb(error.__traceback__)]\n"
        "    assert not any('variables' in file for file in files), files\n"
        "try: os.environ[1]\nexcept TypeError as error: assert 'str expected' in str(error)\n"
        "os.environ['NEW'] = 'x'; assert os.environ['NEW'] == 'x'; del os.environ['NEW']\n"
        "import subprocess; subprocess.run(['true'], env=os.environ, check=True)"
    )
    assert "NONE" in told(code, tmp_path)


def test_a_password_is_never_told() -> None:
    """Also one that is the name of the database stays in the environment; the name is told."""
    names = ("PGPASSWORD", "DB_PASS", "DB_NAME")
    answer = {"kind": "sql", "source": "postgresql://db:5432/shop", "request": "SELECT 1"}
    code = f"[os.environ[name] for name in {names}]\nprint(json.dumps(held.seen([{answer}])))"
    done = subprocess.run(
        [sys.executable, "-c", HEAD + WATCH + code],
        env={**os.environ, **dict.fromkeys(names, "shop")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = {one["name"]: one["known"] for one in json.loads(done.stdout)}
    assert [told[name] for name in names] == ["", "", "shop"]


def test_where_odbc_was_told_to_connect() -> None:
    """Of a text with NAME=value a rerun is told the place, not the user and the password."""
    answer = {"kind": "sql", "source": "odbc://db:1433/shop", "request": "SELECT 1"}
    code = f"os.environ['DB']\nprint(json.dumps(held.seen([{answer}])))"
    done = subprocess.run(
        [sys.executable, "-c", HEAD + WATCH + code],
        env={**os.environ, "DB": "Driver={X};Server=tcp:db,1433;Database=shop;UID=ada;PWD=pw1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)[0]["known"] == "server=tcp:db,1433;database=shop"
