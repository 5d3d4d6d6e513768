from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import joblib
import msgspec
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from py_mlops.guest import shell
from py_mlops.records.handover import Handover, SeenFile

ROOT = Path(__file__).parents[2]
START = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from py_mlops.guest import session
session.start(get_ipython());
"""
CELLS = {
    "pandas": "import pandas as pd\npd.read_csv('table.csv').to_csv('made.csv')",
    "numpy": "import numpy as np\nnp.save('made.npy', np.load('array.npy'))",
    "csv": "import csv\nwith open('rows.csv', newline='') as f: rows = list(csv.reader(f))",
    "json": "import json\nfrom pathlib import Path\njson.loads(Path('settings.json').read_text())",
    "joblib": "import joblib\njoblib.dump(joblib.load('model.joblib'), 'made.joblib')",
    "sqlite": "import sqlite3\ndb = sqlite3.connect('made.db')\ndb.execute('create table t(a)')",
    "sqlite read": "sqlite3.connect('there.db').execute('select * from t').fetchall()",
    "sqlite write": "both = sqlite3.connect('both.db')\nboth.execute('insert into t values (2)')\n"
    "both.commit()",
    "cat": "!cat shown.txt",
    "captured": "text = !cat captured.txt",
    "exit": "!exit 3",
    "bash": "%%bash\ncat script.txt > 'from bash.txt'",
    "redirect": "name = 'sorted.txt'\n!sort < unsorted.txt > $name",
    "option": "!sort -o in-place.txt in-place.txt",
    "local": "def show(file):\n    !cat $file\nshow('local.txt')",
    "process": "import subprocess\nsubprocess.run(['cp', 'source.txt', 'copy.txt'], check=True);",
    "atomic": "import os\nopen('w.tmp', 'w').close()\nos.replace('w.tmp', 'whole.txt')",
    "rewrite": "old = open('twice.txt').read()\nopen('twice.txt', 'w').write(old + '!');",
    "gone": "open('scratch', 'w').close()\nos.remove('scratch')",
    "named": "quoted = 'only named.parquet'",
    "missing": "try:\n    open('not there')\nexcept FileNotFoundError as error:\n    print(error)",
    "pip": "%pip --version",
}
READ = (
    *("table.csv", "array.npy", "rows.csv", "settings.json", "model.joblib", "there.db"),
    *("both.db", "shown.txt", "captured.txt", "script.txt", "unsorted.txt", "in-place.txt"),
    *("local.txt", "source.txt", "twice.txt", "only named.parquet"),
)
FINISH = """
from pathlib import Path
with session.current()._observer.paused():
    seen = session.current().seen({"name": "n", "model": None, "metrics": [], "holdout": None})
    Path("handover").write_text(json.dumps(seen))
    Path("state").write_text(json.dumps([text, exit_code]))
"""


class Ran:
    """A notebook that a real kernel ran, and what was seen of it."""

    def __init__(self, folder: Path) -> None:
        """Run the notebook in a folder with data."""
        self.folder = folder
        self._fill()
        cells = dict(CELLS, exit=CELLS["exit"] + "\nexit_code = _exit_code")
        sources = [START, *cells.values(), FINISH]
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in sources]
        )
        NotebookClient(
            notebook, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        ).execute()
        self.outputs = dict(zip(cells, notebook.cells[1:], strict=False))
        self.handover = msgspec.json.decode((folder / "handover").read_bytes(), type=Handover)
        self.files = {
            str(Path(file.path).relative_to(folder)): file
            for file in self.handover.files
            if Path(file.path).is_relative_to(folder)
        }
        self.state = json.loads((folder / "state").read_text())

    def _fill(self) -> None:
        for name in READ:
            (self.folder / name).write_text("b\na\n")
        (self.folder / "settings.json").write_text("{}")
        np.save(self.folder / "array.npy", np.zeros(2))
        joblib.dump({}, self.folder / "model.joblib")
        for name in ("there.db", "both.db"):
            (self.folder / name).unlink()
            with sqlite3.connect(self.folder / name) as database:
                database.execute("create table t(a)")
            database.close()

    def shown(self, cell: str) -> str:
        """Return what a cell printed."""
        return "".join(output.get("text", "") for output in self.outputs[cell].outputs)

    def cell(self, name: str) -> int:
        """Return a cell's execution count."""
        return list(CELLS).index(name) + 2


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Run all cells once."""
    return Ran(tmp_path_factory.mktemp("notebook"))


def parts(file: SeenFile) -> dict[str, Any]:
    """Return what decides a file's role."""
    return {"first": file.first, "written": file.written, "observed": file.observed}


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("table.csv", "pandas"),
        ("array.npy", "numpy"),
        ("rows.csv", "csv"),
        ("settings.json", "json"),
        ("model.joblib", "joblib"),
        ("there.db", "sqlite read"),
    ],
)
def test_reads_of_libraries(ran: Ran, name: str, cell: str) -> None:
    """A file read through pandas, numpy, csv, json, joblib or sqlite is seen with its cell."""
    seen = ran.files[name]
    assert parts(seen) == {"first": "read", "written": False, "observed": "audit-hook"}
    assert (seen.cell, seen.requested, seen.existed) == (ran.cell(cell), name, True)
    found = (ran.folder / name).stat()
    assert (seen.size, seen.mtime_ns, seen.inode) == (
        found.st_size,
        found.st_mtime_ns,
        found.st_ino,
    )


