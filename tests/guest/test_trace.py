from __future__ import annotations

import ast
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.traced import Traced

ROOT = Path(__file__).parents[2]
WATCH = """
import ctypes, os, subprocess, sys
from py_mlops.guest.observe import observer
watching = observer()
watching.start()
libc = ctypes.CDLL(None)
def native(path, flags=0):
    os.close(libc.open(os.fsencode(path), flags, 0o644))
def sh(command):
    subprocess.run(["sh", "-c", command], check=True)
def parts(file):
    return file["first"], file["written"], file["observed"], file["process"], file["cell"]
def said():
    here = os.getcwd() + "/"
    return {f["path"].replace(here, "", 1): parts(f) for f in watching.files()}
watching.cell = 1
"""
FINISH = "\nprint(repr((said(), watching.connections(), watching.level.unseen(), "
FINISH += "watching.level.name, watching.failures)))"
HOOK, TRACER = "audit-hook", "tracer"


class Said:
    """What an observed and traced process said at its end."""

    def __init__(self, traced: Traced, code: str, **env: str) -> None:
        """Run the code with an observer."""
        printed = traced.python(WATCH + code + FINISH, PYTHONPATH=str(ROOT), **env)
        found = ast.literal_eval(printed.splitlines()[-1])
        self.files: dict[str, tuple[Any, ...]]
        self.files, self.connections, self.unseen, self.level, self.failures = found
        assert self.failures == 0


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("native('data')", {"data": ("read", False, TRACER, "", 1)}),
        ("open('data').close()", {"data": ("read", False, TRACER, "", 1)}),
        ("open('data').close(); native('data')", {"data": ("read", False, TRACER, "", 1)}),
        ("native('data'); open('data').close()", {"data": ("read", False, TRACER, "", 1)}),
        ("sh('cat data')", {"data": ("read", False, TRACER, "cat", 1)}),
        ("sh('cat dat*')", {"data": ("read", False, TRACER, "cat", 1)}),
        ("native('data'); sh('cat data')", {"data": ("read", False, TRACER, "", 1)}),
        ("native('new', 0o101)", {"new": ("write", True, TRACER, "", 1)}),
        ("native('new', 0o101); open('new').close()", {"new": ("write", True, TRACER, "", 1)}),
        ("sh('cp data new')", {"data": ("read", False, TRACER, "cp", 1),
                               "new": ("write", True, TRACER, "cp", 1)}),
        ("sh('cp data data2; mv data2 new')", {"data": ("read", False, TRACER, "cp", 1),
                                               "new": ("write", True, TRACER, "mv", 1)}),
        ("native('data'); sh('echo >> data')", {"data": ("read", True, TRACER, "", 1)}),
        ("native('data', 0o2)", {"data": ("read", False, TRACER, "", 1)}),
        ("sh('echo > data'); native('data')", {"data": ("write", True, TRACER, "sh", 1)}),
        ("native('tmp', 0o101); os.unlink('tmp')", {}),
        ("native('t', 0o101); libc.rename(b't', b'new')", {"new": ("write", True, TRACER, "", 1)}),
        ("libc.rename(b'data', b'new')", {"data": ("read", True, TRACER, "", 1),
                                          "new": ("write", True, TRACER, "", 1)}),
        ("native('data'); watching.cell = 2; sh('cat data'); native('more', 0o101)",
         {"data": ("read", False, TRACER, "", 1), "more": ("write", True, TRACER, "", 2)}),
        ("with watching.paused(): native('data'); sh('cat data')", {}),
        ("os.mkdir('d'); native('d/a', 0o101); libc.rename(b'd', b'e')",
         {"e/a": ("write", True, TRACER, "", 1)}),
        ("native('a\\n b', 0o101)", {"a\n b": ("write", True, TRACER, "", 1)}),
    ],
)  # fmt: skip
def test_files(traced: Traced, code: str, expected: dict[str, tuple[Any, ...]]) -> None:
    """Who touched a file first, and how, is told by the log's order, without telling it twice."""
    assert Said(traced, code).files == expected


def test_times_decide_the_cell(traced: Traced) -> None:
    """What a child does after its cell has ended belongs to the cell in which it does it."""
    code = (
        "child = subprocess.Popen(['sh', '-c', 'read go; cat data'], stdin=-1)\n"
        "watching.cell = 2\nchild.communicate(b'go\\n')"
    )
    assert Said(traced, code).files["data"] == ("read", False, TRACER, "cat", 2)


def test_reads_that_wait(traced: Traced) -> None:
    """Files that were only read are thought about when asked for: with cell, look and name."""
    code = (
        "known = lambda: [p for p in watching._files.paths() if p.startswith(os.getcwd())]\n"
        "open('data').close(); watching.cell = 2; native('other'); watching.cell = 3\n"
        "before = known(); open('other', 'a').close()\n"
        "print([before, [[f['requested'], f['cell'], f['size']] for f in watching.files()]])"
    )
    (traced.folder / "other").write_text("ab")
    printed = traced.python(WATCH + code, PYTHONPATH=str(ROOT))
    assert printed.splitlines()[-1] == "[[], [['data', 1, 4], ['other', 2, 2]]]"


