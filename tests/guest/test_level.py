from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.traced import Traced

ROOT = Path(__file__).parents[2]
START = """
import json, os, sys
from py_mlops.guest.observe import observer
watching = observer()
watching.start()
with watching.paused():
    watching.level.start_without_tracer(os.getcwd())
watching.cell = 1
"""
FINISH = """
with watching.paused():
    print(json.dumps([watching.level.name, watching.level.alarms(watching.cell),
                      [f["path"] for f in watching.files()]]))
"""


def said(traced: Traced, code: str = "", **env: str) -> tuple[str, list[str], list[str]]:
    """Return level, texts of the alarms and the names of files after some code."""
    printed = traced.python(START + code + FINISH, PYTHONPATH=str(ROOT), **env)
    level, alarms, files = json.loads(printed.splitlines()[-1])
    return level, [alarm["text"] for alarm in alarms], [Path(path).name for path in files]


def test_observed(traced: Traced) -> None:
    """With the tracer in this process and in its children a session is observed."""
    assert said(traced) == ("observed", [], [])


@pytest.mark.parametrize("env", [{}, {"LD_PRELOAD": ""}])
def test_a_library_of_the_users(traced: Traced, env: dict[str, str]) -> None:
    """A library that the notebook loads from a folder is read, whoever watches."""
    library = traced.folder / "own.so"
    source = traced.folder.parent / "own.c"
    source.write_text("int number = 7;")
    subprocess.run(["cc", "-shared", "-fPIC", str(source), "-o", str(library)], check=True)
    _, _, files = said(traced, "import ctypes; ctypes.CDLL('./own.so')\n", **env)
    assert files == ["own.so"]


@pytest.mark.parametrize(
    "env",
    [
        {"LD_PRELOAD": ""},
        {"MLOPS_TRACE": ""},
        {"MLOPS_TRACE": "/nowhere/log"},
        {"MLOPS_TRACE_LIMIT": "1"},
        {"MLOPS_TRACE_SKIP": "/"},
    ],
)
def test_watched(traced: Traced, env: dict[str, str]) -> None:
    """Where the tracer is not, or cannot write, its place is taken by notifications."""
    level, alarms, files = said(traced, "os.system('cat < data > /dev/null')", **env)
    assert (level, alarms, files) == ("watched", [], ["data"])


def test_python_only(traced: Traced) -> None:
    """Where neither works, only what Python itself opened is seen."""
    nothing = "from py_mlops.guest import watch; watch.Watch.start = lambda *_: False\n"
    printed = traced.python(nothing + START + FINISH, PYTHONPATH=str(ROOT), LD_PRELOAD="")
    assert json.loads(printed)[0] == "python-only"


def test_a_flood(traced: Traced) -> None:
    """A log that ran full lowers the level and says so."""
    flood = "for i in range(500): open(f'{i}', 'w').close()\n"
    level, alarms, files = said(traced, flood, MLOPS_TRACE_LIMIT="20000")
    assert level == "python-only"
    assert [text[:27] for text in alarms] == ["The log of opened files is "]
    assert len(files) == 500


def test_a_log_taken_away(traced: Traced) -> None:
    """A notebook that removes the log lowers the level, and its files are seen as before."""
    code = "os.unlink(os.environ['MLOPS_TRACE']); open('data').close()\n"
    level, alarms, files = said(traced, code)
    assert (level, len(alarms), files) == ("python-only", 1, ["data"])