@pytest.mark.parametrize("name", ["made.csv", "made.npy", "made.joblib", "made.db", "whole.txt"])
def test_writes_of_libraries(ran: Ran, name: str) -> None:
    """A file the notebook made is an output, also one that got its name at the end."""
    seen = ran.files[name]
    assert parts(seen) == {"first": "write", "written": True, "observed": "audit-hook"}
    assert not seen.existed


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("shown.txt", "cat"),
        ("captured.txt", "captured"),
        ("script.txt", "bash"),
        ("unsorted.txt", "redirect"),
        ("local.txt", "local"),
        ("source.txt", "process"),
    ],
)
def test_reads_of_commands(ran: Ran, name: str, cell: str) -> None:
    """A file that a shell command or child process is given, and leaves as it was, is read."""
    seen = ran.files[name]
    assert parts(seen) == {"first": "read", "written": False, "observed": "shell-command"}
    assert seen.cell == ran.cell(cell)


@pytest.mark.parametrize("name", ["from bash.txt", "sorted.txt", "in-place.txt", "copy.txt"])
def test_writes_of_commands(ran: Ran, name: str) -> None:
    """A file that a shell command or child process makes or changes is an output."""
    seen = ran.files[name]
    assert parts(seen) == {"first": "write", "written": True, "observed": "shell-command"}


@pytest.mark.parametrize("name", ["twice.txt", "both.db"])
def test_read_then_rewritten(ran: Ran, name: str) -> None:
    """A file read and later changed by the notebook stays an input and is marked."""
    assert parts(ran.files[name]) == {"first": "read", "written": True, "observed": "audit-hook"}


def test_named_only(ran: Ran) -> None:
    """A file that stands only as a string in the code is seen as named."""
    seen = ran.files["only named.parquet"]
    assert parts(seen) == {"first": "read", "written": False, "observed": "named-in-code"}
    assert seen.cell == ran.cell("named")


def test_nothing_else(ran: Ran) -> None:
    """Files of the kernel, missing ones and removed scratch files are not seen."""
    made = {"made.csv", "made.npy", "made.joblib", "made.db", "whole.txt", "from bash.txt",
            "sorted.txt", "copy.txt"}  # fmt: skip
    assert set(ran.files) == {*READ, *made}
    assert len(ran.handover.files) == len(ran.files)


def test_commands(ran: Ran) -> None:
    """Each command is seen once, as its author typed it, with its cell."""
    texts = {item.text: item.cell for item in ran.handover.commands}
    pip = next(text for text in texts if text.endswith("-m pip --version"))
    assert texts.pop(pip) == ran.cell("pip")
    assert texts == {
        "cat shown.txt": ran.cell("cat"),
        "cat captured.txt": ran.cell("captured"),
        "exit 3": ran.cell("exit"),
        "cat script.txt > 'from bash.txt'": ran.cell("bash"),
        "sort < unsorted.txt > sorted.txt": ran.cell("redirect"),
        "sort -o in-place.txt in-place.txt": ran.cell("option"),
        "cat local.txt": ran.cell("local"),
        "cp source.txt copy.txt": ran.cell("process"),
    }


def test_commands_do_what_they_did(ran: Ran) -> None:
    """Output, exit code, captured lines and variables of functions are as without us."""
    assert ran.shown("cat").split() == ["b", "a"]
    assert ran.shown("local").split() == ["b", "a"]
    assert ran.state == [["b", "a"], 3]
    assert "not there" in ran.shown("missing")
    assert (ran.folder / "sorted.txt").read_text() == "a\nb\n"


def test_blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library of native readers is told by its top name once it is imported."""
    for name in shell.BLIND:
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert shell.blind() == []
    monkeypatch.setitem(sys.modules, "h5py", sys)
    monkeypatch.setitem(sys.modules, "pyarrow", sys)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", sys)
    monkeypatch.setitem(sys.modules, "pyarrow.csv", sys)
    assert shell.blind() == ["h5py", "pyarrow"]