def test_a_log_removed_by_a_command(traced: Traced) -> None:
    """When a child removes the log, Python's files are seen by Python's hook again."""
    code = "sh('rm $MLOPS_TRACE'); watching.settle(); open('data').close()"
    assert Said(traced, code).files == {"data": ("read", False, HOOK, "", 1)}


def test_versions(traced: Traced) -> None:
    """A file that others changed between two native reads comes once for each version."""
    code = (
        "native('data')\nwith watching.paused():\n    open('data', 'w').write('longer')\n"
        "native('data'); print([f['size'] for f in watching.files()])"
    )
    printed = traced.python(WATCH + code, PYTHONPATH=str(ROOT))
    assert printed.splitlines()[-1] == "[4, 6]"


def test_sqlite(traced: Traced) -> None:
    """A database that is only asked is an input, though it is opened for writing too."""
    code = (
        "import sqlite3\nwith watching.paused():\n"
        "    d = sqlite3.connect('a.db'); d.execute('create table t(a)'); d.commit(); d.close()\n"
        "d = sqlite3.connect('a.db'); d.execute('select * from t').fetchall()\n"
        "e = sqlite3.connect('b.db'); e.execute(\"attach 'a.db' as x\")\n"
        "e.execute('create table u as select * from t'); e.commit()"
    )
    files = Said(traced, code).files
    assert files["a.db"] == ("read", False, HOOK, "", 1)
    assert files["b.db"][:2] == ("write", True)


def test_connections(traced: Traced) -> None:
    """Native connections are told by name; what the session itself listens at is none."""
    code = (
        "import socket\nfrom py_mlops.guest.trace import Trace\n"
        "own = socket.create_server(('127.0.0.1', 0)); at = own.getsockname()[1]\n"
        "sh(f'exec 3<>/dev/tcp/127.0.0.1/{at}') if 0 else None\n"
        "socket.create_connection(('localhost', at)).close()\n"
        "with watching.paused():\n"
        "    other = subprocess.Popen([sys.executable, '-c', 'import socket, sys\\n'\n"
        "        's = socket.create_server((\"127.0.0.1\", 0)); print(s.getsockname()[1])\\n'\n"
        "        'sys.stdout.flush(); sys.stdin.read()'], stdin=-1, stdout=-1, text=True)\n"
        "    port = int(other.stdout.readline())\n"
        "subprocess.run(['bash', '-c', f'exec 3<>/dev/tcp/localhost/{port}'], check=True)\n"
        "other.communicate(); assert port != at\n"
    )
    [found] = Said(traced, code).connections
    assert (found["cell"], found["host"]) == (1, "localhost")


def test_who_escaped(traced: Traced) -> None:
    """A child without our environment is named; the level of all others stays."""
    code = "subprocess.run(['/bin/cat', 'data'], env={'LD_PRELOAD': ''}, stdout=-3)"
    said = Said(traced, code)
    assert said.unseen == ["/bin/cat (started without LD_PRELOAD)"]
    assert said.level == "observed"


def test_unset_by_the_notebook(traced: Traced) -> None:
    """A notebook that takes LD_PRELOAD out of its environment is told what it then started."""
    code = "del os.environ['LD_PRELOAD']\nos.system('cat data > /dev/null')"
    assert Said(traced, code).unseen == ["cat data > /dev/null (started without LD_PRELOAD)"]


def test_a_script_and_a_program_of_the_users(traced: Traced) -> None:
    """A script that is run, and a program out of the user's own folder, are inputs."""
    script = traced.folder / "script.sh"
    script.write_text("#!/bin/sh\ncat data\n")
    script.chmod(0o755)
    (traced.folder / "tool").write_bytes(Path("/bin/cat").read_bytes())
    (traced.folder / "tool").chmod(0o755)
    files = Said(traced, "sh('./script.sh; ./tool data')").files
    assert files["script.sh"][:3] == ("read", False, TRACER)
    assert files["tool"] == ("read", False, TRACER, "tool", 1)


def test_another_python(traced: Traced) -> None:
    """A child of another environment brings in its script and data, not its packages."""
    (traced.folder / "job.py").write_text("import json; open('data').close()")
    files = Said(traced, f"subprocess.run([{sys.executable!r}, 'job.py'], check=True)").files
    assert set(files) == {"job.py", "data"}


def test_without_a_log() -> None:
    """Without the tracer's variable nothing is traced, and work goes on."""
    from py_mlops.guest.contacts import Contacts
    from py_mlops.guest.sightings import Sightings
    from py_mlops.guest.trace import Trace
    from py_mlops.guest.tracelog import LOG

    assert LOG not in os.environ
    trace = Trace(Sightings(), Contacts(), lambda _: False)
    assert not trace.start()
    trace.merge()
    assert not trace.whole
